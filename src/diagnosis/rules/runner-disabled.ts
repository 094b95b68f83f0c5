/**
 * The runner disabled an entry after three failed requests, and GitLab accepts it again. The end
 * of the penalty is counted from the last healthy response: docs/reference/runner.md#health-and-the-penalty.
 */
import { dateText } from '../../core/date-text.ts';
import type { CheckState } from '../../core/check.ts';
import type { Cause } from '../../core/diagnosis.ts';
import type { RunnerTarget } from '../../core/target.ts';
import { requireCause } from '../build-cause.ts';
import type { SnapshotIndex, ObservedEvent } from '../snapshot-index.ts';
import { isFail } from '../snapshot-index.ts';
import { buildCauseFromEvents, openPathOf, eventsOfRunner } from '../runner-events.ts';

/** After its end the runner polls once more at its next turn. */
const GRACE_SECONDS = 90;
/** An entry that was skipped so often within the last minutes is disabled. */
const MANY_FEEDS = 3;
const LATELY_SECONDS = 60;

export function disabledCauses(indexed: SnapshotIndex): readonly Cause[] {
  return indexed.context.runners.flatMap((runner) => {
    const path = openPathOf(indexed, runner);
    const token = indexed.tokenOf(runner);
    // While GitLab rejects it, that is the cause, and the penalty its symptom.
    if (path === undefined || (token !== undefined && isFail(token))) return [];
    const line = penaltyOf(indexed, runner);
    const seen = line === undefined ? penaltyFromCounters(indexed, runner) : ([line] as const);
    return seen === undefined ? [] : [causeOf(indexed, runner, seen, token)];
  });
}

function causeOf(
  indexed: SnapshotIndex,
  runner: RunnerTarget,
  seen: readonly [ObservedEvent, ...ObservedEvent[]],
  token: CheckState | undefined,
): Cause {
  const [{ event }] = seen;
  const until = Number(event.facts['until_milliseconds'] ?? Number.NaN);
  // An old GitLab is asked once an hour: its response before the failures rules nothing out.
  const isAsked = (token?.last?.startedAt ?? 0) > event.lastAt;
  return buildCauseFromEvents(indexed, {
    spec: requireCause('runner-disabled-unhealthy'),
    seen,
    scopeId: runner.id,
    runners: [runner],
    isConfirmed: true,
    facts: {
      until: Number.isNaN(until) ? 'for one hour at most' : `until ${dateText(until)}`,
      is_asked: isAsked,
    },
    states: token === undefined ? [] : [token],
    ruledOut: isAsked ? [{ id: 'token-rejected', because: 'GitLab accepts the token now' }] : [],
  });
}

/** The log line, with nothing after it that ends the penalty. */
export function penaltyOf(indexed: SnapshotIndex, runner: RunnerTarget): ObservedEvent | undefined {
  const [line] = eventsOfRunner(indexed, runner, 'disabled');
  if (line === undefined) return undefined;
  const { process: main } = indexed.context;
  const { lastAt, facts } = line.event;
  const until = Number(facts['until_milliseconds'] ?? 0);
  const isOver = indexed.snapshot.takenAt > until + GRACE_SECONDS * 1000;
  const isRestarted = main !== undefined && main.startedAt > lastAt;
  const [worked] = eventsOfRunner(indexed, runner, 'polls-worked', 'poll-worked');
  const hasPolled = worked !== undefined && worked.event.lastAt > lastAt;
  return isOver || isRestarted || hasPolled ? undefined : line;
}

/** Without a log: failures were counted, and since then the entry is skipped and does not poll. */
function penaltyFromCounters(
  indexed: SnapshotIndex,
  runner: RunnerTarget,
): readonly [ObservedEvent, ObservedEvent] | undefined {
  const [feeds] = eventsOfRunner(indexed, runner, 'feeds-failed');
  const [health] = eventsOfRunner(indexed, runner, 'health-failed');
  if (feeds === undefined || health === undefined) return undefined;
  const [polls] = eventsOfRunner(indexed, runner, 'polls-worked', 'polls-failed');
  const now = indexed.snapshot.takenAt;
  const isFed =
    feeds.event.count < MANY_FEEDS ||
    now - feeds.event.lastAt > LATELY_SECONDS * 1000 ||
    (polls !== undefined && polls.event.lastAt > health.event.lastAt);
  return isFed ? undefined : [health, feeds];
}
