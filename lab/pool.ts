/** Runs rows, several at a time, each in namespaces of its own that end with it. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

import type { Outcome } from './run-row.ts';

const WORKER = join(import.meta.dirname, 'worker.ts');
const NAMESPACES = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
/** Waits dominate, so there are more slots than cores. */
const SLOTS = 6;
const MAX_ROW_MILLISECONDS = 360_000;

/** `done` hears of each row as it ends. */
export async function runRows(
  ids: readonly string[],
  signal: AbortSignal,
  done: (outcome: Outcome) => void,
): Promise<readonly Outcome[]> {
  const waiting = [...ids];
  const outcomes: Outcome[] = [];
  const slot = async (): Promise<void> => {
    for (let id = waiting.shift(); id !== undefined && !signal.aborted; id = waiting.shift()) {
      const outcome = await runWorker(id, signal);
      outcomes.push(outcome);
      done(outcome);
    }
  };
  await Promise.all(Array.from({ length: SLOTS }, slot));
  return outcomes;
}

async function runWorker(id: string, stop: AbortSignal): Promise<Outcome> {
  const child = spawn('unshare', [...NAMESPACES, process.execPath, WORKER, id], {
    stdio: ['pipe', 'pipe', 'pipe'],
    signal: AbortSignal.any([stop, AbortSignal.timeout(MAX_ROW_MILLISECONDS)]),
    killSignal: 'SIGKILL',
  });
  const closed = Promise.withResolvers<number | string | null>();
  child.once('close', (code, killed) => closed.resolve(code ?? killed));
  // Without an outcome the row has failed: an end at the limit is no end of the other rows.
  child.on('error', () => {});
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => (stdout += String(chunk)));
  child.stderr.on('data', (chunk) => (stderr += String(chunk)));
  const end = await closed.promise;
  const line = stdout.split('\n').findLast((text) => text.startsWith('{'));
  if (line !== undefined) return JSON.parse(line) as Outcome;
  const problem = `the row ended with ${end} and no outcome`;
  return { id, expected: '', got: 'nothing', problems: [problem], details: stderr };
}
