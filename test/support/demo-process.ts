/** `runnerwatch demo` as a process without a terminal, in any folder, driven by its printed addresses. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
const PATIENCE_MILLISECONDS = 60_000;
const POLL_MILLISECONDS = 200;

export interface DemoOptions {
  readonly command?: readonly [string, ...string[]];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
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

const OWN: readonly [string, ...string[]] = [
  process.execPath,
  'src/main.ts',
  'demo',
  '--web.listen-address=127.0.0.1:0',
];

export async function startDemo(options: DemoOptions = {}): Promise<DemoProcess> {
  const { command = OWN, cwd = ROOT, env = process.env } = options;
  const [program, ...words] = command;
  const child = spawn(program, words, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const take = (piece: Buffer): void => void (output += piece.toString());
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  const { statusPage, controlPage } = await addressesOf(child, () => output);
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
    end: async (signal) => await ended(child, signal),
    [Symbol.asyncDispose]: async () => void (await ended(child, 'SIGTERM')),
  };
}

async function addressesOf(child: ChildProcess, output: () => string) {
  const { promise, resolve, reject } = Promise.withResolvers<{
    readonly statusPage: string;
    readonly controlPage: string;
  }>();
  const look = (): void => {
    const statusPage = /^status page +(?<url>\S+)$/m.exec(output())?.groups?.['url'];
    const controlPage = /^break things +(?<url>\S+)$/m.exec(output())?.groups?.['url'];
    if (statusPage !== undefined && controlPage !== undefined) resolve({ statusPage, controlPage });
  };
  const give = (why: string): void => reject(new Error(`${why}; it printed:\n${output()}`));
  child.stdout?.on('data', look);
  child.once('error', (error) => give(error.message));
  child.once('close', (code) => give(`the demo ended with ${code}`));
  const timer = setTimeout(() => give('the demo printed no addresses'), PATIENCE_MILLISECONDS * 2);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}

async function untilText(url: string, wanted: (text: string) => boolean): Promise<string> {
  const last = Date.now() + PATIENCE_MILLISECONDS;
  for (;;) {
    const text = await (await fetch(url)).text();
    if (wanted(text)) return text;
    if (Date.now() > last) throw new Error(`${url} never said what was wanted:\n${text}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
  }
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    const exit = once(child, 'exit');
    child.kill(signal);
    await exit;
  }
  return child.exitCode;
}
