/** What the host, the engine or the cluster refuses to jobs, in the lines that the real runner writes about it. */
import type { Fields } from '../peers/runner-log.ts';
import { usualEntry } from '../runner-config.ts';
import { hasLived } from '../observe.ts';
import type { FaultRow, Row } from '../scenario.ts';
import type { World } from '../world.ts';
import { WITH_DOCKER } from './executor.ts';

const OPEN = 'o/o/n/o/o/o/o';
const MORE =
  '. Check https://docs.gitlab.com/runner/shells/#shell-profile-loading for more information';
const MUST_NOT = [
  'unknown',
  'tcp-connection-refused',
  'dns-timeout',
  'gitlab-not-responding',
  'runner-hung',
];

function jobOf({ entries }: World, job: number): Fields {
  const runner = entries[0]?.token.slice(5, 14) ?? '';
  return { job, project: 1, project_full_path: 'g/p', runner, runner_name: 'ci-07-0' };
}

/** Two jobs end with this error, as the runner reports it: at the end of the job, and of the entry's turn. */
async function failTwoJobs(world: World, error: string): Promise<void> {
  await hasLived(world.daemon);
  for (const job of [1005, 1006]) {
    const own = jobOf(world, job);
    const end = { duration_s: '0.003', error, failure_reason: 'runner_system_failure' };
    await world.runner.appendLog('error', `Job failed (system failure): ${error}`, {
      ...end,
      'job-status': 'failed',
      ...own,
    });
    await world.runner.appendLog('warning', 'Failed to process runner', {
      builds: 0,
      error,
      executor: 'shell',
      max_builds: 4,
      runner: own['runner'] ?? '',
    });
  }
}

interface Refusal {
  readonly id: string;
  readonly title: string;
  readonly error: string;
  readonly cause: string;
  readonly severity?: 'critical' | 'warning';
  readonly says: RegExp;
  readonly world?: FaultRow['world'];
}

function refusalRow({ id, title, error, cause, says, severity = 'warning', world }: Refusal): Row {
  return {
    id,
    title,
    world: { logFormat: 'json', ...world },
    inject: async (its) => await failTwoJobs(its, error),
    recover: async (its) => await its.runner.appendLog('info', 'Job succeeded', jobOf(its, 1030)),
    expect: { cause, severity, chain: OPEN, says },
    mustNot: MUST_NOT,
  };
}

const STARTED = 'prepare environment: failed to start process: ';

export const localLimitRows: readonly Row[] = [
  refusalRow({
    id: 'R-30',
    title: 'jobs fail, since the runner has no file descriptor left',
    error: `${STARTED}pipe2: too many open files${MORE}`,
    cause: 'fd-limit-reached',
    says: /pipe2: too many open files/,
  }),
  refusalRow({
    id: 'R-31',
    title: 'jobs fail, since no further process may be started',
    error: `${STARTED}fork/exec /usr/bin/su: resource temporarily unavailable${MORE}`,
    cause: 'pids-limit-reached',
    says: /su: resource temporarily unavailable/,
  }),
  refusalRow({
    id: 'R-32',
    title: 'jobs fail, since the kernel has no memory for a process',
    error: `${STARTED}fork/exec /usr/bin/su: cannot allocate memory${MORE}`,
    cause: 'memory-pressure',
    says: /cannot allocate memory/,
  }),
  refusalRow({
    id: 'R-33',
    title: 'jobs fail, since the file system of their output is full',
    error: 'create job trace: open /tmp/trace123456789: no space left on device',
    cause: 'disk-space-exhausted',
    says: /\/tmp \(.*no space left on device/,
  }),
  refusalRow({
    id: 'R-34',
    title: 'jobs fail, since the builds folder is on a read-only file system',
    error: 'prepare environment: mkdir /srv/builds/x: read-only file system',
    cause: 'disk-read-only',
    says: /\/srv\/builds \(.*read-only file system/,
  }),
  refusalRow({
    id: 'R-35',
    title: 'jobs fail, since the user of the runner may not write the builds folder',
    error: 'prepare environment: mkdir /srv/builds/x: permission denied',
    cause: 'runner-permission-denied',
    says: /namei -l \/srv\/builds\/x/,
  }),
  refusalRow({
    id: 'R-36',
    title: 'jobs fail, since su is not there',
    error: `${STARTED}exec: "su": executable file not found in $PATH${MORE}`,
    cause: 'runner-program-missing',
    says: /command -v su/,
  }),
  refusalRow({
    id: 'R-37',
    title: 'jobs fail, since runc cannot set up their control groups',
    error:
      'Error response from daemon: failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: unable to apply cgroup configuration: mkdir /sys/fs/cgroup/docker/0a1b: no space left on device (exec.go:78:0s)',
    cause: 'docker-runtime-failed',
    says: /cgroup/,
    world: WITH_DOCKER,
  }),
  refusalRow({
    id: 'R-38',
    title: 'jobs fail, since the service account of the runner may not create secrets',
    error:
      'prepare environment: setting up credentials: secrets is forbidden: User "system:serviceaccount:ci:gitlab-runner" cannot create resource "secrets" in API group "" in the namespace "ci"',
    cause: 'kubernetes-forbidden',
    says: /kubectl auth can-i create secrets --as system:serviceaccount:ci:gitlab-runner -n ci/,
  }),
  refusalRow({
    id: 'R-39',
    title: 'jobs fail, since Docker cannot resolve the registry',
    error:
      'failed to pull image "alpine:3" with specified policies [always]: Error response from daemon: failed to resolve reference "docker.io/library/alpine:3": failed to do request: Head "https://registry-1.docker.io/v2/library/alpine/manifests/3": dial tcp: lookup registry-1.docker.io on 127.0.0.53:53: server misbehaving (manager.go:254:3s)',
    cause: 'docker-registry-unreachable',
    says: /registry-1\.docker\.io/,
    world: WITH_DOCKER,
  }),
  refusalRow({
    id: 'R-39b',
    title: 'jobs fail, since the nodes of a cluster cannot pull their image',
    error:
      'prepare environment: waiting for pod running: pulling image "registry.test/a:1" for container build: image pull failed: Back-off pulling image "registry.test/a:1"',
    cause: 'docker-image-pull-failed',
    says: /kubectl get events/,
    world: {
      entries: [usualEntry({ executor: 'kubernetes', more: '[runners.kubernetes]' })],
      logFormat: 'text',
      // No check looks at the cluster, but a job was run.
      before: async (world) =>
        await world.runner.appendLog('info', 'Job succeeded', jobOf(world, 1000)),
    },
  }),
  {
    id: 'R-40',
    title: 'no machine for jobs can be made, since docker-machine is not there',
    world: { logFormat: 'json' },
    inject: async (world) => {
      const { runner } = world;
      await hasLived(world.daemon);
      for (const retries of [0, 1]) {
        await runner.appendLog('error', 'Machine creation failed', {
          error: 'exec: "docker-machine": executable file not found in $PATH',
          name: `runner-abc12defg-auto-${retries}`,
        });
      }
    },
    recover: async ({ runner }) => await runner.restart(),
    expect: {
      cause: 'runner-program-missing',
      severity: 'warning',
      chain: OPEN,
      says: /docker-machine/,
    },
    mustNot: MUST_NOT,
  },
];
