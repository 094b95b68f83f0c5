/** What the runner's own work proves: a poll, that GitLab accepted the token; a job, that the executor can run jobs. */
import type { Snapshot } from '../core/check.ts';
import type { EventKind, RunnerEvent } from '../core/runner-event.ts';

interface Proof {
  readonly proves: readonly EventKind[];
  readonly refutes: readonly EventKind[];
  /** How long it holds. */
  readonly seconds: number;
}

/** A poll is held for a minute at most; then the next one begins. */
const POLLS: Proof = {
  proves: ['poll-worked', 'polls-worked'],
  refutes: ['poll-failed', 'polls-failed', 'disabled'],
  seconds: 300,
};
/** Jobs may be hours apart, and what runs them changes seldom. */
const JOBS: Proof = {
  proves: ['job-ran'],
  refutes: ['jobs-failing', 'not-prepared'],
  seconds: 86_400,
};

/** Entries whose last poll succeeded, by the runner's log or counters. */
export function runnersWithOwnPolls(snapshot: Snapshot): ReadonlySet<string> {
  return runnersWith(POLLS, snapshot);
}

/** Entries whose last job ran to its end, by the runner's log. */
export function runnersWithOwnJobs(snapshot: Snapshot): ReadonlySet<string> {
  return runnersWith(JOBS, snapshot);
}

function runnersWith(
  { proves, refutes, seconds }: Proof,
  { checks, takenAt }: Snapshot,
): ReadonlySet<string> {
  const kinds = new Set([...proves, ...refutes]);
  const latest = new Map<string, RunnerEvent>();
  for (const event of checks.flatMap(({ finding }) => finding.events ?? [])) {
    const { kind, runner = '', lastAt } = event;
    if (kinds.has(kind) && lastAt > (latest.get(runner)?.lastAt ?? 0)) latest.set(runner, event);
  }
  const since = takenAt - seconds * 1000;
  return new Set(
    [...latest]
      .filter(([, { kind, lastAt }]) => proves.includes(kind) && lastAt > since)
      .map(([runner]) => runner),
  );
}
