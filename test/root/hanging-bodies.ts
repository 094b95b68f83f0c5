/** What runs inside the mount namespace: mounts that hang, and who suffers from it. */
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Finding } from '../../src/core/finding.ts';
import { HOST_PATHS } from '../../src/core/paths.ts';
import type { MountTarget } from '../../src/core/target.ts';
import { FileSystemReader } from '../../src/host/fs/stat-file-system.ts';
import { LintProcess } from '../../src/lint/in-child.ts';
import { cpu } from '../../src/probes/cpu.ts';
import { createDisk } from '../../src/probes/disk.ts';
import { setClock } from '../support/clock.ts';
import type { HangingMount } from '../support/hanging-mount.ts';
import { mountHanging } from '../support/hanging-mount.ts';
import { HOST } from '../support/probes.ts';
import { runProbe } from '../support/run-probe.ts';
import { PATIENCE_MILLISECONDS, until } from '../support/until.ts';

/** Scaled down: the probe's own deadline is 5 s. */
const DEADLINE_MILLISECONDS = 300;
/** More than the four threads of libuv's pool. */
const MOUNTS = 6;

function targetOn(folder: string): MountTarget {
  return {
    kind: 'mount',
    id: folder,
    fileSystemType: 'fuse',
    readOnly: false,
    path: join(folder, 'builds'),
    roles: ['builds_dir of one'],
  };
}

/** Children of a process that are called `stat`, with their state: D waits and cannot be killed. */
export function statChildren(parent: number): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const [, state = '', above] = /\(stat\) (\S) (\d+)/.exec(statLine(pid)) ?? [];
      return Number(above) === parent ? [state] : [];
    });
}

/** Empty when the process has just ended. */
function statLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return '';
  }
}

/** One mount that falls silent, is asked again and again, and recovers. */
export async function hangMount(folder: string, how: 'takes questions' | 'stands still') {
  await using mount = await mountHanging(folder);
  const reader = new FileSystemReader();
  const clock = setClock();
  const children: number[] = [];
  const ask = async (milliseconds = DEADLINE_MILLISECONDS): Promise<Finding> => {
    const signal = AbortSignal.timeout(milliseconds);
    const tools = { clock, signal };
    const finding = await runProbe(createDisk(reader), targetOn(folder), { tools });
    clock.advance(30);
    children.push(statChildren(process.pid).filter((state) => state !== 'Z').length);
    return finding;
  };
  const before = await ask(PATIENCE_MILLISECONDS);
  await silence(mount, how);
  const during = [await ask(), await ask(), await ask()];
  await recover(mount, how);
  await waitUntilIdle(reader);
  return { before, during, after: await ask(PATIENCE_MILLISECONDS), children };
}

async function silence(mount: HangingMount, how: string): Promise<void> {
  if (how === 'takes questions') await mount.switchTo('silent');
  else mount.stop();
}

async function recover(mount: HangingMount, how: string): Promise<void> {
  if (how === 'takes questions') await mount.switchTo('talk');
  else mount.resume();
}

/** Waits until no question is open, a turn of the event loop at a time. */
async function waitUntilIdle(reader: FileSystemReader): Promise<void> {
  while (reader.inFlight() > 0) await readFile('/proc/self/stat');
}

/** More silent mounts than the pool has threads: what still works while all of them are asked. */
export async function hangMany(folder: string) {
  await using stack = new AsyncDisposableStack();
  const folders = Array.from({ length: MOUNTS }, (_, index) => `${folder}-${index}`);
  const mounts: HangingMount[] = [];
  for (const one of folders) mounts.push(stack.use(await mountHanging(one)));
  for (const mount of mounts) await mount.switchTo('silent');
  const reader = new FileSystemReader();
  const probe = createDisk(reader);
  const stop = new AbortController();
  const ask = async (one: string): Promise<Finding> =>
    await runProbe(probe, targetOn(one), { tools: { signal: stop.signal } });
  const hung = Promise.all(folders.map(ask));
  await Promise.all(mounts.map(({ caught }) => caught));
  const file = await readFile('/proc/sys/kernel/ostype', 'utf8');
  const healthy = await runProbe(probe, { ...targetOn('/'), path: '/tmp' });
  const processor = await runProbe(cpu, HOST);
  const open = reader.inFlight();
  stop.abort();
  const findings = await hung;
  // The signal that was sent to each wakes it for a moment, on a busy machine a while later.
  let children: readonly string[] = [];
  await until(() => {
    children = statChildren(process.pid);
    return children.every((state) => state === 'D');
  });
  return {
    file: file.trim(),
    healthy: healthy.measures?.['size_bytes'],
    processor: processor.measures?.['utilization_ratio'],
    open,
    hung: findings.map((finding) => (finding.status === 'pass' ? 'pass' : finding.reason)),
    children,
  };
}

/** Lints a file whose CA file lies on a mount that hangs, twice: the first child cannot be killed meanwhile. */
export async function lintOnHungMount(folder: string): Promise<readonly (readonly string[])[]> {
  await using mount = await mountHanging(folder);
  await mount.switchTo('silent');
  const lint = new LintProcess();
  const content = Buffer.from(`concurrency = 4\n[[runners]]\n  tls-ca-file = "${folder}/ca.pem"\n`);
  const request = {
    configPath: '/none/config.toml',
    content: content.toString('base64'),
    process: undefined,
    paths: HOST_PATHS,
  };
  const first = await lint.lint(request, false);
  const second = await lint.lint(request, false);
  return [first, second].map((report) => report?.findings.map(({ rule }) => rule) ?? []);
}
