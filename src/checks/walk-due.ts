/** Is it time to look at a link again? By its interval, by its turn among fifty hosts, and sooner after a failure. */
import type { Check } from '../core/check.ts';
import type { Clock } from '../core/clock.ts';
import type { Finding } from '../core/finding.ts';
import type { Known } from './store.ts';

/** A failed budgeted check is repeated soon, twice, so that a lone answer accuses nobody. */
const CONFIRM_AFTER_SECONDS = 25;
const CONFIRMATIONS = 3;

/** A link that does not apply has no finding, and stands in nobody's way. */
export function isBlocking(finding: Finding | undefined): boolean {
  return finding !== undefined && finding.status !== 'pass' && finding.status !== 'warn';
}

/** Even a full round does not repeat what GitLab must not be asked again yet. */
export function mayRepeat(known: Known | undefined, clock: Clock): boolean {
  return (
    known === undefined || ageSeconds(known, clock) >= (known.result.finding.holdsSeconds ?? 0)
  );
}

export function isDue(
  check: Check,
  known: Known | undefined,
  clock: Clock,
  phase: number | undefined,
): boolean {
  if (known === undefined) return true;
  const failed = isBlocking(known.result.finding);
  if (check.probe.budgeted !== true && (failed || known.masked)) return true;
  const confirming = failed && known.streak < CONFIRMATIONS;
  const pace = confirming
    ? Math.min(CONFIRM_AFTER_SECONDS, check.intervalSeconds)
    : check.intervalSeconds;
  const holds = known.result.finding.holdsSeconds ?? 0;
  if (phase !== undefined && !confirming) return isTurn(check, known, clock, phase, holds);
  const wait = Math.max(pace, holds);
  // Half a second of grace: a walk that starts a little early must not postpone a check by a whole round.
  return ageSeconds(known, clock) >= wait - 0.5;
}

/**
 * The turns of a host lie at fixed moments of the wall clock. Were they counted from the last look, fifty hosts
 * that were switched on together would ask GitLab together for ever.
 */
function isTurn(
  { intervalSeconds }: Check,
  known: Known,
  clock: Clock,
  phase: number,
  holdsSeconds: number,
): boolean {
  const restSeconds = Math.max(intervalSeconds / 2, holdsSeconds) - 0.5;
  const rested = known.result.startedAt + restSeconds * 1000;
  const now = clock.wall();
  const turnOf = (at: number): number => Math.floor(at / 1000 / intervalSeconds - phase);
  return now >= rested && turnOf(now) !== turnOf(rested);
}

export function ageSeconds(known: Known, clock: Clock): number {
  return (clock.wall() - known.result.startedAt) / 1000;
}
