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

import { parseCommandLine } from '../../src/cli/command-line.ts';
import { runCommand } from '../../src/cli/run-command.ts';
import { COMPILE_CACHE } from './compile-cache.ts';
import { onOwnHost } from './program-arguments.ts';

const MARK = '\n--- next command\n';

/** A file that is there before the next command. */
export interface Written {
  readonly path: string;
  readonly text: string;
}

/** What each step wrote to standard output, then what all of them wrote to the other one. */
export async function runChain(
  steps: readonly (readonly string[] | Written)[],
): Promise<readonly string[]> {
  const host = mkdtempSync(join(tmpdir(), 'runnerwatch-host-'));
  try {
    const own = steps.map((step) => ('path' in step ? step : onOwnHost(step, host)));
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
    if (code !== 0 || printed.length !== steps.length)
      throw new Error(`the chain ended with ${code} after ${printed.length} steps: ${stderr}`);
    return [...printed, stderr];
  } finally {
    rmSync(host, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  // A command ends its process when something is left hanging; here the next one follows.
  Object.assign(process, { execve: undefined, exit: () => {} });
  for (const step of JSON.parse(await text(process.stdin)) as (string[] | Written)[]) {
    process.stdout.write(MARK);
    if ('path' in step) {
      writeFileSync(step.path, step.text);
      continue;
    }
    const parsed = parseCommandLine(step);
    if (parsed.kind !== 'run') throw new Error(`${step[0]} is not run: ${JSON.stringify(parsed)}`);
    await runCommand(parsed.invocation);
  }
}
