/** The executor: Docker, as the runner uses it and as the runner logs it. */
import { setTimeout as delay } from 'node:timers/promises';

import { DEAD_ADDRESS } from '../network.ts';
import { setContainerNameServer, startContainer } from '../peers/container.ts';
import { dockerOf } from '../peers/docker.ts';
import { APART_MILLISECONDS, hasLived } from '../observe.ts';
import { printedFix } from '../printed-fix.ts';
import type { Entry } from '../runner-config.ts';
import { usualEntry } from '../runner-config.ts';
import type { FaultRow, Row } from '../scenario.ts';
import type { World, WorldOptions } from '../world.ts';

const OPEN = 'o/o/n/o/o/o/o';

const RUNNER_UID = 4321;
const SOCKET_GROUP = 5321;

const CONNECTIVITY = [
  'unknown',
  'dns-timeout',
  'tcp-connection-refused',
  'network-no-route',
  'gitlab-not-responding',
];

const TABLE = '  [runners.docker]\n    image = "alpine:3"';

export function dockerEntry(over: Partial<Entry> = {}): Entry {
  return usualEntry({ name: 'docker-1', executor: 'docker', more: TABLE, ...over });
}

/** A host with a Docker that works, and one entry that needs it. */
export const WITH_DOCKER: WorldOptions = {
  entries: [dockerEntry()],
  // With dates, so that a daemon that starts later knows which lines are recent.
  logFormat: 'text',
  probes: { executor: 'answer_seconds = 5' },
  before: async (world) => await dockerOf(world).setAnswers(),
};

/** The runner could not prepare two jobs, for this reason; at the same moment, or so far apart. */
export function notPrepared(
  reason: string,
  apartMilliseconds = 0,
): Pick<FaultRow, 'inject' | 'recover'> {
  return {
    inject: async ({ daemon, runner, entries }) => {
      await hasLived(daemon);
      const fields = { job: 12, project: 3, runner: entries[0]?.token.slice(5, 14) ?? '' };
      for (const job of [12, 13]) {
        if (job > 12) await delay(apartMilliseconds);
        await runner.appendLog('warning', `Preparation failed: ${reason}`, { ...fields, job });
      }
    },
    recover: forgetLog,
  };
}

/** A line counts for a quarter of an hour; a new log has none. */
export async function forgetLog(world: World): Promise<void> {
  const { files, daemon } = world;
  await daemon.stop();
  await files.write('/var/log/gitlab-runner.log', '');
  await world.startDaemon();
}

/** The entry reaches GitLab and can run no job. */
const stopped = { severity: 'warning', chain: OPEN, verdict: 'broken' } as const;
const daemonDown = { ...stopped, cause: 'docker-daemon-down' } as const;

