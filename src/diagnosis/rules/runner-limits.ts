/** Limits that the runner itself reports: of its open files, and of GitLab. Independent of the path. */
import type { Cause } from '../../core/diagnosis.ts';
import { isRepeated } from '../../core/sightings.ts';
import type { RunnerTarget } from '../../core/target.ts';
import { requireCause } from '../build-cause.ts';
import type { SnapshotIndex, ObservedEvent } from '../snapshot-index.ts';
import {
  SEEN_TWICE,
  FRESH_SECONDS,
  SETTLE_SECONDS,
  buildCauseFromEvents,
  eventsOf,
  eventsOfRunner,
} from '../runner-events.ts';

/** 429 for any reason: the runner waits and retries. */
export const ASKED_TO_WAIT: ReadonlySet<string> = new Set([
  'gitlab-rate-limited',
  'gitlab-migration-backoff',
]);
/** GitLab's limit counts only after so many responses. */
const MIN_LIMITED = 3;
const LASTING_LIMIT_SECONDS = 60;

/** Lines of a file have the date of their reading, a moment later. */
const READ_LATE_SECONDS = 2;

/** The kernel reports it, independent of the path. */
export function fileLimitCauses(indexed: SnapshotIndex): readonly Cause[] {
  // A restart releases the files.
  const startedAt = (indexed.context.process?.startedAt ?? 0) + READ_LATE_SECONDS * 1000;
  const lines = eventsOf(indexed, 'poll-failed').filter(
    ({ event: { cause, lastAt } }) =>
      cause === 'fd-limit-reached' &&
      lastAt >= startedAt &&
      indexed.snapshot.takenAt - lastAt <= FRESH_SECONDS * 1000,
  );
  const [first, ...others] = lines;
  if (first === undefined) return [];
  const { runners, process: main } = indexed.context;
  return [
    buildCauseFromEvents(indexed, {
      spec: requireCause('fd-limit-reached'),
      seen: [first, ...others],
      scopeId: indexed.context.place.id,
      runners,
      isConfirmed: lines.some(({ event }) => isRepeated(event, SEEN_TWICE)),
      ...(main === undefined ? {} : { facts: { pid: main.pid } }),
    }),
  ];
}

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
  const waiting = eventsOf(indexed, 'waiting')[0]?.event.lastAt ?? 0;
  const lastAt = Math.max(seen.event.lastAt, waiting);
  if (indexed.snapshot.takenAt - lastAt > FRESH_SECONDS * 1000) return true;
  const token = indexed.tokenOf(runner);
  const askedAt = token?.last?.startedAt ?? 0;
  return token?.finding.status === 'pass' && askedAt > lastAt + SETTLE_SECONDS * 1000;
}
