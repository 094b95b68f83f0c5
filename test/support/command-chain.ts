/**
 * Several commands of the program one after the other in one process, with all that each printed:
 * `await runChain([['check'], ['lint', file]])`. A start costs more than what most commands do.
 */
import { mkdtempSync, rmSync } from 'node:fs';
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

/** What each command wrote to its standard output, then what all of them wrote to the other one. */
export async function runChain(
  commands: readonly (readonly string[])[],
): Promise<readonly string[]> {
  const host = mkdtempSync(join(tmpdir(), 'runnerwatch-host-'));
  try {
    const own = commands.map((args) => onOwnHost(args, host));
    const child = spawn(process.execPath, [import.meta.filename, JSON.stringify(own)], {
      env: { PATH: process.env['PATH'] ?? '', HOME: '/root', ...COMPILE_CACHE },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'exit') as Promise<[number | null]>,
    ]);
    const printed = stdout.split(MARK).slice(1);
    if (code !== 0 || printed.length !== commands.length)
      throw new Error(`the chain ended with ${code} after ${printed.length} commands: ${stderr}`);
    return [...printed, stderr];
  } finally {
    rmSync(host, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  // A command ends its process when something is left hanging; here the next one follows.
  Object.assign(process, { execve: undefined, exit: () => {} });
  for (const args of JSON.parse(process.argv[2] ?? '[]') as string[][]) {
    process.stdout.write(MARK);
    const parsed = parseCommandLine(args);
    if (parsed.kind !== 'run') throw new Error(`${args[0]} is not run: ${JSON.stringify(parsed)}`);
    await runCommand(parsed.invocation);
  }
}
