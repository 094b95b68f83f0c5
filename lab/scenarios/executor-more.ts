/** The executor, further: Docker on another host, the runner's lines about image pulls, faults of single jobs. */
import { DEAD_ADDRESS } from '../network.ts';
import type { Row } from '../scenario.ts';
import { forgetLog, notPrepared, WITH_DOCKER } from './executor.ts';

const OPEN = 'o/o/n/o/o/o/o';
const CONNECTIVITY = [
  'unknown',
  'dns-timeout',
  'tcp-connection-refused',
  'network-no-route',
  'gitlab-not-responding',
];

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

export const moreExecutorRows: readonly Row[] = [
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
    expect: { cause: 'docker-image-pull-failed', severity: 'warning', chain: OPEN },
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
