/** What the runner reports about its jobs: no free slot, rejected by GitLab or a server in front of it, failed one after the other. */
import type { Cause } from '../../core/diagnosis.ts';
import { dataOf } from '../../core/finding-data.ts';
import type { Sightings } from '../../core/sightings.ts';
import { isRepeated, sightingsAfter } from '../../core/sightings.ts';
import type { RunnerTarget } from '../../core/target.ts';
import { isUrlOf } from '../../core/target.ts';
import { HELD_JOB } from '../../runner/counters/job-list.ts';
import { RUNNING_JOBS, UNSIGNED_REJECTION } from '../../runner/log/line-data.ts';
import { requireCause } from '../build-cause.ts';
import { canFailJobs } from '../past-causes.ts';
import type { SnapshotIndex, ObservedEvent } from '../snapshot-index.ts';
import { executorsOf, isFail } from '../snapshot-index.ts';
import {
  SEEN_TWICE,
  buildCauseFromEvents,
  explainedUntil,
  hadTurnsSince,
  momentOf,
  openPathOf,
  eventsOf,
  eventsOfRunner,
  quoteReason,
} from '../runner-events.ts';
import { hasLocalFault } from './runner-local-faults.ts';

/** So many in a row, without a completed job between them, are no accident. */
const MIN_FAILED_JOBS = 3;

export function jobCauses(indexed: SnapshotIndex): readonly Cause[] {
  const own = indexed.context.runners.flatMap((runner) => [
    ...rejectionCauses(indexed, runner),
    ...failedJobCauses(indexed, runner),
    ...heldSlotCauses(indexed, runner),
  ]);
  return [...own, ...saturationCauses(indexed)];
}

/** GitLab often ends single jobs; a rejected body from another server is a fault. */
function rejectionCauses(indexed: SnapshotIndex, runner: RunnerTarget): readonly Cause[] {
  const token = indexed.tokenOf(runner);
  if (token !== undefined && isFail(token)) return [];
  return eventsOfRunner(indexed, runner, 'job-refused')
    .flatMap((seen) => {
      const { cause } = seen.event;
      const isUnsigned = dataOf(seen.event, UNSIGNED_REJECTION) === true;
      const isBlocked = cause === 'job-trace-blocked' || isUnsigned;
      const isLasting = isRepeated(seen.event, SEEN_TWICE);
      return [
        buildCauseFromEvents(indexed, {
          spec: requireCause(
            isBlocked && isLasting ? 'job-trace-blocked' : 'job-rejected-by-server',
          ),
          seen: [seen],
          scopeId: runner.id,
          runners: [runner],
          isConfirmed: true,
        }),
      ];
    })
    .slice(0, 1);
}

/** Jobs that fail because of the system, with messages that prove no cause. */
function failedJobCauses(indexed: SnapshotIndex, runner: RunnerTarget): readonly Cause[] {
  return eventsOfRunner(indexed, runner, 'jobs-failing').flatMap((seen) => {
    const { cause: named = 'unknown' } = seen.event;
    // Words that name their cause need no other explanation.
    const begin = named === 'unknown' ? explainedUntil(indexed, runner, 'jobs') : 0;
    const failures = sightingsAfter(seen.event, begin);
    if (failures === undefined || failures.count < MIN_FAILED_JOBS) return [];
    if (hasLocalFault(indexed, runner)) return [];
    if (named === 'unknown' && mayHaveOtherCause(indexed, runner, failures)) return [];
    const { count } = failures;
    const cause = buildCauseFromEvents(indexed, {
      spec: requireCause(named),
      seen: [seen],
      states: executorsOf(indexed, runner),
      facts: { jobs_user: jobsUserOf(indexed, runner) },
      scopeId: runner.id,
      runners: [runner],
      isConfirmed: true,
      severity: 'warning',
    });
    const unnamed = `The last ${count} jobs of ${runner.name} all failed because of the system, not of their scripts.`;
    const summary = named === 'unknown' ? unnamed : cause.summary;
    return [
      quoteReason({ ...cause, summary, scope: { ...cause.scope, kind: 'runner' } }, seen.event),
    ];
  });
}

/** As whom the shell of a job runs. */
function jobsUserOf(indexed: SnapshotIndex, runner: RunnerTarget): string {
  const targets = executorsOf(indexed, runner).map(({ check: { target } }) => target);
  const users = targets.flatMap((target) =>
    target.kind === 'executor' && target.backend.kind === 'folder'
      ? (target.backend.user ?? [])
      : [],
  );
  return users[0] ?? indexed.context.place.user.name;
}

