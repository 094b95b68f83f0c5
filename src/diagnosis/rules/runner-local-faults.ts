/**
 * What this host, its container engine or its cluster refuses to the runner, by the runner's own words in any of its lines.
 * Independent of the path to GitLab.
 */
import { dirname } from 'node:path';

import type { CheckState } from '../../core/check.ts';
import type { Instant } from '../../core/clock.ts';
import type { Cause } from '../../core/diagnosis.ts';
import type { Fact } from '../../core/finding.ts';
import { dataOf } from '../../core/finding-data.ts';
import { FRESH_SECONDS } from '../../core/poll-times.ts';
import type { EventKind } from '../../core/runner-event.ts';
import { isRepeated } from '../../core/sightings.ts';
import { isBelow } from '../../core/paths.ts';
import type { RunnerTarget } from '../../core/target.ts';
import { plainIdOf } from '../../core/target.ts';
import { IS_DATED } from '../../runner/log/line-data.ts';
import { LOCAL_FAULT, LOCAL_FAULT_CAUSES } from '../../runner/log/local-fault-fragments.ts';
import { requireCause } from '../build-cause.ts';
import { probesOf } from '../catalogue/index.ts';
import { siteOf } from '../catalogue/job-site.ts';
import type { CauseSpec } from '../cause-spec.ts';
import { concernsAllEntries, isOfExecutors } from '../cause-spec.ts';
import type { SnapshotIndex, ObservedEvent } from '../snapshot-index.ts';
import { executorsOf, isFail, isTroubled } from '../snapshot-index.ts';
import { SEEN_TWICE, buildCauseFromEvents, eventsOf, quoteReason } from '../runner-events.ts';
import { specOfFinding } from './default.ts';

/** Kinds of events that name a local fault while the runner lives; a start that failed has its own rule. */
const KINDS: readonly EventKind[] = [
  'poll-failed',
  'not-prepared',
  'job-connection',
  'config-not-loaded',
  'crashed',
];
/** Lines about single jobs: the runner still polls. */
const OF_JOBS: ReadonlySet<EventKind> = new Set(['not-prepared', 'job-connection']);
/** Lines without a date have that of their reading, a moment later. */
const READ_LATE_SECONDS = 2;
/** What a check sees at every run: one that passes later, or that has recovered since, ends it. */
const SEEN_BY_CHECK: ReadonlySet<string> = new Set(['docker-daemon-down', 'docker-not-responding']);

export function localFaultCauses(indexed: SnapshotIndex): readonly Cause[] {
  const lines = eventsOf(indexed, ...KINDS).filter(
    (seen) =>
      isLocalFault(seen) &&
      isOfEntries(indexed, seen) &&
      !isSeenByCheck(indexed, seen) &&
      isOfNow(indexed, seen),
  );
  const groups = Map.groupBy(lines, (seen) => groupOf(indexed, seen));
  return [...groups.values()].flatMap(([first, ...others]) =>
    first === undefined ? [] : [buildLocalFault(indexed, [first, ...others])],
  );
}

function isLocalFault({ event }: ObservedEvent): boolean {
  return LOCAL_FAULT_CAUSES.has(event.cause ?? '');
}

/** A line of an executor that its entry no longer has is of the past; so is one of an executor that no entry has. */
function isOfEntries(indexed: SnapshotIndex, seen: ObservedEvent): boolean {
  return ownersOf(indexed, seen).length > 0;
}

/** Whether such a cause concerns an entry. */
export function hasLocalFault(indexed: SnapshotIndex, { id }: RunnerTarget): boolean {
  return localFaultCauses(indexed).some(({ scope }) => scope.runners.includes(id));
}

/** A restart gives back what the process held; a job that was prepared, or a poll that worked, takes its lines back. */
function isOfNow(indexed: SnapshotIndex, seen: ObservedEvent): boolean {
  const { event } = seen;
  const { kind, lastAt } = event;
  const lateSeconds = dataOf(event, IS_DATED) === true ? 0 : READ_LATE_SECONDS;
  const startedAt = (indexed.context.process?.startedAt ?? 0) + lateSeconds * 1000;
  const isFresh =
    kind !== 'poll-failed' || indexed.snapshot.takenAt - lastAt <= FRESH_SECONDS * 1000;
  return lastAt >= startedAt && isFresh && !isOver(indexed, seen);
}

/** Each check that may see the same fault shows that it has ended. One of another entry or file system shows nothing. */
function isOver(indexed: SnapshotIndex, seen: ObservedEvent): boolean {
  const { cause = '', lastAt } = seen.event;
  const states = checksOf(indexed, seen);
  const isPlaced =
    dataOf(seen.event, LOCAL_FAULT)?.path !== undefined ||
    states.every(({ check }) => check.target.kind !== 'mount');
  return isPlaced && states.length > 0 && states.every((state) => hasEnded(state, cause, lastAt));
}

/** Its check reports it. A path in a container may lie on any file system of the host that is at fault. */
function isSeenByCheck(indexed: SnapshotIndex, seen: ObservedEvent): boolean {
  const isSame = (state: CheckState) => specOfFinding(state)?.id === seen.event.cause;
  return (
    checksOf(indexed, seen).some((state) => isTroubled(state) && isSame(state)) ||
    indexed.statesOf('disk').some((state) => isFail(state) && isSame(state))
  );
}

/** Checks that may see the fault of a line: of what its entry uses, of the file system that it names. */
function checksOf(indexed: SnapshotIndex, seen: ObservedEvent): readonly CheckState[] {
  const probes = new Set(probesOf(requireCause(seen.event.cause ?? '')));
  return [...probes].flatMap((probe) => {
    const states = indexed.statesOf(probe);
    if (states.some(({ check }) => check.target.kind === 'executor')) {
      const own = ownersOf(indexed, seen).flatMap((owner) => executorsOf(indexed, owner));
      return states.filter((state) => own.includes(state));
    }
    const path = dataOf(seen.event, LOCAL_FAULT)?.path;
    return path === undefined || probe !== 'disk' ? states : mountOf(path, states);
  });
}

