/** Runs rows, several at a time, each in namespaces of its own that end with it. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

import { GROUP_VARIABLE, removeGroup } from './container/group.ts';

const WORKER = join(import.meta.dirname, 'worker.ts');
const NAMESPACES = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
/** Waits dominate, so there are more slots than cores. */
const SLOTS = 6;

/** What is done with each row, and what comes of it. */
interface Play<T> {
  /** A further argument of the worker. */
  readonly flag?: string;
  readonly maxMilliseconds: number;
  /** The outcome of a row that has none of its own. */
  readonly failed: (id: string, problem: string, details: string) => T;
  /** Hears of each row as it ends. */
  readonly done: (outcome: T) => void;
}

export async function runRows<T>(
  ids: readonly string[],
  signal: AbortSignal,
  play: Play<T>,
): Promise<readonly T[]> {
  const waiting = [...ids];
  const outcomes: T[] = [];
  const slot = async (): Promise<void> => {
    for (let id = waiting.shift(); id !== undefined && !signal.aborted; id = waiting.shift()) {
      const outcome = await runWorker(id, signal, play);
      outcomes.push(outcome);
      play.done(outcome);
    }
  };
  await Promise.all(Array.from({ length: SLOTS }, slot));
  return outcomes;
}

async function runWorker<T>(
  id: string,
  stop: AbortSignal,
  { flag, maxMilliseconds, failed }: Play<T>,
): Promise<T> {
  const args = [process.execPath, WORKER, id, ...(flag === undefined ? [] : [flag])];
  const group = `runnerwatch-lab-${process.pid}-${id}`;
  const child = spawn('unshare', [...NAMESPACES, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, [GROUP_VARIABLE]: group },
    signal: AbortSignal.any([stop, AbortSignal.timeout(maxMilliseconds)]),
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
  await removeGroup(group);
  const line = stdout.split('\n').findLast((text) => text.startsWith('{'));
  if (line !== undefined) return JSON.parse(line) as T;
  return failed(id, `the row ended with ${end} and no outcome`, stderr);
}
