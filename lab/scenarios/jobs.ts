/** Jobs, as far as a host can observe them. */
import { LISTENS, setCounters, startCounters } from '../peers/counters.ts';
import { dockerOf } from '../peers/docker.ts';
import type { Row } from '../scenario.ts';
import type { World } from '../world.ts';
import { forgetLog, notPrepared, WITH_DOCKER } from './executor.ts';

const OPEN = 'o/o/n/o/o/o/o';
const SLOTS = 4;
const LONG_AGO_SECONDS = 2000;
const HOUR_SECONDS = 3600;

function nameOf({ entries }: World): string {
  return entries[0]?.token.slice(5, 14) ?? '';
}

const SHELL_ENDED =
  'prepare environment: exit status 1. Check https://docs.gitlab.com/runner/shells/#shell-profile-loading for more information';
const NOT_ALLOWED = 'the "ruby:3" image is not present on list of allowed images';

/** The last lines of three jobs that ended alike. */
async function failedJobs(world: World, error: string, reason: string): Promise<void> {
  const job = { error, failure_reason: reason, 'job-status': 'failed', runner: nameOf(world) };
  for (const id of [12, 13, 14])
    await world.runner.appendLog('warning', `Job failed: ${error}`, { ...job, job: id });
}

export const jobRows: readonly Row[] = [
  {
    id: 'J-01',
    title: 'GitLab refuses the end of one job, while polls are fine',
    world: { logFormat: 'text' },
    inject: async (world) =>
      await world.runner.appendLog('warning', 'Submitting job to coordinator... job failed', {
        bytesize: 1,
        checksum: 'crc32:00000000',
        code: 403,
        correlation_id: '01JABCDEFGHJKMNPQRSTVWXYZ0',
        job: 12,
        'job-status': 'canceled',
        runner: nameOf(world),
        status:
          'PUT https://gitlab.test/api/v4/jobs/12: 403 Forbidden (Job is not processing on runner)',
        'update-interval': '0s',
      }),
    recover: forgetLog,
    expect: { cause: 'job-rejected-by-server', severity: 'info', chain: OPEN },
    mustNot: ['token-rejected', 'job-trace-blocked', 'unknown'],
  },
  {
    id: 'J-02',
    title: 'as many jobs run as may run, so the runner asks for no more',
    world: { logFormat: 'text' },
    inject: async (world) =>
      await world.runner.appendLog('info', 'Added job to processing list', {
        builds: SLOTS,
        job: 12,
        max_builds: SLOTS,
        repo_url: 'https://gitlab.test/group/project.git',
        runner: nameOf(world),
        time_in_queue_seconds: 1,
      }),
    recover: async (world) =>
      await world.runner.appendLog('info', 'Removed job from processing list', {
        builds: SLOTS - 1,
        job: 12,
        max_builds: SLOTS,
        runner: nameOf(world),
      }),
    expect: { cause: 'jobs-capacity-saturated', severity: 'info', chain: OPEN },
    mustNot: ['runner-hung', 'unknown'],
  },
  {
    id: 'J-04',
    title: 'all slots hold jobs that pull images for half an hour',
    world: {
      ...WITH_DOCKER,
      globals: `concurrent = ${SLOTS}\ncheck_interval = 3\n${LISTENS}`,
      probes: { executor: 'answer_seconds = 5', 'runner-metrics': '' },
      before: async (world) => {
        await WITH_DOCKER.before?.(world);
        world.adopt(await startCounters(world));
      },
    },
    inject: async (world) => {
      const startedSeconds = Math.round(Date.now() / 1000) - LONG_AGO_SECONDS;
      const jobs = { [nameOf(world)]: SLOTS };
      await setCounters(world, { startedSeconds, concurrent: SLOTS, jobs });
    },
    expect: {
      cause: ['jobs-capacity-saturated', 'docker-image-pull-failed'],
      chain: OPEN,
    },
    mustNot: ['runner-hung', 'unknown', 'gitlab-not-responding', 'tcp-connect-timeout'],
  },
  {
    id: 'J-04b',
    title: 'one job after the other fails for no fault of its own, until one is run',
    world: { logFormat: 'text' },
    inject: async (world) => {
      const job = { failure_reason: 'runner_system_failure', project: 9, runner: nameOf(world) };
      const said = 'Job failed (system failure): prepare environment: exit status 1';
      await world.runner.appendLog('error', said, { ...job, job: 12 });
      await world.runner.appendLog('error', said, { ...job, job: 13 });
      await world.runner.appendLog('error', said, { ...job, job: 14 });
    },
    recover: async (world) =>
      await world.runner.appendLog('info', 'Job succeeded', { job: 15, runner: nameOf(world) }),
    expect: {
      cause: 'job-environment-failed',
      severity: 'warning',
      chain: OPEN,
      verdict: 'broken',
      says: /bash_logout/,
    },
    mustNot: ['docker-daemon-down', 'docker-image-pull-failed', 'runner-hung'],
  },
  {
    id: 'J-04d',
    title:
      'the login shell of every job ends first, which the runner counts as a failure of the script',
    world: { logFormat: 'json' },
    inject: async (world) => {
      await failedJobs(world, SHELL_ENDED, 'script_failure');
    },
    recover: async (world) =>
      await world.runner.appendLog('info', 'Job succeeded', { job: 15, runner: nameOf(world) }),
    expect: {
      cause: 'job-environment-failed',
      severity: 'warning',
      chain: OPEN,
      verdict: 'broken',
      says: /exit status 1/,
    },
    mustNot: ['unknown', 'runner-hung'],
  },
  {
    id: 'J-04e',
    title: 'no job is prepared in time, which the runner tells GitLab as a job that ran too long',
    world: { logFormat: 'text' },
    inject: async (world) => {
      await failedJobs(
        world,
        'prepare timeout: exceeded timeout of 10m0s',
        'job_execution_timeout',
      );
    },
    recover: async (world) =>
      await world.runner.appendLog('info', 'Job succeeded', { job: 15, runner: nameOf(world) }),
    expect: {
      cause: 'unknown',
      severity: 'warning',
      chain: OPEN,
      says: /prepare timeout: exceeded timeout of 10m0s/,
    },
    mustNot: ['job-environment-failed', 'runner-hung'],
  },
  {
    id: 'J-04f',
    title: 'jobs ask for what is not allowed, run too long, are cancelled or interrupted',
    world: { logFormat: 'text' },
    act: async (world) => {
      await failedJobs(world, NOT_ALLOWED, 'runner_configuration_error');
      await failedJobs(world, 'execution took longer than 1h0m0s seconds', 'job_execution_timeout');
      await failedJobs(world, 'canceled', 'job_canceled');
      await failedJobs(world, 'aborted: terminated', 'runner_interrupted');
    },
    allowed: [],
  },
  {
    id: 'J-04c',
    title: 'a container has outlived the timeout of its job by hours',
    world: WITH_DOCKER,
    inject: async (world) =>
      await dockerOf(world).setAnswers({
        containers: [
          {
            Id: 'abcdef0123456789',
            Created: Math.round(Date.now() / 1000) - 5 * HOUR_SECONDS,
            Labels: {
              'com.gitlab.gitlab-runner.managed': 'true',
              'com.gitlab.gitlab-runner.job.id': '12',
              'com.gitlab.gitlab-runner.job.timeout': '1h0m0s',
            },
          },
        ],
      }),
    recover: async (world) => await dockerOf(world).setAnswers(),
    expect: { cause: 'unknown', severity: 'notice', chain: OPEN },
    mustNot: ['docker-daemon-down', 'jobs-capacity-saturated', 'runner-hung'],
  },
  {
    id: 'K-20',
    title: 'the proxy is dead, GitLab is exempt from it, and pulls fail',
    world: {
      ...WITH_DOCKER,
      environment: { HTTPS_PROXY: 'http://10.200.0.77:3128', NO_PROXY: 'gitlab.test' },
    },
    ...notPrepared(
      'failed to pull image "alpine:3" with specified policies [always]: Error response from daemon: Get "https://registry-1.docker.io/v2/": proxyconnect tcp: dial tcp 10.200.0.77:3128: connect: no route to host (manager.go:254:3s)',
    ),
    expect: { cause: 'docker-registry-unreachable', severity: 'warning', chain: OPEN },
    mustNot: ['proxy-unreachable', 'proxy-setting-not-applied', 'unknown'],
  },
];
