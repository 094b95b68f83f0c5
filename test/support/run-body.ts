/**
 * Runs an exported function of a module in its own process: in a namespace, as another user, under a limit. Its result
 * comes back as JSON, so `undefined` members are lost; its exception is an error here.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';

import { COMPILE_CACHE } from './compile-cache.ts';
import { inPatience, PATIENCE_MILLISECONDS } from './until.ts';

/** Names and values only: they cross a process border. */
export type Body<A extends readonly unknown[], R> = (...args: A) => Promise<R> | R;

export interface BodyOptions {
  /** What starts the process: `['unshare', '--mount', '--']`. When it is killed, so must be what it started. */
  readonly prefix?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Mounts, network and processes of its own. */
export const ALONE = [
  'unshare',
  '--mount',
  '--net',
  '--pid',
  '--fork',
  '--kill-child',
  '--mount-proc',
  '--',
] as const;

/** A process that calls a body again and again; nothing that the body leaves behind may matter to the next call. */
export interface BodyProcess<A extends readonly unknown[], R> extends AsyncDisposable {
  call(...args: A): Promise<R>;
}

const REPEATED_MAIN = `
  import { createInterface } from 'node:readline';
  const [module, name] = process.argv.slice(1);
  const body = (await import(module))[name];
  for await (const line of createInterface({ input: process.stdin }))
    process.stdout.write(JSON.stringify((await body(...JSON.parse(line))) ?? null) + '\\n');
`;

/** The timer keeps the process while it waits for what does not, such as the child of a disk check. */
const MAIN = `
  setInterval(() => {}, 1000);
  const [module, name, args] = process.argv.slice(1);
  const result = await (await import(module))[name](...JSON.parse(args));
  process.stdout.write(JSON.stringify(result ?? null), () => process.exit(0));
`;

/** The command line that calls `body`, which `module` (a file URL) exports under its own name. */
export function bodyCommand<A extends readonly unknown[], R>(
  module: string,
  body: Body<A, R>,
  args: A,
): readonly [string, ...string[]] {
  const words = [module, body.name, JSON.stringify(args)];
  return [process.execPath, '--input-type=module', '-e', MAIN, '--', ...words];
}

/** Ends with the body's result; a body that does not end is killed and is an error. */
export async function runBody<A extends readonly unknown[], R>(
  module: string,
  body: Body<A, R>,
  args: A,
  { prefix = [], env = {} }: BodyOptions = {},
): Promise<R> {
  const [program = '', ...words] = [...prefix, ...bodyCommand(module, body, args)];
  const child = spawn(program, words, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...COMPILE_CACHE, ...env },
    signal: AbortSignal.timeout(PATIENCE_MILLISECONDS),
    killSignal: 'SIGKILL',
  });
  const [out, complaint, [code, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number | null, string | null]>,
  ]);
  if (code !== 0) throw new Error(`${body.name} ended with ${code ?? signal}: ${complaint}`);
  return JSON.parse(out) as R;
}

/** Starts a process that answers one call after the other; a body that fails ends it. */
export function startBody<A extends readonly unknown[], R>(
  module: string,
  body: Body<A, R>,
  { prefix = [], env = {} }: BodyOptions = {},
): BodyProcess<A, R> {
  const own = [process.execPath, '--input-type=module', '-e', REPEATED_MAIN, '--'];
  const [program, ...words] = [...prefix, ...own, module, body.name];
  const child = spawn(program, words, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...COMPILE_CACHE, ...env },
  });
  // One that has ended says so by its output.
  child.stdin.on('error', () => {});
  const complaint = text(child.stderr);
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = once(child, 'exit');
  return {
    call: async (...args) => {
      child.stdin.write(`${JSON.stringify(args)}\n`);
      const answer = await inPatience(answers.next(), () => `${body.name} did not end`);
      if (answer.done === true) throw new Error(`${body.name} ended: ${await complaint}`);
      return JSON.parse(answer.value) as R;
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