/** As the runner writes them. */
function sorted<V>(fields: Readonly<Record<string, V>>): Readonly<Record<string, V>> {
  return Object.fromEntries(Object.entries(fields).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Something before GitLab refuses what a job prints, twice. */
function refusedTrace(
  fields: Readonly<Record<string, string | number>>,
): Pick<Extract<Row, { inject: unknown }>, 'inject' | 'recover'> {
  return {
    inject: async ({ runner, entries }) => {
      for (const job of [12, 13]) {
        if (job > 12) await delay(APART_MILLISECONDS);
        const usual = {
          job,
          'job-log': '0-1024',
          'job-status': '',
          runner: entries[0]?.token.slice(5, 14) ?? '',
          'sent-log': '0-1023',
          'update-interval': '0s',
        };
        const said = 'Appending trace to coordinator... job failed';
        await runner.appendLog('warning', said, sorted({ ...usual, ...fields }));
      }
    },
    recover: forgetLog,
  };
}

export const executorRows: readonly Row[] = [
  {
    id: 'E-01',
    title: 'there is no docker.sock',
    world: WITH_DOCKER,
    inject: async (world) => await dockerOf(world).stop(),
    expect: daemonDown,
    mustNot: CONNECTIVITY,
  },
  {
    id: 'E-02',
    title: 'docker.sock exists, and nothing listens on it',
    world: WITH_DOCKER,
    inject: async (world) => await dockerOf(world).crash(),
    expect: daemonDown,
    mustNot: [...CONNECTIVITY, 'docker-socket-permission'],
  },
  {
    id: 'E-03',
    title: 'the user of the runner has no permission for docker.sock',
    world: { ...WITH_DOCKER, uid: RUNNER_UID },
    inject: async (world) => await dockerOf(world).belongsTo(0, 0o700),
    expect: { ...stopped, cause: 'docker-socket-permission' },
    mustNot: [...CONNECTIVITY, 'docker-daemon-down'],
  },
  {
    id: 'E-03b',
    title: 'the socket of Docker has a group of its own, and the user of the runner is not in it',
    world: {
      ...WITH_DOCKER,
      uid: RUNNER_UID,
      files: () => ({
        '/etc/passwd': `root:x:0:0::/root:/bin/sh\nci:x:${RUNNER_UID}:${RUNNER_UID}::/home/gitlab-runner:/bin/sh\n`,
        '/etc/group': `root:x:0:\nci:x:${RUNNER_UID}:\ncontainers:x:${SOCKET_GROUP}:\n`,
      }),
    },
    inject: async (world) => await dockerOf(world).belongsTo(0, 0o660, SOCKET_GROUP),
    expect: { ...stopped, cause: 'docker-socket-permission', says: /usermod -aG containers ci/ },
    mustNot: [...CONNECTIVITY, 'docker-daemon-down'],
    fix: printedFix(/usermod -aG/),
  },
  {
    id: 'E-04',
    title: 'Docker takes connections and does not answer',
    world: WITH_DOCKER,
    inject: async (world) => await dockerOf(world).setAnswers({ instead: { '/_ping': 'silent' } }),
    expect: { ...stopped, cause: 'docker-not-responding' },
    mustNot: [...CONNECTIVITY, 'docker-daemon-down'],
  },
  {
    id: 'E-05',
    title: 'the runner’s client is too old for Docker, as its log says',
    world: WITH_DOCKER,
    ...notPrepared(
      'Error response from daemon: client version 1.43 is too old. Minimum supported API version is 1.44, please upgrade your client to a newer version',
      // One moment is no proof that no job can run.
      APART_MILLISECONDS,
    ),
    expect: { ...stopped, cause: 'docker-api-incompatible' },
    mustNot: [...CONNECTIVITY, 'docker-daemon-down'],
  },
  {
    id: 'E-05b',
    title: 'Docker wants a newer API than any runner speaks',
    world: WITH_DOCKER,
    inject: async (world) =>
      await dockerOf(world).setAnswers({ version: { ApiVersion: '1.99', MinAPIVersion: '1.98' } }),
    expect: { ...stopped, cause: 'docker-api-incompatible' },
    mustNot: [...CONNECTIVITY, 'docker-daemon-down'],
  },
  {
    id: 'E-06',
    title: 'the registry limits pulls',
    world: WITH_DOCKER,
    ...notPrepared(
      'failed to pull image "alpine:3" with specified policies [always]: Error response from daemon: toomanyrequests: You have reached your unauthenticated pull rate limit. (manager.go:254:1s)',
    ),
    expect: { cause: 'docker-registry-rate-limited', severity: 'warning', chain: OPEN },
    mustNot: [...CONNECTIVITY, 'gitlab-rate-limited', 'docker-image-pull-failed'],
  },
  {
    id: 'E-07',
    title: 'Docker answers that its disk is full',
    world: WITH_DOCKER,
    inject: async (world) =>
      await dockerOf(world).setAnswers({
        instead: {
          '/info': {
            status: 500,
            message: 'write /var/lib/docker/tmp/x: no space left on device',
          },
        },
      }),
    expect: { cause: 'disk-docker-root-full', severity: 'warning', chain: OPEN },
    mustNot: [...CONNECTIVITY, 'docker-not-responding', 'docker-daemon-down'],
  },
  {
    id: 'E-10',
    title: 'of two entries one needs Docker, and Docker is down',
    world: { ...WITH_DOCKER, entries: [usualEntry(), dockerEntry({ name: 'docker-2' })] },
    inject: async (world) => await dockerOf(world).stop(),
    expect: {
      ...daemonDown,
      verdict: 'degraded',
      runners: {
        'shell-1': { cause: 'none', chain: OPEN },
        'docker-2': { cause: 'docker-daemon-down', chain: OPEN },
      },
    },
    mustNot: CONNECTIVITY,
  },
  {
    id: 'E-11',
    title: 'Docker has no address range left for another network',
    world: WITH_DOCKER,
    ...notPrepared(
      'Error response from daemon: could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network',
    ),
    expect: { cause: 'docker-network-pool-exhausted', severity: 'warning', chain: OPEN },
    mustNot: CONNECTIVITY,
  },
  {
    id: 'E-12',
    title: 'in containers the resolver is dead, on the host it is fine',
    world: {
      ...WITH_DOCKER,
      before: async (world) => await startContainer(world),
    },
    inject: async (world) => await setContainerNameServer(world, DEAD_ADDRESS),
    expect: {
      cause: 'job-network-differs',
      severity: 'warning',
      chain: OPEN,
      says: /cannot resolve gitlab\.test/,
    },
    mustNot: CONNECTIVITY,
  },
  {
    id: 'E-02b',
    title: 'DOCKER_HOST of the runner’s process names a port where nothing listens',
    world: WITH_DOCKER,
    inject: async (world) => await world.runner.restart({ DOCKER_HOST: 'tcp://10.200.0.2:2375' }),
    expect: {
      cause: 'docker-daemon-down',
      severity: 'warning',
      chain: OPEN,
      says: /DOCKER_HOST/,
    },
    mustNot: CONNECTIVITY,
  },
  {
    id: 'E-02c',
    title: 'DOCKER_HOST of the runner’s process names a host that is not there',
    world: WITH_DOCKER,
    inject: async (world) =>
      await world.runner.restart({ DOCKER_HOST: `tcp://${DEAD_ADDRESS}:2375` }),
    expect: { cause: 'docker-daemon-down', severity: 'warning', chain: OPEN },
    mustNot: [...CONNECTIVITY, 'docker-not-responding'],
  },
  {
    id: 'E-06b',
    title: 'an image does not exist, or wants a login',
    world: { ...WITH_DOCKER, logFormat: 'json' },
    ...notPrepared(
      'failed to pull image "registry.test/a:1" with specified policies [always]: Error response from daemon: pull access denied for registry.test/a, repository does not exist or may require \'docker login\' (manager.go:254:1s)',
    ),
    expect: {
      cause: 'docker-image-pull-failed',
      severity: 'warning',
      chain: OPEN,
      verdict: 'degraded',
    },
    mustNot: [...CONNECTIVITY, 'docker-registry-rate-limited', 'docker-daemon-down'],
  },
  {
    id: 'E-06c',
    title: 'the helper image of the runner cannot be pulled, so no job begins',
    world: { ...WITH_DOCKER, logFormat: 'json' },
    ...notPrepared(
      'failed to pull image "registry.gitlab.com/gitlab-org/gitlab-runner/gitlab-runner-helper:x86_64-v19.4.0" with specified policies [if-not-present]: Error response from daemon: pull access denied for registry.gitlab.com/gitlab-org/gitlab-runner/gitlab-runner-helper (manager.go:254:1s)',
      APART_MILLISECONDS,
    ),
    expect: { ...stopped, cause: 'docker-image-pull-failed', says: /helper image, which each job/ },
    mustNot: [...CONNECTIVITY, 'docker-registry-rate-limited', 'docker-daemon-down'],
  },
  {
    id: 'E-07b',
    title: 'the disk quota of the jobs is used up',
    world: WITH_DOCKER,
    ...notPrepared('mkdir /builds/group: disk quota exceeded'),
    expect: { cause: 'disk-space-exhausted', severity: 'warning', chain: OPEN },
    mustNot: [...CONNECTIVITY, 'docker-daemon-down'],
  },
  {
    id: 'J-01b',
    title: 'a filter before GitLab refuses what jobs print: 413',
    world: { logFormat: 'text' },
    ...refusedTrace({ code: 413, status: '413 Request Entity Too Large' }),
    expect: { cause: 'job-trace-blocked', severity: 'warning', chain: OPEN },
    mustNot: ['job-rejected-by-server', 'edge-waf-blocked', 'token-rejected', 'unknown'],
  },
  {
    id: 'J-01c',
    title: 'a filter before GitLab refuses what jobs print, to a runner that logs no id of answers',
    world: { logFormat: 'runner' },
    needsHistory: true,
    ...refusedTrace({ code: 403, status: '403 Forbidden' }),
    expect: { cause: 'job-trace-blocked', severity: 'warning', chain: OPEN },
    mustNot: ['job-rejected-by-server', 'edge-waf-blocked', 'token-rejected', 'unknown'],
  },
];
