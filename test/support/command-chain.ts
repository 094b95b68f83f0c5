/**
 * Several commands of the program one after the other in one process, with all that each printed:
 * `await chains.run([['check'], ['lint', file]])`. A start costs more than what most commands do.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

import { print } from '../../src/cli/check.ts';
import type { Invocation } from '../../src/cli/command-line.ts';
import { parseCommandLine } from '../../src/cli/command-line.ts';
import { createDaemon } from '../../src/cli/create-daemon.ts';
import { runCommand } from '../../src/cli/run-command.ts';
import { COMPILE_CACHE } from './compile-cache.ts';
import { onOwnHost } from './program-arguments.ts';

const MARK = '\n--- next command\n';
/** On both outputs. */
const END = '\n--- end of the chain\n';

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

export interface CommandChains extends AsyncDisposable {
  /** What each step and each print wrote to standard output, then what all of them wrote to the other one. */
  run(steps: readonly Step[]): Promise<readonly string[]>;
}

/** One process for all chains of a file; they follow each other. */
export function startChains(): CommandChains {
  const child = spawn(process.execPath, [import.meta.filename], {
    env: { PATH: process.env['PATH'] ?? '', HOME: '/root', ...COMPILE_CACHE },
    stdio: 'pipe',
  });
  // One that has ended says so by its outputs.
  child.stdin.on('error', () => {});
  const ended = once(child, 'exit');
  const outputs = [child.stdout, child.stderr].map((stream) => textsOf(stream));
  return {
    run: async (steps) => {
      const host = mkdtempSync(join(tmpdir(), 'runnerwatch-host-'));
      try {
        child.stdin.write(`${JSON.stringify(steps.map((step) => onHost(step, host)))}\n`);
        const [stdout = '', stderr = ''] = await Promise.all(outputs.map((next) => next()));
        const printed = stdout.split(MARK).slice(1);
        const expected = steps.reduce((sum, step) => sum + printsOf(step), 0);
        if (printed.length !== expected)
          throw new Error(`the chain ended after ${printed.length} prints: ${stderr}`);
        return [...printed, stderr];
      } finally {
        rmSync(host, { recursive: true, force: true });
      }
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Gives what the next chain wrote to the stream; what comes after its end belongs to the one after it. */
function textsOf(stream: Readable): () => Promise<string> {
  const chunks = stream.setEncoding('utf8')[Symbol.asyncIterator]() as AsyncIterator<string>;
  let text = '';
  return async () => {
    while (!text.includes(END)) {
      const { done, value } = await chunks.next();
      if (done === true) throw new Error(`the process of the chains ended: ${text}`);
      text += value;
    }
    const [own = '', ...rest] = text.split(END);
    text = rest.join(END);
    return own;
  };
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

async function perform(step: Step): Promise<void> {
  if ('prints' in step) {
    await printRound(step);
    return;
  }
  process.stdout.write(MARK);
  if ('path' in step) writeFileSync(step.path, step.text);
  else await runCommand(invocationOf(step));
}

if (import.meta.main) {
  // A command ends its process when something is left hanging; here the next one follows.
  Object.assign(process, { execve: undefined, exit: () => {} });
  for await (const line of createInterface({ input: process.stdin })) {
    for (const step of JSON.parse(line) as Step[]) await perform(step);
    for (const stream of [process.stdout, process.stderr]) stream.write(END);
  }
}
