/** `runnerwatch demo` as a process without a terminal, in any folder, driven by its printed addresses. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { COMPILE_CACHE } from './compile-cache.ts';
import { programArguments } from './program-arguments.ts';
import { inPatience, PATIENCE_MILLISECONDS, until } from './until.ts';

const ROOT = join(import.meta.dirname, '../..');

export interface DemoOptions {
  readonly command?: readonly [string, ...string[]];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** It installs its packages first. */
  readonly isInstalling?: boolean;
}

export interface DemoProcess extends AsyncDisposable {
  readonly pid: number;
  /** Both end in a slash. */
  readonly statusPage: string;
  readonly controlPage: string;
  readonly output: () => string;
  /** Switches a fault of the demo on; `none` heals. */
  readonly press: (fault: string) => Promise<void>;
  /** Fetches a path of the daemon until the answer is as wanted, and returns its text. */
  readonly until: (path: string, wanted: (text: string) => boolean) => Promise<string>;
  /** Ends it and returns its exit code. */
  readonly end: (signal: NodeJS.Signals) => Promise<number | null>;
}

export async function startDemo(options: DemoOptions = {}): Promise<DemoProcess> {
  const { command = programArguments(['demo'], ROOT), cwd = ROOT } = options;
  const { env = { ...process.env, ...COMPILE_CACHE } } = options;
  const [program, ...args] = command;
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const take = (piece: Buffer): void => void (output += piece.toString());
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  const patience = PATIENCE_MILLISECONDS * (options.isInstalling === true ? 2 : 1);
  const { statusPage, controlPage } = await addressesOf(child, () => output, patience);
  return {
    pid: child.pid ?? 0,
    statusPage,
    controlPage,
    output: () => output,
    press: async (fault) => {
      const answer = await fetch(`${controlPage}fault/${fault}`, {
        method: 'POST',
        redirect: 'manual',
      });
      if (answer.status !== 303) throw new Error(`${fault}: ${answer.status}`);
    },
    until: async (path, wanted) => await untilText(`${statusPage}${path}`, wanted),
    end: async (signal) => await waitForExit(child, signal),
    [Symbol.asyncDispose]: async () => void (await waitForExit(child, 'SIGTERM')),
  };
}

async function addressesOf(child: ChildProcess, output: () => string, patience: number) {
  const { promise, resolve, reject } = Promise.withResolvers<{
    readonly statusPage: string;
    readonly controlPage: string;
  }>();
  const inspect = (): void => {
    const statusPage = /^status page +(?<url>\S+)$/m.exec(output())?.groups?.['url'];
    const controlPage = /^break things +(?<url>\S+)$/m.exec(output())?.groups?.['url'];
    if (statusPage !== undefined && controlPage !== undefined) resolve({ statusPage, controlPage });
  };
  const give = (why: string): void => reject(new Error(`${why}; it printed:\n${output()}`));
  child.stdout?.on('data', inspect);
  child.once('error', (error) => give(error.message));
  child.once('close', (code) => give(`the demo ended with ${code}`));
  return await inPatience(
    promise,
    () => `the demo printed no addresses, but:\n${output()}`,
    patience,
  );
}

async function untilText(url: string, wanted: (text: string) => boolean): Promise<string> {
  let text = '';
  await until(async () => {
    text = await (await fetch(url)).text();
    return wanted(text);
  });
  return text;
}

async function waitForExit(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    const exit = once(child, 'exit');
    child.kill(signal);
    await exit;
  }
  return child.exitCode;
}
