/**
 * The runner process, judged by its service and by its log: why it did not start, that it crashes repeatedly,
 * stops, or hangs although everything else works.
 */
import type { CheckState } from '../../core/check.ts';
import type { Cause } from '../../core/diagnosis.ts';
import { hasStartedForGood } from '../../host/proc/restart-counter.ts';
import { isRepeated, sightingsAfter } from '../../core/sightings.ts';
import { isRepeatedState, buildCause, requireCause } from '../build-cause.ts';
import { isOfFamily } from '../catalogue/index.ts';
import type { SnapshotIndex, ObservedEvent } from '../snapshot-index.ts';
import { hasReason, isTroubled } from '../snapshot-index.ts';
import type { EventCause } from '../runner-events.ts';
import {
  SEEN_TWICE,
  buildCauseFromEvents,
  openPathOf,
  eventsOf,
  quoteReason,
} from '../runner-events.ts';
import { isAskedToWait } from './runner-limits.ts';
import { localFaultOfStart } from './runner-local-faults.ts';

const LOOP_STARTS = 3;
const LOOP_ENDS = 2;
const LOOP_SECONDS = 900;
/** Long polls end after less than a minute, and a poll that fails ends as well. */
const FLAT_SECONDS = 300;
/** Reasons of the service check after a failed start. */
const GONE: readonly string[] = [
  'failed',
  'crash-loop',
  'not-running',
  'container-stopped',
  'container-restart-loop',
];

export function runnerProcessCauses(indexed: SnapshotIndex): readonly Cause[] {
  const failed = findFailedStart(indexed);
  const isKnown = failed !== undefined || indexed.statesOf('service').some(isTroubled);
  return [
    ...(failed === undefined ? [] : [failed]),
    ...(isKnown ? [] : crashLoopCauses(indexed)),
    ...shutdownCauses(indexed),
    ...hangCauses(indexed),
  ];
}

function serviceOf(indexed: SnapshotIndex): CheckState | undefined {
  return indexed.statesOf('service')[0];
}

/** The fatal log line has the reason; it counts until a process has stayed alive. */
function findFailedStart(indexed: SnapshotIndex): Cause | undefined {
  const [fatal] = eventsOf(indexed, 'fatal');
  const service = serviceOf(indexed);
  if (fatal === undefined || service === undefined) return undefined;
  const { cause = '' } = fatal.event;
  const isGone = hasReason(service, ...GONE);
  if (isOver(fatal, service, indexed) || (!isGone && !isBetweenStarts(fatal, indexed)))
    return undefined;
  const local = localFaultOfStart(indexed, fatal);
  const found = buildCauseFromEvents(indexed, {
    ...(local ?? specOfFailedStart(cause, service, indexed)),
    seen: [fatal],
    runners: indexed.context.runners,
    // A runner that does not start is out of service, whatever the fault.
    severity: 'critical',
    isConfirmed:
      isRepeated(fatal.event, SEEN_TWICE) ||
      isRepeatedState(service, { times: 2, seconds: 0 }, indexed.snapshot.takenAt),
    facts: { ...local?.facts, result: fatal.event.text },
    states: isGone ? [service] : [],
  });
  return local === undefined ? found : quoteReason(found, fatal.event);
}

/** Its config loads now; or it ended once and has started since, and the service check is of before. */
function isOver(
  { event: { cause = '', lastAt, count } }: ObservedEvent,
  service: CheckState,
  indexed: SnapshotIndex,
): boolean {
  if (isRepaired(cause, indexed)) return true;
  const startedAt = eventsOf(indexed, 'started')[0]?.event.lastAt ?? 0;
  return count === 1 && startedAt > lastAt && (service.last?.startedAt ?? 0) < startedAt;
}

/** In a crash loop the process exists for moments; one that stays alive has started. */
function isBetweenStarts({ event }: ObservedEvent, indexed: SnapshotIndex): boolean {
  return event.count > 1 && indexed.context.process !== undefined && !hasStarted(indexed);
}

/** As root we can read a config.toml that the runner's user cannot: then its last log line is the only evidence. */
function specOfFailedStart(
  cause: string,
  service: CheckState,
  indexed: SnapshotIndex,
): Pick<EventCause, 'spec' | 'scopeId'> {
  return cause === 'config-unreadable'
    ? { spec: requireCause(cause), scopeId: indexed.context.configPath }
    : { spec: requireCause('runner-start-failed'), scopeId: indexed.context.place.id };
}

