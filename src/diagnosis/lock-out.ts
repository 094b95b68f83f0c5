/**
 * The runner answers refusals by disabling the entry for an hour. Whatever stops the entry at that time is the cause: the
 * lock-out is its consequence, ends by itself, and is ended by hand only after the cause.
 */
import type { Cause, RunnerVerdict } from '../core/diagnosis.ts';
import { step } from '../core/diagnosis.ts';
import { dateText } from '../core/date-text.ts';
import type { Instant } from '../core/clock.ts';
import { hostArgument } from '../core/place.ts';
import { countdown, penaltyOf } from './rules/runner-disabled.ts';
import type { ObservedEvent, SnapshotIndex } from './snapshot-index.ts';

/** The cause that is left when nothing stops the entry any more. */
const LOCK_OUT = 'runner-disabled-unhealthy';

export function withLockOuts(
  causes: readonly Cause[],
  runners: readonly RunnerVerdict[],
  indexed: SnapshotIndex,
): readonly Cause[] {
  return causes.map((cause) => {
    const locked = cause.id === LOCK_OUT ? [] : lockOutsOf(cause, runners, indexed);
    const [last] = locked.toSorted((a, b) => untilOf(b) - untilOf(a));
    return last === undefined ? cause : withLockOut(cause, last, indexed);
  });
}

/** Of the entries that have this cause. */
function lockOutsOf(
  { id, scope }: Cause,
  runners: readonly RunnerVerdict[],
  indexed: SnapshotIndex,
): readonly ObservedEvent[] {
  const own = runners.filter(
    ({ runner, cause, connected }) =>
      cause === id && connected === false && scope.runners.includes(runner),
  );
  return indexed.context.runners
    .filter((target) => own.some(({ runner }) => runner === target.id))
    .flatMap((target) => penaltyOf(indexed, target) ?? []);
}

function withLockOut(cause: Cause, line: ObservedEvent, indexed: SnapshotIndex): Cause {
  const { place } = indexed.context;
  const command = `sudo touch ${hostArgument(place, place.files.config)}`;
  const until = untilOf(line);
  const when = `${countdown(until, indexed.snapshot.takenAt)}, at ${dateText(until)}`;
  const text = `At last, unless config.toml has changed by then: make the runner try again. By itself it does so ${when}.`;
  return {
    ...cause,
    summary: `${cause.summary.replace(/\.$/, '')}; the runner has disabled the entry, and tries again by itself ${when}.`,
    evidence: [
      ...cause.evidence,
      { check: line.state.check.id, at: line.event.lastAt, text: line.event.text },
    ],
    explains: cause.explains.filter((check) => check !== line.state.check.id),
    fix: [...cause.fix.filter((one) => one.command !== command), step(text, command)],
  };
}

function untilOf({ event: { facts } }: ObservedEvent): Instant {
  return Number(facts['until_milliseconds'] ?? 0);
}
