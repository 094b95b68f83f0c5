/**
 * Causes that are over still account for what failed meanwhile: the runner's log and counters show failures for minutes,
 * those of jobs for an hour.
 */
import type { CheckState, ExplainedUntil, Snapshot } from '../core/check.ts';
import type { Instant } from '../core/clock.ts';
import type { Cause, Diagnosis, RunnerVerdict } from '../core/diagnosis.ts';
import type { TargetKind } from '../core/target.ts';
import { isStopped } from '../core/verdict.ts';
import { causeSpec } from './catalogue/index.ts';
import { isTroubled } from './snapshot-index.ts';

/** What jobs need on this host. */
const OF_THE_HOST: ReadonlySet<TargetKind> = new Set(['host', 'mount', 'service', 'executor']);
/** They read what the runner says of itself. */
const READERS: ReadonlySet<string> = new Set(['runner-log', 'runner-metrics']);
/** No event of the runner lives longer, except those that name what they are. */
const KEPT_MILLISECONDS = 3_600_000;

/** A check that concerns the jobs of every entry, by what it looks at. */
export function isOfJobs({ check: { probe, target } }: CheckState): boolean {
  return OF_THE_HOST.has(target.kind) && !READERS.has(probe.id);
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
  const isOfHost = states.some((state) => isOfJobs(state) && isTroubled(state));
  const isOfAllJobs = isOfHost || spec?.stopsJobs === true;
  const failing = isOfAllJobs ? own : own.filter((one) => isStopped(one));
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
