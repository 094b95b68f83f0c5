/**
 * The runner's counters, under the names of its different versions (docs/reference/runner.md#counters). A missing
 * counter is unknown, never zero.
 */
import type { Sample } from './exposition.ts';

export interface EntryCounters {
  /** Finished polls by HTTP status; `-1` is a failure without an HTTP answer. */
  readonly polls: ReadonlyMap<string, number>;
  /** Answers that count as unhealthy. */
  readonly healthFailures: number | undefined;
  /** Rises while an entry is disabled: it is passed over. */
  readonly feedFailures: number | undefined;
  readonly jobs: number | undefined;
  /** 0 is none. */
  readonly limit: number | undefined;
  /** Ends of the requests that send a job's output. */
  readonly traces: ReadonlyMap<string, number>;
}

export interface RunnerCounters {
  readonly entries: ReadonlyMap<string, EntryCounters>;
  readonly concurrent: number | undefined;
  readonly jobs: number | undefined;
  readonly version: string | undefined;
  /** `running`, `graceful-shutdown`, … */
  readonly processState: string | undefined;
  readonly startedSeconds: number | undefined;
  readonly configLoadErrors: number | undefined;
  readonly configSaveErrors: number | undefined;
}

const STATUSES = [
  'gitlab_runner_api_request_statuses_total',
  'gitlab_runner_api_request_statuses',
  'ci_runner_api_request_statuses_total',
];
const HEALTH_FAILURES = ['gitlab_runner_worker_health_check_failures_total'];
const FEED_FAILURES = ['gitlab_runner_worker_feed_failures_total'];
const JOBS = ['gitlab_runner_jobs', 'ci_runner_builds'];
const LIMIT = ['gitlab_runner_limit', 'ci_runner_limit'];
const CONCURRENT = ['gitlab_runner_concurrent', 'ci_runner_concurrent'];
const VERSION = ['gitlab_runner_version_info', 'ci_runner_version_info'];
const STATE = ['gitlab_runner_process_state_info'];
const LOAD_ERRORS = ['gitlab_runner_configuration_loading_error_total'];
const SAVE_ERRORS = ['gitlab_runner_configuration_saving_error_total'];

/** Undefined when this is no page of a runner. */
export function countersOf(samples: readonly Sample[]): RunnerCounters | undefined {
  const version = namedSamples(samples, VERSION)[0];
  if (version === undefined && namedSamples(samples, CONCURRENT).length === 0) return undefined;
  const own = Map.groupBy(
    samples.filter(({ labels }) => labels['runner'] !== undefined),
    ({ labels }) => labels['runner'] ?? '',
  );
  const state = namedSamples(samples, STATE).find(({ value }) => value === 1);
  return {
    entries: new Map([...own].map(([runner, group]) => [runner, entryOf(group)])),
    concurrent: sum(namedSamples(samples, CONCURRENT)),
    jobs: sum(namedSamples(samples, JOBS)),
    version: version?.labels['version'],
    processState: state?.labels['state'],
    startedSeconds: namedSamples(samples, ['process_start_time_seconds'])[0]?.value,
    configLoadErrors: sum(namedSamples(samples, LOAD_ERRORS)),
    configSaveErrors: sum(namedSamples(samples, SAVE_ERRORS)),
  };
}

function entryOf(own: readonly Sample[]): EntryCounters {
  const statuses = namedSamples(own, STATUSES);
  return {
    polls: byStatus(statuses.filter(({ labels }) => labels['endpoint'] === 'request_job')),
    traces: byStatus(statuses.filter(({ labels }) => labels['endpoint'] === 'patch_trace')),
    healthFailures: sum(namedSamples(own, HEALTH_FAILURES)),
    feedFailures: sum(namedSamples(own, FEED_FAILURES)),
    jobs: sum(namedSamples(own, JOBS)),
    limit: sum(namedSamples(own, LIMIT)),
  };
}

/** The first of the names that there is. */
function namedSamples(samples: readonly Sample[], names: readonly string[]): readonly Sample[] {
  for (const name of names) {
    const found = samples.filter((sample) => sample.name === name);
    if (found.length > 0) return found;
  }
  return [];
}

function byStatus(samples: readonly Sample[]): ReadonlyMap<string, number> {
  const groups = Map.groupBy(samples, ({ labels }) => labels['status'] ?? '');
  return new Map([...groups].map(([status, group]) => [status, sum(group) ?? 0]));
}

function sum(samples: readonly Sample[]): number | undefined {
  return samples.length === 0 ? undefined : samples.reduce((total, { value }) => total + value, 0);
}
