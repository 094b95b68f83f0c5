/**
 * Several commands of the program one after the other in one process, with all that each printed:
 * `await runChain([['check'], ['lint', file]])`. A start costs more than what most commands do.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { print } from '../../src/cli/check.ts';
import type { Invocation } from '../../src/cli/command-line.ts';
import { parseCommandLine } from '../../src/cli/command-line.ts';
import { createDaemon } from '../../src/cli/create-daemon.ts';
import { runCommand } from '../../src/cli/run-command.ts';
import { COMPILE_CACHE } from './compile-cache.ts';
import { onOwnHost } from './program-arguments.ts';

const MARK = '\n--- next command\n';

/** A file that is there before the next command. */
export interface Written {
  readonly path: string;
  readonly text: string;
}

/** One round of `check`, printed once with each of these further flags: a round costs more than what it prints. */
export interface Round {
  readonly check: readonly string[];
  readonly prints: readonly (readonly string[])[];
}

type Step = readonly string[] | Written | Round;

/** What each step and each print wrote to standard output, then what all of them wrote to the other one. */
export async function runChain(steps: readonly Step[]): Promise<readonly string[]> {
  const host = mkdtempSync(join(tmpdir(), 'runnerwatch-host-'));
  try {
    const own = steps.map((step) => onHost(step, host));
    const expected = steps.reduce((sum, step) => sum + printsOf(step), 0);
    const child = spawn(process.execPath, [import.meta.filename], {
      env: { PATH: process.env['PATH'] ?? '', HOME: '/root', ...COMPILE_CACHE },
      stdio: 'pipe',
    });
    child.stdin.end(JSON.stringify(own));
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'exit') as Promise<[number | null]>,
    ]);
    const printed = stdout.split(MARK).slice(1);
    if (code !== 0 || printed.length !== expected)
      throw new Error(`the chain ended with ${code} after ${printed.length} prints: ${stderr}`);
    return [...printed, stderr];
  } finally {
    rmSync(host, { recursive: true, force: true });
  }
}

function onHost(step: Step, host: string): Step {
  if ('path' in step) return step;
  if ('prints' in step) return { ...step, check: onOwnHost(step.check, host) };
  return onOwnHost(step, host);
}

/** How many texts a step adds. */
function printsOf(step: Step): number {
  return 'prints' in step ? step.prints.length : 1;
}

function invocationOf(words: readonly string[]): Invocation {
  const parsed = parseCommandLine(words);
  if (parsed.kind !== 'run') throw new Error(`${words[0]} is not run: ${JSON.stringify(parsed)}`);
  return parsed.invocation;
}

async function printRound({ check, prints }: Round): Promise<void> {
  const assembly = await createDaemon(invocationOf(check), { quiet: true });
  if (assembly.kind !== 'ready') throw new Error(`no round: ${assembly.exitCode}`);
  const view = await assembly.daemon.once();
  await assembly.daemon.stop();
  for (const words of prints) {
    process.stdout.write(MARK);
    print(view, invocationOf([...check, ...words]));
  }
}

if (import.meta.main) {
  // A command ends its process when something is left hanging; here the next one follows.
  Object.assign(process, { execve: undefined, exit: () => {} });
  for (const step of JSON.parse(await text(process.stdin)) as Step[]) {
    if ('prints' in step) {
      await printRound(step);
      continue;
    }
    process.stdout.write(MARK);
    if ('path' in step) writeFileSync(step.path, step.text);
    else await runCommand(invocationOf(step));
  }
}
