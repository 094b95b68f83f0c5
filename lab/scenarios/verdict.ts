/** The verdict follows what works, whatever the severity of the cause. */
import { dockerOf } from '../peers/docker.ts';
import { usualEntry } from '../runner-config.ts';
import type { Row } from '../scenario.ts';
import type { World } from '../world.ts';
import { WITH_DOCKER, dockerEntry } from './executor.ts';

const OPEN = 'o/o/n/o/o/o/o';
const RUNNER_UID = 4321;

/** What `/health/ENTRY` answers for each entry. */
async function healthOf(world: World, wanted: Readonly<Record<string, string>>) {
  for (const [name, status] of Object.entries(wanted)) {
    const health = JSON.parse(await world.daemon.get(`/health/${name}`)) as { status: string };
    if (health.status !== status) return `/health/${name} is ${health.status}`;
  }
  return undefined;
}

async function seriesOf(world: World, wanted: readonly string[]) {
  const metrics = await world.daemon.get('/metrics');
  return wanted.find((line) => !metrics.includes(`${line}\n`));
}

export const verdictRows: readonly Row[] = [
  {
    id: 'V-01',
    title: 'the builds directory of the only entry is not writable',
    world: { uid: RUNNER_UID, probes: { executor: '' } },
    inject: async ({ files }) => await files.own('/builds', 0),
    recover: async ({ files }) => await files.own('/builds', RUNNER_UID),
    expect: { cause: 'unknown', severity: 'warning', chain: OPEN, verdict: 'broken' },
    holds: async (world) =>
      await seriesOf(world, [
        'runnerwatch_verdict{verdict="broken"} 1',
        'runnerwatch_runner_connected{runner="shell1xxx",runner_name="shell-1"} 1',
        'runnerwatch_runner_can_run_jobs{runner="shell1xxx",runner_name="shell-1"} 0',
      ]),
    mustNot: ['disk-read-only', 'monitor-blind'],
  },
  {
    id: 'V-02',
    title: 'two entries, Docker of one is down: that one is broken, the host is degraded',
    world: { ...WITH_DOCKER, entries: [usualEntry(), dockerEntry({ name: 'docker-2' })] },
    inject: async (world) => await dockerOf(world).stop(),
    expect: {
      cause: 'docker-daemon-down',
      chain: OPEN,
      verdict: 'degraded',
      runners: { 'shell-1': { cause: 'none' }, 'docker-2': { cause: 'docker-daemon-down' } },
    },
    holds: async (world) => await healthOf(world, { 'shell-1': 'pass', 'docker-2': 'fail' }),
    mustNot: ['unknown'],
  },
  {
    id: 'V-03',
    title: 'one entry cannot run jobs, the other has no token: no entry works',
    world: { ...WITH_DOCKER, entries: [usualEntry(), dockerEntry({ name: 'docker-2' })] },
    inject: async (world) => {
      await dockerOf(world).stop();
      world.gitlab.application.tokens.delete(world.entries[0]?.token ?? '');
    },
    expect: {
      cause: 'token-rejected',
      also: ['docker-daemon-down'],
      verdict: 'broken',
      runners: {
        'shell-1': { cause: 'token-rejected' },
        'docker-2': { cause: 'docker-daemon-down' },
      },
    },
    holds: async (world) => await healthOf(world, { 'shell-1': 'fail', 'docker-2': 'fail' }),
    mustNot: ['unknown'],
  },
];
