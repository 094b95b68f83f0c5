/** How late what the runner says of its polls is, and how long it holds. */
import type { Instant } from './clock.ts';
import type { Sightings } from './sightings.ts';
import { gapSecondsOf } from './sightings.ts';

/** A poll that began before a fault was fixed may still fail. */
export const SETTLE_SECONDS = 15;
/** The longest a poll takes to fail, and the wait for the next one: by then it would have complained again. */
export const FRESH_SECONDS = 100;
/** The log line of the penalty follows the last failed request. */
export const PENALTY_LINE_SECONDS = 10;
/** A failure with a fixed interval is over if it is missing more than once. */
const MISSED_TURNS = 3;
const MIN_OVERDUE_SECONDS = 20;

/**
 * After a silence of so many seconds a further failed poll is overdue: one that works logs nothing. `pauses`: when the polls
 * began anew.
 */
export function overdueSeconds(failures: Sightings, pauses: readonly Instant[] = []): number {
  const gaps = gapSecondsOf(failures, pauses);
  if (gaps.length === 0) return FRESH_SECONDS;
  return Math.min(
    FRESH_SECONDS,
    Math.max(MIN_OVERDUE_SECONDS, ...gaps.map((gap) => gap * MISSED_TURNS)),
  );
}
