/** Limits of the kernel, out of files of a /proc that the test makes. Real limits are in test/root/limits.test.ts. */
import { describe, expect, test } from 'vitest';

import type { Finding } from '../../src/core/finding.ts';
import type { Paths } from '../../src/core/paths.ts';
import type { ServiceTarget } from '../../src/core/target.ts';
import { createLimits } from '../../src/probes/limits.ts';
import { rootFolder } from '../support/dns-server.ts';
import { runnerProcess } from '../support/runner-process.ts';
import { runProbe } from '../support/run-probe.ts';

const PID = 812;
const TARGET: ServiceTarget = {
  kind: 'service',
  id: 'gitlab-runner.service',
};

/** A host with room for everything. */
const ROOMY: Readonly<Record<string, string>> = {
  '/proc/sys/fs/file-nr': '3117\t0\t9223372036854775807\n',
  '/proc/loadavg': '0.5 0.4 0.3 2/800 4711\n',
  '/proc/sys/kernel/threads-max': '63000\n',
  '/proc/sys/kernel/pid_max': '32768\n',
  '/proc/sys/net/ipv4/ip_local_port_range': '32768\t60999\n',
  '/proc/net/sockstat': 'sockets: used 300\nTCP: inuse 28 orphan 0 tw 3000 alloc 30 mem 5\n',
  '/proc/net/sockstat6': 'TCP6: inuse 2\n',
  '/proc/sys/kernel/osrelease': '6.18.44-fc\n',
  '/proc/sys/kernel/random/entropy_avail': '12\n',
};

const CONNTRACK_HEAD = 'entries  found insert insert_failed drop early_drop';

const hex = (value: number): string => value.toString(16).padStart(8, '0');

function conntrack(count: number, max: number, failed = 0, dropped = 0) {
  return {
    '/proc/sys/net/netfilter/nf_conntrack_count': `${count}\n`,
    '/proc/sys/net/netfilter/nf_conntrack_max': `${max}\n`,
    '/proc/net/stat/nf_conntrack': [
      CONNTRACK_HEAD,
      `${hex(count)}  00000000 00000000 ${hex(failed)} ${hex(dropped)} 00000009`,
      `${hex(count)}  00000000 00000000 00000000 00000000 00000009`,
      '',
    ].join('\n'),
  };
}

function openFiles(count: number, soft: number) {
  const files = Array.from({ length: count }, (_, fd) => [`/proc/${PID}/fd/${fd}`, '']);
  return {
    ...Object.fromEntries(files),
    [`/proc/${PID}/limits`]: `Limit   Soft Limit  Hard Limit  Units\nMax open files            ${soft}     524288     files\n`,
  };
}

type Files = Readonly<Record<string, string>>;

/** Runs the probe once at each state of the host, with one memory; the last finding. */
async function runOnce(...states: readonly [Files, ...Files[]]): Promise<Finding> {
  const probe = createLimits();
  let finding: Finding = { status: 'pass' };
  for (const files of states) {
    await using root = await rootFolder({ ...ROOMY, ...files });
    finding = await runLimits(probe, root.paths);
  }
  return finding;
}

async function runLimits(probe: ReturnType<typeof createLimits>, paths: Paths): Promise<Finding> {
  return await runProbe(probe, TARGET, {
    tools: { paths, process: runnerProcess({ pid: PID }) },
  });
}

test('a host with room passes, with every number beside its ratio', async () => {
  const finding = await runOnce({ ...openFiles(12, 1024), ...conntrack(100, 65_536) });

  expect(finding).toEqual({
    status: 'pass',
    facts: { files_limit: 1024 },
    measures: {
      system_files: 3117,
      system_files_ratio: expect.closeTo(0),
      open_files: 12,
      open_files_ratio: 12 / 1024,
      tasks: 800,
      tasks_ratio: 800 / 32_768,
      tracked_connections: 100,
      tracked_connections_ratio: 100 / 65_536,
      local_ports: 3030,
      local_ports_ratio: 3030 / 28_232,
    },
  });
});

test.each([
  [
    '98000 of 98304 system files',
    { '/proc/sys/fs/file-nr': '98000\t0\t98304\n' },
    'system-files',
    '98000 of 98304 open files on the whole host',
  ],
  [
    '62 of 64 files of the runner',
    openFiles(62, 64),
    'files',
    `process ${PID} has 62 of 64 files open`,
  ],
  [
    '32000 of 32768 tasks of the host',
    { '/proc/loadavg': '0 0 0 2/32000 1\n' },
    'tasks',
    '32000 of 32768 processes and threads of the host',
  ],
])('%s are a fault', async (_what, files, reason, detail) => {
  expect(await runOnce(files)).toMatchObject({ status: 'fail', reason, detail });
});

const at = (folder: string) => ({
  [`/sys/fs/cgroup/${folder}/pids.current`]: '100\n',
  [`/sys/fs/cgroup/${folder}/pids.max`]: '100\n',
});

test('of a group that is not there, as in a container of our own, those above are of others', async () => {
  const elsewhere = { [`/proc/${PID}/cgroup`]: '8:pids:/docker/0a1b\n' };

  expect(await runOnce({ ...elsewhere, ...at('pids') })).toMatchObject({ status: 'pass' });
});

