/**
 * The runner disabled an entry after three failed requests, and GitLab accepts it again. The end
 * of the penalty is counted from the last healthy response: docs/reference/runner.md#health-and-the-penalty.
 */
import { dateText } from '../../core/date-text.ts';
import { isProof } from '../../core/check.ts';
import type { CheckState } from '../../core/check.ts';
import type { Instant } from '../../core/clock.ts';
import type { Cause } from '../../core/diagnosis.ts';
import { PENALTY_LINE_SECONDS } from '../../core/poll-times.ts';
import type { RunnerTarget } from '../../core/target.ts';
import { OF_THE_TOKEN } from '../../runner/complaints.ts';
import { requireCause } from '../build-cause.ts';
import type { SnapshotIndex, ObservedEvent } from '../snapshot-index.ts';
import { isFail } from '../snapshot-index.ts';
import { doubtsOf, isTokenDoubt, triedRunnersOf } from './name-doubts.ts';
import { buildCauseFromEvents, openPathOf, eventsOfRunner } from '../runner-events.ts';

/** After its end the runner polls once more at its next turn. */
const GRACE_SECONDS = 90;
/** An entry that was skipped so often within the last minutes is disabled. */
const MINUTE_MILLISECONDS = 60_000;
const MANY_FEEDS = 3;
const LATELY_SECONDS = 60;

export function disabledCauses(indexed: SnapshotIndex): readonly Cause[] {
  return indexed.context.runners.flatMap((runner) => {
    const path = openPathOf(indexed, runner);
    const token = indexed.tokenOf(runner);
    // While GitLab rejects it, that is the cause, and the penalty its symptom.
    if (path === undefined || (token !== undefined && isFail(token))) return [];
    // The runner meets an address that rejects it, and we met another one.
    if (isOfDoubtedName(runner, indexed)) return [];
    const line = penaltyOf(indexed, runner);
    const refusal = line === undefined ? undefined : refusalBefore(indexed, runner, line, token);
    if (line !== undefined && refusal !== undefined)
      return [causeOfRefusal(indexed, runner, [refusal, line], token)];
    const seen = line === undefined ? penaltyFromCounters(indexed, runner) : ([line] as const);
    return seen === undefined ? [] : [causeOf(indexed, runner, seen, token)];
  });
}

function isOfDoubtedName({ id, endpoint }: RunnerTarget, indexed: SnapshotIndex): boolean {
  return doubtsOf(endpoint ?? '', indexed).some(
    (doubt) =>
      isTokenDoubt(doubt) && triedRunnersOf(doubt, indexed).some((tried) => tried.id === id),
  );
}

/** GitLab's own refusal that has led to it, unless GitLab has accepted the token since then. */
function refusalBefore(
  indexed: SnapshotIndex,
  runner: RunnerTarget,
  { event: { lastAt } }: ObservedEvent,
  token: CheckState | undefined,
): ObservedEvent | undefined {
  const refusal = eventsOfRunner(indexed, runner, 'poll-failed').find(
    ({ event }) =>
      OF_THE_TOKEN.has(event.cause ?? '') &&
      Math.abs(event.lastAt - lastAt) <= PENALTY_LINE_SECONDS * 1000,
  );
  return refusal !== undefined && acceptedAt(token) > refusal.event.lastAt ? undefined : refusal;
}

function acceptedAt(token: CheckState | undefined): Instant {
  const last = token?.last;
  return last !== undefined && isProof(last.finding) ? last.startedAt : 0;
}

/** Refused three times in a row: the lock-out is what came of it. */
function causeOfRefusal(
  indexed: SnapshotIndex,
  runner: RunnerTarget,
  seen: readonly [ObservedEvent, ObservedEvent],
  token: CheckState | undefined,
): Cause {
  const [refusal] = seen;
  return buildCauseFromEvents(indexed, {
    spec: requireCause(refusal.event.cause ?? ''),
    seen,
    scopeId: runner.id,
    runners: [runner],
    isConfirmed: true,
    facts: { line: runner.line, status: '403 Forbidden' },
    explains: token === undefined ? [] : [token.check.id],
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
  const isAsked = acceptedAt(token) > event.lastAt;
  return buildCauseFromEvents(indexed, {
    spec: requireCause('runner-disabled-unhealthy'),
    seen,
    scopeId: runner.id,
    runners: [runner],
    isConfirmed: true,
    facts: {
      until: Number.isNaN(until)
        ? 'for one hour at most'
        : `until ${dateText(until)} (${countdown(until, indexed.snapshot.takenAt)})`,
      is_asked: isAsked,
    },
    states: token === undefined ? [] : [token],
    ruledOut: isAsked ? [{ id: 'token-rejected', because: 'GitLab accepts the token now' }] : [],
  });
}

/** `in 43 min` */
export function countdown(until: Instant, now: Instant): string {
  return `in ${Math.max(1, Math.ceil((until - now) / MINUTE_MILLISECONDS))} min`;
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
