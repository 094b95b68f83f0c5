/** What runs inside the mount namespace: Docker's root on a small disk that is full. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Finding } from '../../src/core/finding.ts';
import { HOST_PATHS } from '../../src/core/paths.ts';
import type { ExecutorTarget } from '../../src/core/target.ts';
import { FileSystemReader } from '../../src/host/fs/stat-file-system.ts';
import { createExecutor } from '../../src/probes/executor.ts';
import { startDockerServer } from '../support/docker-stand-in.ts';
import { mountExt4 } from '../support/mount-namespace.ts';
import { processOf } from '../support/places.ts';
import { runProbe } from '../support/run-probe.ts';

/** The daemon reports its root; then the root is full; then the daemon is gone. */
export async function fillDockerRoot(folder: string) {
  mkdirSync(folder, { recursive: true });
  const root = join(folder, 'docker');
  mountExt4(root, { bytes: 16 * 1024 ** 2 });
  const socket = join(folder, 'docker.sock');
  const target: ExecutorTarget = {
    kind: 'executor',
    id: `unix://${socket}`,
    executor: 'docker',
    runners: ['a'],
    backend: { kind: 'docker', source: 'default address' },
  };
  const probe = createExecutor(new FileSystemReader());
  const runOnce = async () => await runProbe(probe, target, { tools: { paths: HOST_PATHS } });
  const docker = await startDockerServer({ info: { DockerRootDir: root } }, socket);
  const before = await runOnce();
  try {
    writeFileSync(join(root, 'layer'), new Uint8Array(16 * 1024 ** 2));
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('ENOSPC')) throw error;
  }
  const full = await runOnce();
  await docker[Symbol.asyncDispose]();
  return { before, full, gone: await runOnce() };
}

const NOBODY = 65_534;

/** A socket of root's, which the runner is root to use and we are not. */
export async function askAsNobody(rootfs: string): Promise<Finding> {
  process.setgroups?.([]);
  process.setgid?.(NOBODY);
  process.setuid?.(NOBODY);
  const paths = { rootfs, procfs: '/proc', sysfs: '/sys' };
  const target: ExecutorTarget = {
    kind: 'executor',
    id: 'unix:///run/docker.sock',
    executor: 'docker',
    runners: ['a'],
    backend: { kind: 'docker', source: 'default address' },
  };
  return await runProbe(createExecutor(new FileSystemReader()), target, {
    tools: { paths, process: processOf({ uid: 0, groups: [0] }) },
  });
}
