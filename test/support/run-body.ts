/**
 * Runs an exported function of a module in its own process: in a namespace, as another user, under a limit. Its result
 * comes back as JSON, so `undefined` members are lost; its exception is an error here.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

import { COMPILE_CACHE } from './compile-cache.ts';
import { PATIENCE_MILLISECONDS } from './until.ts';

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
