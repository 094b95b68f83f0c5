/**
 * The real program as a child: `await runProgram(['check'])`, or started, watched and ended by its own pid. It
 * sees nothing of this machine that its flags do not name.
 */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { COMPILE_CACHE } from './compile-cache.ts';
import { programArguments } from './program-arguments.ts';
import { inPatience } from './until.ts';

const ROOT = join(import.meta.dirname, '../..');

export interface ProgramResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Given to its standard input, which is empty otherwise. */
  readonly input?: string;
  readonly cwd?: string;
  /** Both of its outputs are a terminal of 24 rows and so many columns; they come as one, with its line ends. */
  readonly columns?: number;
}

export interface Program extends AsyncDisposable {
  readonly pid: number;
  stdout(): string;
  stderr(): string;
  kill(signal: NodeJS.Signals): void;
  /** The reader of its standard output goes away, as `head` does. */
  closeOutput(): void;
  /** Waits until its output, both streams in one, matches. */
  until(pattern: RegExp): Promise<RegExpExecArray>;
  readonly ended: Promise<ProgramResult>;
}

export function startProgram(args: readonly string[], options: ProgramOptions = {}): Program {
  const host = mkdtempSync(join(tmpdir(), 'runnerwatch-host-'));
  const child = spawn(...commandOf(programArguments(args, host), options.columns), {
    cwd: options.cwd ?? ROOT,
    env: { PATH: process.env['PATH'] ?? '', HOME: '/root', ...COMPILE_CACHE, ...options.env },
    stdio: 'pipe',
  });
  child.stdin.end(options.input ?? '');
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => (texts[name] += text));
  }
  const ended = endOf(child, texts).finally(() => rmSync(host, { recursive: true, force: true }));
  return {
    pid: child.pid ?? 0,
    stdout: () => texts.stdout,
    stderr: () => texts.stderr,
    kill: (signal) => void child.kill(signal),
    closeOutput: () => void child.stdout.destroy(),
    until: (pattern) => matching(child, pattern, () => texts.stdout + texts.stderr),
    ended,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** `script` gives the program a terminal. No argument may need quotes. */
function commandOf(
  [program, ...args]: readonly [string, ...string[]],
  columns?: number,
): [string, string[]] {
  if (columns === undefined) return [program, args];
  const line = [program, ...args].join(' ');
  return ['script', ['-qec', `stty rows 24 cols ${columns} && exec ${line}`, '/dev/null']];
}

export async function runProgram(
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  await using program = startProgram(args, options);
  return await program.ended;
}

async function endOf(
  child: ChildProcess,
  texts: Readonly<Record<'stdout' | 'stderr', string>>,
): Promise<ProgramResult> {
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, ...texts };
}

async function matching(
  child: ChildProcess,
  pattern: RegExp,
  output: () => string,
): Promise<RegExpExecArray> {
  const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
  const inspect = (): void => {
    const match = pattern.exec(output());
    if (match !== null) resolve(match);
  };
  const missing = (why: string): string =>
    `${why} before ${String(pattern)} was seen in:\n${output()}`;
  const onClose = (): void => reject(new Error(missing('the program ended')));
  child.stdout?.on('data', inspect);
  child.stderr?.on('data', inspect);
  child.once('close', onClose);
  inspect();
  try {
    return await inPatience(promise, () => missing('time was up'));
  } finally {
    child.stdout?.off('data', inspect);
    child.stderr?.off('data', inspect);
    child.off('close', onClose);
  }
}
