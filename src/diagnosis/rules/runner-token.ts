/** The token on disk is not the one that the runner polls with. */
import type { Instant } from '../../core/clock.ts';
import type { Cause } from '../../core/diagnosis.ts';
import { sightingsAfter } from '../../core/sightings.ts';
import type { RunnerTarget } from '../../core/target.ts';
import { requireCause } from '../build-cause.ts';
import type { SnapshotIndex, ObservedEvent } from '../snapshot-index.ts';
import { hasReason } from '../snapshot-index.ts';
import { buildCauseFromEvents, eventsOf, eventsOfRunner } from '../runner-events.ts';

/** Counters are read a moment after the poll that they count. */
const READ_LATE_SECONDS = 15;
/** One poll may have been in flight when GitLab began to reject. */
const POLLS_ON = 2;

export function rotationCauses(indexed: SnapshotIndex): readonly Cause[] {
  const { runners, configPath } = indexed.context;
  const [unsaved] = eventsOf(indexed, 'config-not-saved');
  const started = indexed.context.process?.startedAt ?? 0;
  if (unsaved !== undefined && unsaved.event.lastAt > started) {
    return [causeOf(indexed, unsaved, runners, configPath)];
  }
  const unknown = pollingUnknown(indexed);
  return runners.flatMap((runner) => {
    const token = indexed.tokenOf(runner);
    if (token === undefined || !hasReason(token, 'rejected')) return [];
    const polling = unknown ?? pollingOn(indexed, runner, token.since);
    if (polling === undefined) return [];
    const cause = causeOf(indexed, polling, [runner], runner.id);
    return [{ ...cause, explains: [token.check.id] }];
  });
}

/** An entry polls successfully with a token that config.toml does not have. */
function pollingUnknown(indexed: SnapshotIndex): ObservedEvent | undefined {
  const known = new Set(indexed.context.runners.map(({ id }) => id));
  return eventsOf(indexed, 'polls-worked').find(
    ({ event }) => event.runner !== undefined && !known.has(event.runner),
  );
}

/** GitLab has rejected the token in the file since then, but polls of the entry succeeded. */
function pollingOn(
  indexed: SnapshotIndex,
  runner: RunnerTarget,
  since: Instant,
): ObservedEvent | undefined {
  const begin = since + READ_LATE_SECONDS * 1000;
  return eventsOfRunner(indexed, runner, 'polls-worked', 'poll-worked').find(
    ({ event }) => (sightingsAfter(event, begin)?.count ?? 0) >= POLLS_ON,
  );
}

function causeOf(
  indexed: SnapshotIndex,
  seen: ObservedEvent,
  runners: readonly RunnerTarget[],
  scopeId: string,
): Cause {
  return buildCauseFromEvents(indexed, {
    spec: requireCause('token-rotation-not-persisted'),
    seen: [seen],
    scopeId,
    runners,
    isConfirmed: true,
  });
}