/** It exited because of its config, which loads by now, and a process runs again. */
function isRepaired(cause: string, indexed: SnapshotIndex): boolean {
  return (
    isOfFamily(cause, 'config') &&
    indexed.context.process !== undefined &&
    indexed.statesOf('config').every(({ finding }) => finding.status === 'pass')
  );
}

/** The current process has started for good, by the starts that its log reports. */
function hasStarted(indexed: SnapshotIndex): boolean {
  const { context, snapshot } = indexed;
  const runner = context.process;
  if (runner === undefined) return false;
  const starts = eventsOf(indexed, 'started')[0]?.event.marks ?? [];
  const startedSeconds = starts.map(({ at }) => at / 1000);
  return hasStartedForGood((snapshot.takenAt - runner.startedAt) / 1000, startedSeconds);
}

/** If no manager counts restarts: its log says that it starts, and it ends again. */
function crashLoopCauses(indexed: SnapshotIndex): readonly Cause[] {
  const [started] = eventsOf(indexed, 'started');
  // An end that systemd alone reports as failed may be a stop by an operator.
  const ends = eventsOf(indexed, 'crashed', 'restarting');
  const begin = indexed.snapshot.takenAt - LOOP_SECONDS * 1000;
  const recent = ({ event }: ObservedEvent): number => sightingsAfter(event, begin)?.count ?? 0;
  const ended = ends.reduce((sum, one) => sum + recent(one), 0);
  if (started === undefined || recent(started) < LOOP_STARTS || ended < LOOP_ENDS) return [];
  if (hasStarted(indexed)) return [];
  const { runners } = indexed.context;
  return [
    buildCauseFromEvents(indexed, {
      spec: requireCause('runner-crash-loop'),
      seen: [started, ...ends],
      scopeId: indexed.context.place.id,
      runners,
      isConfirmed: true,
    }),
  ];
}

function shutdownCauses(indexed: SnapshotIndex): readonly Cause[] {
  const { process: runner, runners } = indexed.context;
  const stopping = stoppingOf(indexed);
  if (stopping === undefined || runner === undefined) return [];
  // A log line of the previous process says nothing about this one.
  if (runner.startedAt > stopping.event.lastAt) return [];
  return [
    buildCauseFromEvents(indexed, {
      spec: requireCause('runner-shutting-down'),
      seen: [stopping],
      scopeId: indexed.context.place.id,
      runners,
      isConfirmed: true,
    }),
  ];
}

function stoppingOf(indexed: SnapshotIndex): ObservedEvent | undefined {
  return eventsOf(indexed, 'stopping')[0];
}

/** Proof: its counters do not change although the path is open, it is not disabled, and it has free slots. */
function hangCauses(indexed: SnapshotIndex): readonly Cause[] {
  const { runners } = indexed.context;
  const [metrics] = indexed.statesOf('runner-metrics');
  const flat = metrics?.finding.measures?.['without_poll_seconds'] ?? 0;
  if (metrics?.finding.status !== 'pass' || flat < FLAT_SECONDS || isExcused(indexed)) return [];
  const cause = buildCause(indexed, {
    spec: requireCause('runner-hung'),
    states: [metrics, ...indexed.statesOf('service')],
    scopeId: indexed.context.place.id,
    runners,
  });
  const [first, ...others] = cause.evidence;
  const text = `no poll of any entry has ended for ${Math.round(flat)} s, although GitLab is reachable`;
  const since = indexed.snapshot.takenAt - flat * 1000;
  const evidence = first === undefined ? [] : [{ ...first, text }, ...others];
  return [{ ...cause, since, confidence: 'confirmed', evidence }];
}

/** It need not poll, cannot, or logs itself why it does not. */
function isExcused(indexed: SnapshotIndex): boolean {
  const { runners } = indexed.context;
  return (
    indexed.statesOf('service').some(({ finding }) => finding.status !== 'pass') ||
    runners.every((runner) => openPathOf(indexed, runner) === undefined) ||
    eventsOf(indexed, 'disabled', 'feeds-failed', 'at-capacity').length > 0 ||
    eventsOf(indexed, 'poll-waits').some((seen) => isAskedToWait(indexed, seen)) ||
    stoppingOf(indexed) !== undefined
  );
}
