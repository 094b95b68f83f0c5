/**
 * Does the runner poll, with what result, and has it room for jobs, by its own counters?
 *
 * Source    GET /metrics and /debug/jobs/list of the runner's `listen_address` (runner-metrics/), where there is one.
 * Measures  worked_polls and failed_polls (since runnerwatch started), without_poll_seconds, running_jobs,
 *           concurrent_jobs; longest_job_seconds and held_slots where the runner lists its jobs.
 * Reasons   none for faults: counted events go to the diagnosis.
 * Unknown   unreachable, no-answer, not-a-runner.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import type { Finding } from '../core/finding.ts';
import { dataWith } from '../core/finding-data.ts';
import { defineProbe } from '../core/probe.ts';
import type { Tools } from '../core/probe.ts';
import { parseVersion, RUNNER_VERSION } from '../core/product-version.ts';
import type { ServiceTarget } from '../core/target.ts';
import type { RunnerCounters } from '../runner/counters/counters.ts';
import { countersOf } from '../runner/counters/counters.ts';
import { parseExposition } from '../runner/counters/exposition.ts';
import type { Page } from '../runner/counters/fetch-page.ts';
import { fetchPage } from '../runner/counters/fetch-page.ts';
import type { JobListSummary } from '../runner/counters/job-list.ts';
import { HeldSlotTracker, JOB_LIST, parseJobList } from '../runner/counters/job-list.ts';
import type { PollSummary } from '../runner/counters/poll-tracker.ts';
import { PollTracker } from '../runner/counters/poll-tracker.ts';

/** A runner that fails polls again after three seconds. */
const SECOND_LOOK_MILLISECONDS = 4000;

const MEASURES = {
  worked_polls: { help: 'Polls of the runner that GitLab answered, since runnerwatch started.' },
  failed_polls: { help: 'Polls of the runner that failed, since runnerwatch started.' },
  without_poll_seconds: { help: 'Time since the last poll of any entry ended.' },
  running_jobs: { help: 'Jobs running on this host.' },
  concurrent_jobs: { help: 'Maximum number of concurrent jobs.' },
  longest_job_seconds: { help: 'Age of the oldest job in the list of the runner.' },
  held_slots: { help: 'Jobs that ended more than five minutes ago and still hold their slot.' },
} as const;

const REASONS = {
  unreachable: {
    kind: 'unseen',
    meaning: "The runner's listen_address does not accept connections.",
    action: 'Restart the runner: it reads listen_address only at start.',
  },
  'no-answer': {
    kind: 'unseen',
    meaning: 'The runner accepts the connection at its listen_address and does not respond.',
    action: 'Check whether its process is stopped or hung.',
  },
  'not-a-runner': {
    kind: 'unseen',
    meaning: "The program at the runner's listen_address is not a runner.",
    action: 'Give the runner its own listen_address.',
  },
} as const;

type MetricsFinding = Finding<keyof typeof REASONS, keyof typeof MEASURES>;

const BY_KIND = { refused: 'unreachable', silent: 'no-answer', foreign: 'not-a-runner' } as const;

export function createRunnerMetrics() {
  const trackers = new Map<string, Trackers>();
  return defineProbe({
    id: 'runner-metrics',
    title: "Runner's metrics",
    question: 'Does the runner poll, with what result, and does it have free job slots?',
    kind: 'service',
    needs: [],
    intervalSeconds: 15,
    timeoutSeconds: 10,
    options: {},
    reasons: REASONS,
    measures: MEASURES,
    applies: ({ metrics }) => metrics !== undefined,

    async run(target, _options, tools): Promise<MetricsFinding> {
      if (target.metrics === undefined)
        return unknown('refused', 'the runner has no listen_address');
      const page = await fetchPage(target.metrics, { path: '/metrics' }, tools.signal);
      if (page.kind !== 'page') return unknown(page.kind, page.detail);
      const { host, port } = target.metrics;
      const key = `${target.id} ${host} ${port}`;
      const { clock } = tools;
      const own = trackers.get(key) ?? {
        polls: new PollTracker(clock),
        slots: new HeldSlotTracker(clock),
      };
      trackers.set(key, own);
      const counters = countersOf(parseExposition(page.text));
      if (counters === undefined)
        return unknown('foreign', `${host}:${port} has no metrics of a runner`);
      const first = own.polls.update(counters);
      const polls = first.isOpen ? await secondReading(target, own.polls, tools) : first;
      return findingOf(counters, polls ?? first, await readJobs(target, own.slots, tools));
    },
  });
}

export const runnerMetrics = createRunnerMetrics();

function unknown(kind: Exclude<Page['kind'], 'page'>, detail: string): MetricsFinding {
  return { status: 'unknown', reason: BY_KIND[kind], detail };
}

interface Trackers {
  readonly polls: PollTracker;
  readonly slots: HeldSlotTracker;
}

/** An old runner has no such list. */
async function readJobs(
  { metrics }: ServiceTarget,
  slots: HeldSlotTracker,
  { signal }: Tools,
): Promise<JobListSummary | undefined> {
  if (metrics === undefined) return undefined;
  const page = await fetchPage(metrics, JOB_LIST, signal);
  return page.kind === 'page' ? slots.update(parseJobList(page.text)) : undefined;
}

function versionOf(text: string | undefined): Pick<Finding, 'facts' | 'data'> {
  const version = text === undefined ? undefined : parseVersion(text);
  return {
    facts: text === undefined ? {} : { version: text },
    ...(version === undefined ? {} : { data: dataWith(RUNNER_VERSION, version) }),
  };
}

/** Of a process in which polls failed and worked: which of both they do now. */
async function secondReading(
  { metrics }: ServiceTarget,
  tracker: PollTracker,
  { signal }: Tools,
): Promise<PollSummary | undefined> {
  if (metrics === undefined) return undefined;
  await sleep(SECOND_LOOK_MILLISECONDS, undefined, { signal });
  const page = await fetchPage(metrics, { path: '/metrics' }, signal);
  const counters = page.kind === 'page' ? countersOf(parseExposition(page.text)) : undefined;
  return counters === undefined ? undefined : tracker.update(counters, true);
}

function findingOf(
  { jobs, concurrent, version }: RunnerCounters,
  { events, workedPolls, failedPolls, flatSeconds }: PollSummary,
  list: JobListSummary | undefined,
): MetricsFinding {
  return {
    status: 'pass',
    events: [...events, ...(list?.events ?? [])],
    ...versionOf(version),
    measures: {
      worked_polls: workedPolls,
      failed_polls: failedPolls,
      ...(flatSeconds === undefined ? {} : { without_poll_seconds: flatSeconds }),
      ...(jobs === undefined ? {} : { running_jobs: jobs }),
      ...(concurrent === undefined ? {} : { concurrent_jobs: concurrent }),
      ...(list === undefined
        ? {}
        : { longest_job_seconds: list.longestSeconds, held_slots: list.heldSlots }),
    },
  };
}
