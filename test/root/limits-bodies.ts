/** What runs as another user or in another network: real limits, and the probe that reads them. */
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { createSocket } from 'node:dgram';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Finding } from '../../src/core/finding.ts';
import type { Paths } from '../../src/core/paths.ts';
import type { ServiceTarget } from '../../src/core/target.ts';
import { createLimits } from '../../src/probes/limits.ts';
import { runnerProcess } from '../support/runner-process.ts';
import { runProbe } from '../support/run-probe.ts';

export const SERVICE: ServiceTarget = { kind: 'service', id: 'gitlab-runner.service' };

/** Tools for a probe of this process. */
export function ofProcess(pid: number | undefined) {
  return { tools: { process: pid === undefined ? undefined : runnerProcess({ pid }) } };
}

const NOBODY = 65_534;

/** Root's process, read by the user nobody. */
export async function lookAsNobody(pid: number): Promise<Finding> {
  process.setgroups?.([]);
  process.setgid?.(NOBODY);
  process.setuid?.(NOBODY);
  return await runProbe(createLimits(), SERVICE, ofProcess(pid));
}

/** Connects until no port is left, then runs the probe; `limit` keeps it bounded. */
export async function takeAllPorts(host: string, port: number, limit: number) {
  const server = createServer(() => {});
  if (host === '127.0.0.1') {
    server.listen(port, host);
    await once(server, 'listening');
  }
  const held: Socket[] = [];
  let complaint = '';
  while (held.length < limit && complaint === '') {
    const socket = connect({ host, port });
    held.push(socket);
    complaint = await once(socket, 'connect').then(
      () => '',
      (error: NodeJS.ErrnoException) => error.code ?? '',
    );
  }
  const finding = await runProbe(createLimits(), SERVICE);
  return { complaint, finding };
}

/** The real table of this network, beside a limit that would hold for the whole machine. */
export async function trackDatagrams(count: number, max: number): Promise<Finding> {
  const socket = createSocket('udp4');
  for (let index = 0; index < count; index += 1) {
    const { promise, resolve } = Promise.withResolvers<void>();
    socket.send('x', 10_000 + index, '127.0.0.1', () => resolve());
    await promise;
  }
  return await runProbe(createLimits(), SERVICE, {
    tools: { paths: withTableOf(max) },
  });
}

function withTableOf(max: number): Paths {
  const procfs = mkdtempSync(join(tmpdir(), 'runnerwatch-proc-'));
  const netfilter = join(procfs, 'sys/net/netfilter');
  mkdirSync(netfilter, { recursive: true });
  mkdirSync(join(procfs, 'sys/fs'));
  symlinkSync('/proc/sys/fs/file-nr', join(procfs, 'sys/fs/file-nr'));
  symlinkSync('/proc/self/net', join(procfs, 'net'));
  symlinkSync('/proc/sys/net/netfilter/nf_conntrack_count', join(netfilter, 'nf_conntrack_count'));
  writeFileSync(join(netfilter, 'nf_conntrack_max'), `${max}\n`);
  return { rootfs: '/', procfs, sysfs: '/sys' };
}
