/**
 * Causes that are over still account for what failed meanwhile: the runner's log and counters show failures for minutes,
 * those of jobs for an hour.
 */
import type { CheckState, ExplainedUntil, Snapshot } from '../core/check.ts';
import type { Instant } from '../core/clock.ts';
import type { Cause, Diagnosis, RunnerVerdict } from '../core/diagnosis.ts';
import { isStopped } from '../core/verdict.ts';
import { causeSpec } from './catalogue/index.ts';
import type { CauseSpec } from './cause-spec.ts';
import { specOfFinding } from './rules/default.ts';
import { isFail } from './snapshot-index.ts';

/** They read what the runner says of itself. */
const READERS: ReadonlySet<string> = new Set(['runner-log', 'runner-metrics']);
/** No event of the runner lives longer, except those that name what they are. */
const KEPT_MILLISECONDS = 3_600_000;

/** Whether what this check found can fail the jobs of an entry. A warning fails none. */
export function canFailJobs(state: CheckState, runner: string): boolean {
  const spec = specOfFinding(state);
  const isOfRunnerwatch = spec?.scope === 'monitor';
  if (!isFail(state) || READERS.has(state.check.probe.id) || isOfRunnerwatch) return false;
  return isNeededByJobs(state, runner) || (isOfHost(state) && isSevere(spec));
}

function isNeededByJobs({ check: { target } }: CheckState, runner: string): boolean {
  if (target.kind === 'executor') return target.runners.includes(runner);
  return target.kind === 'service' || (target.kind === 'mount' && target.isOfJobs === true);
}

function isOfHost({ check: { target } }: CheckState): boolean {
  return target.kind === 'host' || target.kind === 'mount';
}

function isSevere(spec: CauseSpec | undefined): boolean {
  return spec?.stopsJobs === true || spec?.breaks === true;
}

/** What is known after this diagnosis, of the causes before it and in it. */
export function explainedBy(
  { causes, runners }: Diagnosis,
  snapshot: Snapshot,
  before: ReadonlyMap<string, ExplainedUntil>,
): ReadonlyMap<string, ExplainedUntil> {
  const now = snapshot.takenAt;
  const stopped = causes.map((cause) => stoppedBy(cause, runners, snapshot));
  const polls = new Set(stopped.flatMap((one) => one.polls));
  const jobs = new Set(stopped.flatMap((one) => one.jobs));
  const added = [...polls.union(jobs)].map((runner): [string, ExplainedUntil] => [
    runner,
    {
      ...before.get(runner),
      ...(polls.has(runner) ? { polls: now } : {}),
      ...(jobs.has(runner) ? { jobs: now } : {}),
    },
  ]);
  return new Map(
    [...before, ...added].filter(([, one]) => latestOf(one) > now - KEPT_MILLISECONDS),
  );
}

/** Entries whose polls, or whose jobs, fail by a cause. */
function stoppedBy(
  { id, evidence, scope }: Cause,
  runners: readonly RunnerVerdict[],
  { checks }: Snapshot,
): { readonly polls: readonly string[]; readonly jobs: readonly string[] } {
  const states = checks.filter((state) => evidence.some(({ check }) => check === state.check.id));
  // The words of the runner are what is to be explained.
  const isRead = states.some(({ check }) => READERS.has(check.probe.id));
  if (id === 'unknown' && isRead) return { polls: [], jobs: [] };
  const spec = causeSpec(id);
  const own = runners.filter(({ runner }) => scope.runners.includes(runner));
  const cutOff = own.filter(({ connected }) => connected === false || spec?.isPartial === true);
  const failing = own.filter(
    (one) =>
      spec?.stopsJobs === true ||
      isStopped(one) ||
      states.some((state) => canFailJobs(state, one.runner)),
  );
  return {
    polls: isRead ? [] : cutOff.map(({ runner }) => runner),
    jobs: failing.map(({ runner }) => runner),
  };
}

/** The wall clock was set. */
export function shiftExplained(
  all: ReadonlyMap<string, ExplainedUntil>,
  milliseconds: number,
): ReadonlyMap<string, ExplainedUntil> {
  return new Map(
    [...all].map(([runner, { polls, jobs }]) => [
      runner,
      {
        ...(polls === undefined ? {} : { polls: polls + milliseconds }),
        ...(jobs === undefined ? {} : { jobs: jobs + milliseconds }),
      },
    ]),
  );
}

function latestOf({ polls = 0, jobs = 0 }: ExplainedUntil): Instant {
  return Math.max(polls, jobs);
}
