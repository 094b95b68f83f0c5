/** A runner's metrics page with given values, in the text format of Prometheus. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface CounterValues {
  /** Polls by status, for each entry. */
  readonly polls?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly traces?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly health?: Readonly<Record<string, number>>;
  readonly feeds?: Readonly<Record<string, number>>;
  readonly jobs?: Readonly<Record<string, number>>;
  readonly limits?: Readonly<Record<string, number>>;
  readonly concurrent?: number;
  readonly state?: string;
  readonly version?: string;
  readonly startedSeconds?: number;
  readonly loadErrors?: number;
}

function perRunner(name: string, values: Readonly<Record<string, number>> = {}): readonly string[] {
  return Object.entries(values).map(([runner, value]) => `${name}{runner="${runner}"} ${value}`);
}

function statuses(endpoint: string, values: CounterValues['polls'] = {}): readonly string[] {
  return Object.entries(values).flatMap(([runner, own]) =>
    Object.entries(own).map(
      ([status, count]) =>
        `gitlab_runner_api_request_statuses_total{endpoint="${endpoint}",runner="${runner}",status="${status}",system_id="s_1"} ${count}`,
    ),
  );
}

export function pageText(counted: CounterValues): string {
  const { concurrent = 4, state = 'running', version = '19.4.0', startedSeconds = 1000 } = counted;
  return [
    '# HELP gitlab_runner_version_info A metric with a constant value.',
    `gitlab_runner_version_info{version="${version}",revision="abc"} 1`,
    `gitlab_runner_concurrent ${concurrent}`,
    'gitlab_runner_jobs{runner="",state="idle",stage="idle",executor_stage="idle"} 0',
    `gitlab_runner_process_state_info{state="${state}"} 1`,
    'gitlab_runner_process_state_info{state="starting"} 0',
    `process_start_time_seconds ${startedSeconds}`,
    `gitlab_runner_configuration_loading_error_total ${counted.loadErrors ?? 0}`,
    ...statuses('request_job', counted.polls),
    ...statuses('patch_trace', counted.traces),
    ...perRunner('gitlab_runner_worker_health_check_failures_total', counted.health),
    ...perRunner('gitlab_runner_worker_feed_failures_total', counted.feeds),
    ...perRunner('gitlab_runner_jobs', counted.jobs),
    ...perRunner('gitlab_runner_limit', counted.limits),
    '',
  ].join('\n');
}

export interface CounterServer extends AsyncDisposable {
  readonly port: number;
  /** How the next requests are answered. */
  answer: (response: ServerResponse) => void;
  /** Its list of jobs: lines. */
  jobs: string;
}

export async function startCounterServer(answer: CounterServer['answer']): Promise<CounterServer> {
  const server = createServer((request, response) => {
    if (request.url === '/metrics') made.answer(response);
    else if (request.url === '/debug/jobs/list') response.end(made.jobs);
    else response.writeHead(404).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const made: CounterServer = {
    port: (server.address() as AddressInfo).port,
    answer,
    jobs: '',
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
  return made;
}

export function page(counted: CounterValues): CounterServer['answer'] {
  return (response) => void response.end(pageText(counted));
}
