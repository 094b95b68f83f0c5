/**
 * A container without an engine: a process with a root, mounts, processes and a network of its own, as an engine starts
 * it. Needs root. The program in it is what `words` name; folders of programs are those of this machine, read-only.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { until } from './until.ts';

export interface HandMadeContainer extends AsyncDisposable {
  /** Of its runner, as this process sees it. */
  readonly pid: number;
}

export interface ContainerOptions {
  /** The folder that becomes its root. */
  readonly rootfs: string;
  readonly files: Readonly<Record<string, string>>;
  /** The address of its one interface; without one it has the network of this process. */
  readonly address?: string;
  /** Arguments behind `gitlab-runner run`. */
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const PROGRAMS = ['usr', 'bin', 'lib', 'lib64'];
const NAME = 'gitlab-runner';

/** Waits for its input to end, so that nothing of it outlives the test. */
const RUNNER = 'exec -a gitlab-runner bash --norc -s run "$@"';

export async function startContainer({
  rootfs,
  files,
  address,
  flags = [],
  env = {},
}: ContainerOptions): Promise<HandMadeContainer> {
  for (const folder of [...PROGRAMS, 'proc', 'tmp', 'old', 'etc/ssl/certs'])
    await mkdir(join(rootfs, folder), { recursive: true });
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(rootfs, path)), { recursive: true });
    await writeFile(join(rootfs, path), text);
  }
  const script = [
    'set -e; mount --make-rprivate /; mount --bind "$ROOT" "$ROOT"',
    `for d in ${PROGRAMS.join(' ')}; do mount --rbind -o ro /$d "$ROOT/$d"; done`,
    'mount -t proc proc "$ROOT/proc"',
    ...(address === undefined ? [] : [`ip link set lo up; ip addr add ${address}/24 dev lo`]),
    'cd "$ROOT"; pivot_root . old; umount -l old; cd /',
    RUNNER,
  ].join('\n');
  const network = address === undefined ? [] : ['--net'];
  const child = spawn(
    'unshare',
    [
      '--mount',
      '--pid',
      '--fork',
      '--kill-child',
      ...network,
      'bash',
      '-c',
      script,
      'sh',
      ...flags,
    ],
    {
      stdio: ['pipe', 'ignore', 'inherit'],
      env: { PATH: process.env['PATH'], ROOT: rootfs, ...env },
    },
  );
  let pid = 0;
  await until(async () => {
    pid = await childNamed(child.pid ?? 0);
    return pid > 0 || child.exitCode !== null;
  });
  return {
    pid,
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
      // A dead one may stay in the list: where this process is the first one, nobody buries it.
      await until(async () => (await commandLine(pid)) === '');
    },
  };
}

async function childNamed(parent: number): Promise<number> {
  const list = `/proc/${parent}/task/${parent}/children`;
  const children = await readFile(list, 'utf8').catch(() => '');
  const pid = Number(children.trim().split(' ')[0]);
  return (await commandLine(pid)).startsWith(`${NAME}\0`) ? pid : 0;
}

async function commandLine(pid: number): Promise<string> {
  return await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
}