test('a limit of the control group counts, of version 1 and 2, and of a group above', async () => {
  const one = { [`/proc/${PID}/cgroup`]: '8:pids:/system.slice/gitlab-runner.service\n' };
  const two = { [`/proc/${PID}/cgroup`]: '0::/system.slice/gitlab-runner.service\n' };

  const found = [
    await runOnce({ ...one, ...at('pids/system.slice/gitlab-runner.service') }),
    await runOnce({ ...two, ...at('system.slice/gitlab-runner.service') }),
    await runOnce({
      ...two,
      ...at('system.slice'),
      '/sys/fs/cgroup/system.slice/gitlab-runner.service/cgroup.procs': '',
    }),
  ];

  expect(found).toMatchObject(
    [
      '/system.slice/gitlab-runner.service',
      '/system.slice/gitlab-runner.service',
      '/system.slice',
    ].map((path) => ({
      reason: 'tasks',
      detail: `100 of 100 processes and threads of the control group ${path}`,
    })),
  );
});

const group = (refusals: number) => ({
  [`/proc/${PID}/cgroup`]: '0::/r\n',
  '/sys/fs/cgroup/r/pids.current': '90\n',
  '/sys/fs/cgroup/r/pids.max': '100\n',
  '/sys/fs/cgroup/r/pids.events': `max ${refusals}\n`,
});

test('a fork that was refused since the run before is a fault, below the limit too', async () => {
  expect(await runOnce(group(5), group(5))).toMatchObject({ status: 'pass' });
  expect(await runOnce(group(5), group(7))).toMatchObject({
    reason: 'tasks',
    detail: expect.stringMatching(/and the kernel refused to create another one$/),
  });
});

describe('the table of tracked connections', () => {
  test('that is full and throws connections away is a fault', async () => {
    expect(await runOnce(conntrack(100, 100), conntrack(100, 100, 1, 2))).toMatchObject({
      status: 'fail',
      reason: 'connection-table',
      detail: '100 of 100 tracked connections, and the kernel dropped new ones',
      measures: { tracked_connections_ratio: 1 },
    });
  });

  test('that is nearly full and throws nothing away is a warning', async () => {
    expect(await runOnce(conntrack(96, 100, 0, 7), conntrack(96, 100, 0, 7))).toMatchObject({
      status: 'warn',
      reason: 'connection-table-filling',
    });
  });

  test('that threw something away long before, and has room, is no fault', async () => {
    expect(await runOnce(conntrack(10, 100), conntrack(20, 100, 3, 3))).toMatchObject({
      status: 'pass',
    });
  });
});

const line = (port: number, peer: number): string =>
  ` ${port}: 0100C80A:${port.toString(16).toUpperCase().padStart(4, '0')} 0200C80A:${peer.toString(16).toUpperCase().padStart(4, '0')} 06 00000000:00000000 00:00000000`;

const list = (peerOf: (index: number) => number): string =>
  [
    '  sl  local_address rem_address   st',
    ...Array.from({ length: 20 }, (_, i) => line(40_000 + i, peerOf(i))),
  ].join('\n');

test('ports in use to many peers are no fault; to one peer they are', async () => {
  const range = {
    '/proc/sys/net/ipv4/ip_local_port_range': '40000 40019\n',
    '/proc/net/sockstat': 'TCP: inuse 4 orphan 0 tw 16 alloc 4 mem 1\n',
  };

  expect(await runOnce({ ...range, '/proc/net/tcp': list((i) => 443 + (i % 2)) })).toMatchObject({
    status: 'pass',
  });
  expect(await runOnce({ ...range, '/proc/net/tcp': list(() => 443) })).toMatchObject({
    status: 'fail',
    reason: 'local-ports',
    detail: '20 of 20 local ports are in use for connections to 10.200.0.2:443',
  });
});

describe('little entropy', () => {
  test.each([
    ['4.19.0-27-amd64', 'entropy'],
    ['5.5.19', 'entropy'],
  ])('on kernel %s is a warning', async (release, reason) => {
    expect(await runOnce({ '/proc/sys/kernel/osrelease': `${release}\n` })).toMatchObject({
      status: 'warn',
      reason,
      measures: { entropy_ratio: 12 / 4096 },
    });
  });

  test.each(['5.6.0', '5.10.0-30', '6.18.44'])('on kernel %s is no fault', async (release) => {
    expect(await runOnce({ '/proc/sys/kernel/osrelease': `${release}\n` })).toMatchObject({
      status: 'pass',
    });
  });
});

test('of two faults the one that breaks the other is named', async () => {
  const both = {
    ...openFiles(64, 64),
    '/proc/sys/fs/file-nr': '100 0 100\n',
    '/proc/sys/kernel/osrelease': '4.19.0\n',
  };

  expect(await runOnce(both)).toMatchObject({ status: 'fail', reason: 'system-files' });
});

test('a fault is not hidden by what cannot be seen', async () => {
  await using root = await rootFolder(openFiles(64, 64));

  expect(await runLimits(createLimits(), root.paths)).toMatchObject({
    status: 'fail',
    reason: 'files',
  });
});

test('without /proc/sys nothing can be said', async () => {
  await using root = await rootFolder({});

  expect(await runLimits(createLimits(), root.paths)).toMatchObject({
    status: 'unknown',
    reason: 'proc-unreadable',
  });
});

test('a process that has just ended is the business of another check', async () => {
  expect(await runOnce({})).toMatchObject({ status: 'pass' });
});