/** A fault of what the jobs of this entry need, or of its path, explains them; the next turn of a check may find one. */
function mayHaveOtherCause(
  indexed: SnapshotIndex,
  runner: RunnerTarget,
  failures: Sightings,
): boolean {
  const isHurt = indexed.snapshot.checks.some((state) => canFailJobs(state, runner.id));
  const isCutOff = openPathOf(indexed, runner) === undefined;
  return isHurt || isCutOff || !isLookedAtSince(indexed, runner, failures);
}

/** The next turn of a check may find what has failed the jobs. */
function isLookedAtSince(
  indexed: SnapshotIndex,
  runner: RunnerTarget,
  failures: Sightings,
): boolean {
  const path = openPathOf(indexed, runner)?.states ?? [];
  const own = executorsOf(indexed, runner);
  const lasting = momentOf(failures, MIN_FAILED_JOBS);
  return hadTurnsSince([...path, ...own], lasting, indexed.snapshot.takenAt);
}

/** A job that ended holds its slot while its result cannot be reported to GitLab; with an open path it should be free. */
function heldSlotCauses(indexed: SnapshotIndex, runner: RunnerTarget): readonly Cause[] {
  const path = openPathOf(indexed, runner);
  return eventsOf(indexed, 'slot-held').flatMap((seen) => {
    const { job_url: url = '', jobs } = seen.event.facts;
    const page = dataOf(seen.event, HELD_JOB);
    if (path === undefined || path.since > seen.event.firstAt) return [];
    if (page === undefined || !isUrlOf(path.endpoint, page)) return [];
    const cause = buildCauseFromEvents(indexed, {
      spec: requireCause('unknown'),
      seen: [seen],
      scopeId: runner.id,
      runners: [runner],
      isConfirmed: true,
      severity: 'notice',
    });
    const what = jobs === 1 ? 'A job has ended' : `${jobs} jobs have ended`;
    const summary = `${what}, but the runner still holds a slot of ${runner.name} (${url}).`;
    return [{ ...cause, summary, scope: { ...cause.scope, kind: 'runner' } }];
  });
}

/** The maximum number of jobs runs: the runner does not poll, as intended. */
function saturationCauses(indexed: SnapshotIndex): readonly Cause[] {
  const seen = capacityFromCounters(indexed) ?? capacityFromLog(indexed);
  if (seen === undefined) return [];
  const { runners } = indexed.context;
  const place = indexed.context.place.id;
  const own = runners.filter(({ id }) => id === seen.event.runner);
  const { by } = seen.event.facts;
  return [
    buildCauseFromEvents(indexed, {
      spec: requireCause('jobs-capacity-saturated'),
      seen: [seen],
      scopeId: by === 'limit' ? (own[0]?.id ?? place) : place,
      runners: by === 'limit' ? own : runners,
      isConfirmed: true,
    }),
  ];
}

function capacityFromCounters(indexed: SnapshotIndex): ObservedEvent | undefined {
  return eventsOf(indexed, 'at-capacity')[0];
}

/** The last line that says how many jobs run. */
function capacityFromLog(indexed: SnapshotIndex): ObservedEvent | undefined {
  // The counters are more exact, where available.
  if (indexed.statesOf('runner-metrics').some(({ finding }) => finding.status === 'pass'))
    return undefined;
  const [last] = indexed
    .statesOf('runner-log')
    .flatMap((state) => (state.finding.events ?? []).map((event) => ({ state, event })))
    .filter(({ event }) => dataOf(event, RUNNING_JOBS) !== undefined)
    .toSorted((a, b) => b.event.lastAt - a.event.lastAt);
  const started = indexed.context.process?.startedAt ?? 0;
  if (last === undefined || last.event.lastAt < started) return undefined;
  const [config] = indexed.statesOf('config');
  const target = config?.check.target;
  const concurrent = target?.kind === 'config' ? target.reading.concurrent : undefined;
  const jobs = dataOf(last.event, RUNNING_JOBS) ?? 0;
  if (concurrent === undefined || jobs < concurrent) return undefined;
  const facts = { ...last.event.facts, jobs, allowed: concurrent, by: 'concurrent' };
  return { state: last.state, event: { ...last.event, facts } };
}
