/** GitLab's own limit, as the runner reports it. Independent of the path. */
import type { Cause } from '../../core/diagnosis.ts';
import type { RunnerTarget } from '../../core/target.ts';
import { requireCause } from '../build-cause.ts';
import type { SnapshotIndex, ObservedEvent } from '../snapshot-index.ts';
import {
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
