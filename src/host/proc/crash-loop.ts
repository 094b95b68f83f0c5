/** How many starts are a crash loop, by what counts them. */
import { STARTED_SECONDS } from './restart-counter.ts';

/** The unit waits 120 s between two starts: so many automatic restarts within LOOP_SECONDS are a loop. */
const LOOP_RESTARTS = 3;

/**
 * So many main processes within a quarter of an hour are a loop, where no systemd counts the restarts. Three may be
 * an operator who restarts it twice.
 */
const LOOP_PROCESSES = 4;
export const LOOP_SECONDS = 900;

/** In a pod a person, or its liveness probe, may end it every few minutes: only one that soon ends by itself loops. */
export function longestLife(isInPod = false): number {
  return isInPod ? STARTED_SECONDS : Infinity;
}

export interface LoopFault {
  readonly status: 'fail';
  readonly reason: 'crash-loop';
  readonly detail: string;
}

export function loopFault(started: number): LoopFault | undefined {
  if (started < LOOP_PROCESSES) return undefined;
  const detail = `${started} processes have started and ended within ${LOOP_SECONDS / 60} minutes`;
  return { status: 'fail', reason: 'crash-loop', detail };
}

export function unitLoopFault(id: string, restarts: number): LoopFault | undefined {
  if (restarts < LOOP_RESTARTS) return undefined;
  const detail = `systemd restarted ${id} ${restarts} times within ${LOOP_SECONDS / 60} minutes`;
  return { status: 'fail', reason: 'crash-loop', detail };
}