/** The one that holds the path. */
function mountOf(path: string, states: readonly CheckState[]): readonly CheckState[] {
  return states
    .filter(({ check }) => isBelow(path, plainIdOf(check.target)))
    .toSorted((a, b) => b.check.target.id.length - a.check.target.id.length)
    .slice(0, 1);
}

/** The check that sees the same fault passes since, after it had failed or by its nature. */
function hasEnded(
  { finding, since, last, recent }: CheckState,
  cause: string,
  lastAt: Instant,
): boolean {
  if (finding.status !== 'pass') return false;
  if (SEEN_BY_CHECK.has(cause)) return (last?.startedAt ?? 0) > lastAt;
  return since > lastAt && recent.some((result) => isTroubled(result));
}

/** One fault, one cause: of the whole host, or of an entry. */
function groupOf(indexed: SnapshotIndex, { event }: ObservedEvent): string {
  const { id, scope } = requireCause(event.cause ?? '');
  const owner = concernsAllEntries(scope) ? indexed.context.place.id : (event.runner ?? '');
  return `${id} ${owner}`;
}

function buildLocalFault(
  indexed: SnapshotIndex,
  seen: readonly [ObservedEvent, ...ObservedEvent[]],
): Cause {
  const [first] = seen;
  const spec = requireCause(first.event.cause ?? '');
  const runners = runnersOf(indexed, spec, first);
  const isOfJobs = seen.every(({ event }) => OF_JOBS.has(event.kind));
  const isConfirmed = isRepeated(togetherOf(seen), SEEN_TWICE);
  // The next line may show that a single one was an accident.
  const isMild = isOfJobs || !isConfirmed;
  const cause = buildCauseFromEvents(indexed, {
    spec,
    seen,
    scopeId: scopeIdOf(indexed, spec, first),
    runners,
    isConfirmed,
    ...(isMild && spec.severity === 'critical' ? { severity: 'warning' } : {}),
    facts: factsOfFault(indexed, first, runners),
  });
  return quoteReason(cause, first.event);
}

/** The cause of a start that failed, and what its text names; undefined where its last line shows no local fault. */
export function localFaultOfStart(indexed: SnapshotIndex, fatal: ObservedEvent) {
  if (!isLocalFault(fatal)) return undefined;
  const spec = requireCause(fatal.event.cause ?? '');
  const facts = factsOfFault(indexed, fatal, indexed.context.runners);
  return { spec, scopeId: scopeIdOf(indexed, spec, fatal), facts };
}

/** The same fault in lines of several kinds, or of several entries. */
function togetherOf(seen: readonly ObservedEvent[]) {
  return {
    firstAt: Math.min(...seen.map(({ event }) => event.firstAt)),
    lastAt: Math.max(...seen.map(({ event }) => event.lastAt)),
    count: seen.reduce((sum, { event }) => sum + event.count, 0),
  };
}

/** An executor that starts machines does not say for which entry. */
function runnersOf(
  indexed: SnapshotIndex,
  { scope }: CauseSpec,
  seen: ObservedEvent,
): readonly RunnerTarget[] {
  return concernsAllEntries(scope) ? indexed.context.runners : ownersOf(indexed, seen);
}

/** The entry that a line names, or all where it names none: those whose executor can have the fault. */
function ownersOf(
  { context: { runners } }: SnapshotIndex,
  { event }: ObservedEvent,
): readonly RunnerTarget[] {
  const spec = requireCause(event.cause ?? '');
  const own = runners.filter(({ id }) => id === event.runner);
  const owners = own.length === 0 ? runners : own;
  return owners.filter(({ executor }) => isOfExecutors(spec, [executor]));
}

function scopeIdOf(indexed: SnapshotIndex, { scope }: CauseSpec, { event }: ObservedEvent): string {
  const place = indexed.context.place.id;
  if (scope === 'host') return 'host';
  const path = dataOf(event, LOCAL_FAULT)?.path;
  if (scope === 'mount' && path !== undefined) return dirname(path);
  return scope === 'service' ? place : (event.runner ?? place);
}

function factsOfFault(
  indexed: SnapshotIndex,
  { event }: ObservedEvent,
  runners: readonly RunnerTarget[],
): Readonly<Record<string, Fact>> {
  const { quota, path, ...named } = dataOf(event, LOCAL_FAULT) ?? {};
  const isOfMount = requireCause(event.cause ?? '').scope === 'mount';
  const [runner] = runners;
  const docker = runner === undefined ? 'Docker' : dockerAddressOf(indexed, runner);
  const main = indexed.context.process;
  return {
    stands_on: docker,
    source: "the runner's log",
    root: `of ${docker}`,
    roles: runners.length === 1 ? `jobs of ${runner?.name}` : 'the runner',
    fullness: quota === undefined ? 'full' : 'out of quota',
    ...(main === undefined ? {} : { pid: main.pid }),
    // What could not be made need not be there: the folder above it is.
    ...(path === undefined ? {} : { path: isOfMount ? dirname(path) : path }),
    ...named,
  };
}

/** Where the jobs of the entry run: the address of its Docker, the machines that are made for them, or the cluster. */
function dockerAddressOf(indexed: SnapshotIndex, runner: RunnerTarget): string {
  const site = siteOf(runner);
  if (site !== 'engine') return `the ${site} of ${runner.name}`;
  return executorsOf(indexed, runner)[0]?.check.target.id ?? 'Docker';
}
