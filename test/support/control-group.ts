/** A control group (version 1) of its own for a test, and processes that live in it. Needs root. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { until } from './until.ts';

export interface TestGroup extends AsyncDisposable {
  read(file: string): Promise<string>;
  write(file: string, value: string): Promise<void>;
  /** Moves a process into the group; the caller ends the process. */
  adopt(pid: number): Promise<void>;
  /** Starts a program in the group; it is killed with the group. Resolves with its first line of output, if any. */
  start(program: string, ...words: readonly string[]): Promise<ChildProcess>;
}

/** `makeGroup('pids', { 'pids.max': '5' })` */
export async function makeGroup(
  controller: 'cpu' | 'memory' | 'pids',
  settings: Readonly<Record<string, string>>,
): Promise<TestGroup> {
  const name = `runnerwatch-test-${process.pid}-${Math.random().toString(36).slice(2)}`;
  const folder = join('/sys/fs/cgroup', controller, name);
  await mkdir(folder);
  for (const [file, value] of Object.entries(settings)) await writeFile(join(folder, file), value);
  const children: ChildProcess[] = [];
  return {
    read: async (file) => await readFile(join(folder, file), 'utf8'),
    write: async (file, value) => await writeFile(join(folder, file), value),
    adopt: async (pid) => await writeFile(join(folder, 'cgroup.procs'), String(pid)),
    start: async (...words) => {
      // The shell moves itself, so that what it becomes is never outside.
      const script = `echo $$ > ${folder}/cgroup.procs && exec "$@"`;
      const child = spawn('sh', ['-c', script, 'sh', ...words], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      children.push(child);
      await once(child.stdout, 'data');
      return child;
    },
    [Symbol.asyncDispose]: async () => {
      // Their child processes are in the group too.
      for (const pid of (await readFile(join(folder, 'cgroup.procs'), 'utf8')).split('\n')) {
        if (pid !== '') process.kill(Number(pid), 'SIGKILL');
      }
      for (const child of children) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        await once(child, 'exit');
      }
      // The kernel takes a moment to release the last task.
      await until(() =>
        rmdir(folder).then(
          () => true,
          () => false,
        ),
      );
    },
  };
}
