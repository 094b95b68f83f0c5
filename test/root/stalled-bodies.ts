/** What runs inside the mount namespace: storage that takes a write and does not end it, a server that is gone. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { mountTargetsOf } from '../../src/discovery/mount-targets.ts';
import type { Finding } from '../../src/core/finding.ts';
import { HOST_PATHS } from '../../src/core/paths.ts';
import type { ExecutorTarget, MountTarget } from '../../src/core/target.ts';
import { readMounts } from '../../src/host/fs/mounts.ts';
import { parseDiskStats } from '../../src/host/fs/stalled-device.ts';
import { FileSystemReader } from '../../src/host/fs/stat-file-system.ts';
import { createDisk } from '../../src/probes/disk.ts';
import { createExecutor } from '../../src/probes/executor.ts';
import { createJobPrograms } from '../../src/probes/job-programs.ts';
import { setClock } from '../support/clock.ts';
import { mountHanging } from '../support/hanging-mount.ts';
import { mountExt4 } from '../support/mount-namespace.ts';
import { processOf } from '../support/places.ts';
import { runProbe } from '../support/run-probe.ts';
import { until } from '../support/until.ts';

const MEBIBYTE = 1024 ** 2;

async function targetOn(folder: string): Promise<MountTarget> {
  const mounts = await readMounts(HOST_PATHS);
  const configPath = join(folder, 'config.toml');
  const targets = mountTargetsOf({ document: undefined, configPath, process: undefined, mounts });
  const target = targets.find(({ id }) => id === folder);
  if (target === undefined) throw new Error(`${folder} is no target`);
  return target;
}

function inFlight({ deviceNumber = '' }: MountTarget): number {
  return parseDiskStats(readFileSync('/proc/diskstats', 'utf8')).get(deviceNumber)?.inFlight ?? 0;
}

/** One file system lies in a file of another, which is then frozen: the upper answers, and no write to it ends. */
export async function freezeBelow(folder: string) {
  const [lower, upper] = [join(folder, 'lower'), join(folder, 'lower/upper')];
  mountExt4(lower, { bytes: 64 * MEBIBYTE });
  mountExt4(upper, { bytes: 32 * MEBIBYTE });
  const target = await targetOn(upper);
  const probe = createDisk(new FileSystemReader());
  const clock = setClock();
  const runOnce = async (): Promise<Finding> => {
    const finding = await runProbe(probe, target, { tools: { clock } });
    clock.advance(30);
    return finding;
  };
  const idle = [await runOnce(), await runOnce()];
  execFileSync('fsfreeze', ['--freeze', lower]);
  using unfreeze = new DisposableStack();
  unfreeze.defer(() => execFileSync('fsfreeze', ['--unfreeze', lower]));
  const args = ['if=/dev/zero', `of=${upper}/x`, 'bs=1M', 'count=8', 'oflag=direct'];
  const writer = spawn('dd', args, { stdio: 'ignore' });
  const ended = once(writer, 'exit');
  await until(
    () => inFlight(target) > 0 && /\) D /.test(readFileSync(`/proc/${writer.pid}/stat`, 'utf8')),
  );
  const during = [await runOnce(), await runOnce(), await runOnce()];
  unfreeze.dispose();
  await ended;
  return { idle, during, after: await runOnce() };
}

/** A shell executor whose folder of builds lies on a mount that does not answer. */
export async function askSilentFolder(folder: string): Promise<Finding> {
  await using mount = await mountHanging(folder);
  await mount.switchTo('silent');
  const path = join(folder, 'builds');
  const target: ExecutorTarget = {
    kind: 'executor',
    id: path,
    executor: 'shell',
    runners: ['a'],
    backend: { kind: 'folder', path },
  };
  const process = processOf({ uid: 1500, groups: [1500] });
  const tools = { process, signal: AbortSignal.timeout(300) };
  return await runProbe(createExecutor(new FileSystemReader()), target, { tools });
}

/** A custom executor whose programs lie on such a mount. */
export async function askSilentPrograms(folder: string): Promise<Finding> {
  await using mount = await mountHanging(folder);
  await mount.switchTo('silent');
  const programs = ['config_exec', 'run_exec'].map((setting) => ({
    name: join(folder, setting),
    setting,
  }));
  const target: ExecutorTarget = {
    kind: 'executor',
    id: 'custom',
    executor: 'custom',
    runners: ['a'],
    backend: { kind: 'programs', programs, lacks: [], unexamined: 'they make an environment' },
  };
  const own = processOf({ uid: 1500, groups: [1500] });
  const tools = { process: own && { ...own, pid: process.pid }, signal: AbortSignal.timeout(300) };
  return await runProbe(createJobPrograms(new FileSystemReader()), target, { tools });
}

/** The server of a FUSE mount dies, and the mount stays. */
export async function killServer(folder: string): Promise<Finding> {
  const mount = await mountHanging(folder);
  await mount[Symbol.asyncDispose]();
  return await runProbe(createDisk(new FileSystemReader()), await targetOn(folder));
}
