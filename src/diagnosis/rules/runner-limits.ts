/** GitLab's own limit, as the runner reports it. Independent of the path. */
import { recoveredAt } from '../../core/check.ts';
import type { Instant } from '../../core/clock.ts';
import type { Cause } from '../../core/diagnosis.ts';
import { dataOf } from '../../core/finding-data.ts';
import { goDurationText } from '../../core/go-duration.ts';
import { FRESH_SECONDS, SETTLE_SECONDS } from '../../core/poll-times.ts';
import type { RunnerEvent } from '../../core/runner-event.ts';
import type { Repetition } from '../../core/sightings.ts';
import { gapSecondsOf, isRepeated, sightingsAfter } from '../../core/sightings.ts';
import type { RunnerTarget } from '../../core/target.ts';
import { isUrlOf } from '../../core/target.ts';
import { POLL_WAIT } from '../../runner/log/poll-wait.ts';
import { requireCause } from '../build-cause.ts';
import type { SnapshotIndex, ObservedEvent } from '../snapshot-index.ts';
import { buildCauseFromEvents, eventsOf, eventsOfRunner, openPathOf } from '../runner-events.ts';

/** 429 for any reason: the runner waits and retries. */
export const ASKED_TO_WAIT: ReadonlySet<string> = new Set([
  'gitlab-rate-limited',
  'gitlab-migration-backoff',
]);
/** GitLab's limit counts only after so many responses. */
const MIN_LIMITED = 3;
const LASTING_LIMIT_SECONDS = 60;

/** 429 for the runner's own requests that retries did not fix. One that ends within a minute is harmless. */
export function rateLimitCauses(indexed: SnapshotIndex, runner: RunnerTarget): readonly Cause[] {
  const seen = eventsOfRunner(indexed, runner, 'poll-failed', 'polls-failed').find(
    ({ event: { cause = '', count } }) => ASKED_TO_WAIT.has(cause) && count >= MIN_LIMITED,
  );
  if (seen === undefined || isLimitOver(indexed, runner, seen)) return [];
  const { firstAt, lastAt, cause = '' } = seen.event;
  return [
    buildCauseFromEvents(indexed, {
      spec: requireCause(cause),
      ...(lastAt - firstAt < LASTING_LIMIT_SECONDS * 1000 ? { severity: 'notice' } : {}),
      seen: [seen],
      scopeId: runner.endpoint ?? runner.url,
      runners: [runner],
      isConfirmed: true,
    }),
  ];
}

/** The runner logs nothing when it works again; but by now it would have logged a failure or a wait. */
function isLimitOver(indexed: SnapshotIndex, runner: RunnerTarget, seen: ObservedEvent): boolean {
  const waiting = eventsOf(indexed, 'waiting', 'poll-waits')[0]?.event.lastAt ?? 0;
  const lastAt = Math.max(seen.event.lastAt, waiting);
  if (indexed.snapshot.takenAt - lastAt > FRESH_SECONDS * 1000) return true;
  const token = indexed.tokenOf(runner);
  const askedAt = token?.last?.startedAt ?? 0;
  return token?.finding.status === 'pass' && askedAt > lastAt + SETTLE_SECONDS * 1000;
}

/** Two waits of one poll, or of two polls one after the other, are no accident. */
const WAITS_TWICE: Repetition = { times: 2, seconds: 10 };
/** The next wait may be a little shorter. */
const WHOLE_WAIT = 0.9;
/** The next line comes at about the distance of those before it. */
const LATE_TURN = 1.3;
/** So many polls that ended well since the last wait show that none waits any more. */
const WORKED_POLLS = 2;

/** The runner says how long it waits before it sends a poll again, and not for which entry. */
export function pollWaitCauses(indexed: SnapshotIndex): readonly Cause[] {
  return indexed.context.endpoints.flatMap((endpoint) => {
    const runners = indexed.runnersOf(endpoint);
    const [runner] = runners;
    const path = runner === undefined ? undefined : openPathOf(indexed, runner);
    if (path === undefined) return [];
    const seen = eventsOf(indexed, 'poll-waits').flatMap(({ state, event }) => {
      const wait = dataOf(event, POLL_WAIT);
      if (wait === undefined || !isUrlOf(endpoint, wait.url)) return [];
      // What was asked for by a server that was at fault is of that fault.
      const waits = sightingsAfter(event, Math.max(recoveredAt(path.states), startOf(indexed)));
      return waits === undefined ? [] : [{ state, event: { ...event, ...waits }, wait }];
    });
    return seen
      .filter((one) => isLimited(indexed, runners, one) && !hasEnded(indexed, runners, one))
      .slice(0, 1)
      .map(({ state, event, wait }) => {
        const lasts = event.lastAt + wait.seconds * 1000 - event.firstAt;
        return buildCauseFromEvents(indexed, {
          spec: requireCause('gitlab-rate-limited'),
          ...(lasts < LASTING_LIMIT_SECONDS * 1000 ? { severity: 'notice' } : {}),
          seen: [{ state, event }],
          scopeId: endpoint.id,
          runners,
          isConfirmed: true,
          facts: { poll_wait: goDurationText(Math.round(wait.seconds)) },
        });
      });
  });
}

interface Waits {
  readonly event: RunnerEvent;
  readonly wait: { readonly seconds: number };
}

/** Of several entries one line each may come at about the same time: then a line after the end of the first wait counts. */
function isLimited(
  { snapshot }: SnapshotIndex,
  runners: readonly RunnerTarget[],
  { event, wait }: Waits,
): boolean {
  const apart = runners.length > 1 ? wait.seconds * WHOLE_WAIT : 0;
  const seconds = Math.max(WAITS_TWICE.seconds, apart);
  const waitedSeconds = Math.min((snapshot.takenAt - event.lastAt) / 1000, wait.seconds);
  return isRepeated(event, { ...WAITS_TWICE, seconds }) || waitedSeconds >= LASTING_LIMIT_SECONDS;
}

/** The last wait is over, and the poll after it has ended without another one. */
function hasEnded(
  indexed: SnapshotIndex,
  runners: readonly RunnerTarget[],
  { event, wait }: Waits,
): boolean {
  const end = event.lastAt + wait.seconds * 1000;
  const nextSeconds = Math.max(wait.seconds, ...gapSecondsOf(event)) * LATE_TURN + SETTLE_SECONDS;
  const next = Math.min(event.lastAt + nextSeconds * 1000, end + FRESH_SECONDS * 1000);
  if (indexed.snapshot.takenAt > next) return true;
  return runners.some((runner) =>
    eventsOfRunner(indexed, runner, 'polls-worked', 'poll-worked').some(
      (worked) => (sightingsAfter(worked.event, end)?.count ?? 0) >= WORKED_POLLS,
    ),
  );
}

/** Whether an entry of this endpoint waits at this moment, by its own words. */
export function isAskedToWait({ snapshot, context }: SnapshotIndex, seen: ObservedEvent): boolean {
  const wait = dataOf(seen.event, POLL_WAIT);
  const end = seen.event.lastAt + (wait?.seconds ?? 0) * 1000 + FRESH_SECONDS * 1000;
  return seen.event.lastAt > (context.process?.startedAt ?? 0) && snapshot.takenAt < end;
}

function startOf({ context }: SnapshotIndex): Instant {
  return context.process?.startedAt ?? 0;
}
