/**
 * Does a process stay in state D, in which no signal interrupts it? Read several times, because a short moment in this
 * state is normal.
 */
import { setTimeout as delay } from 'node:timers/promises';

import type { Paths } from '../../core/paths.ts';
import type { RunnerProcess } from '../../core/reading.ts';
import { findRunnerProcesses } from './runner-process.ts';

const SAMPLES = 2;
const PAUSE_MILLISECONDS = 500;

export async function remainsUninterruptible(
  { pid }: RunnerProcess,
  paths: Paths,
  signal: AbortSignal,
): Promise<boolean> {
  for (let look = 0; look < SAMPLES; look += 1) {
    await delay(PAUSE_MILLISECONDS, undefined, { signal });
    const now = (await findRunnerProcesses(paths)).find((one) => one.pid === pid);
    if (now?.state !== 'D') return false;
  }
  return true;
}
