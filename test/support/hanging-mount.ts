/** A real mount that can be made to hang. Needs root, and a mount namespace of its own around it. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline';

import { serveFuse } from './fuse-server.ts';
import { bodyCommand } from './run-body.ts';

export interface HangingMount extends AsyncDisposable {
  /** `silent`: accepts requests and does not answer, so that the caller cannot be killed. `talk`: answers. */
  switchTo(mode: 'silent' | 'talk'): Promise<void>;
  /** Resolves when a process has called a silent server and waits for ever. */
  readonly caught: Promise<void>;
  /** The server is stopped and accepts no request: the caller hangs too, but can be killed. */
  stop(): void;
  resume(): void;
}

const SERVER = import.meta.resolve('./fuse-server.ts');

/** Mounts on `folder`; it answers until it is switched. At the end every caller is released. */
export async function mountHanging(folder: string): Promise<HangingMount> {
  mkdirSync(folder, { recursive: true });
  const device = openSync('/dev/fuse', 'r+');
  const [program, ...args] = bodyCommand(SERVER, serveFuse, []);
  // `-i`: no helper program; this mount is served by the file the child inherits.
  const options = 'fd=3,rootmode=40000,user_id=0,group_id=0';
  execFileSync('mount', ['-i', '-t', 'fuse', '-o', options, 'runnerwatch-test', folder], {
    stdio: ['ignore', 'inherit', 'inherit', device],
  });
  const server = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit', device] });
  const { stdin, stdout } = server;
  if (stdin === null || stdout === null) throw new Error('no pipes to the FUSE server');
  // Only the server may hold it: when it dies the kernel ends every question.
  closeSync(device);
  const lines = createInterface({ input: stdout });
  const caught = Promise.withResolvers<void>();
  let switched: (() => void) | undefined;
  lines.on('line', (line) => (line === 'held' ? caught.resolve() : switched?.()));
  const say = async (mode: 'silent' | 'talk'): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    switched = resolve;
    stdin.write(`${mode}\n`);
    await promise;
  };
  await say('talk');
  return {
    switchTo: say,
    caught: caught.promise,
    stop: () => void server.kill('SIGSTOP'),
    resume: () => void server.kill('SIGCONT'),
    [Symbol.asyncDispose]: async () => {
      const ended = once(server, 'exit');
      server.kill('SIGKILL');
      await ended;
    },
  };
}
