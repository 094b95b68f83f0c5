/** The verdict follows what works, whatever the severity of the cause. */
import { LISTENS, setCounters, startCounters } from '../peers/counters.ts';
import { dockerOf } from '../peers/docker.ts';
import { usualEntry } from '../runner-config.ts';
import type { Row } from '../scenario.ts';
import type { World, WorldOptions } from '../world.ts';
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

function nameOf({ entries }: World): string {
  return entries[0]?.token.slice(5, 14) ?? '';
}

/** A job that ran proves the executor that no probe looks at. */
async function runJob(world: World): Promise<void> {
  await world.runner.appendLog('info', 'Job succeeded', { job: 15, runner: nameOf(world) });
}

const OTHER_LOG = '/var/log/other.log';
const OUR_LINE = 'time=2026-11-30T08:56:31Z level=info msg="Configuration loaded" builds=0\n';
const NOT_OURS = Array.from({ length: 60 }, (_, n) => `${n} GET /index.html 200 17\n`).join('');
const TICK_MILLISECONDS = 1000;

async function readLog({ files }: World): Promise<void> {
  await files.write(OTHER_LOG, OUR_LINE);
}

/** Counters are all that is known of the runner: its log is not there. */
const COUNTED: WorldOptions = {
  logFile: OTHER_LOG,
  files: () => ({ [OTHER_LOG]: OUR_LINE }),
  globals: `concurrent = 4\ncheck_interval = 3\n${LISTENS}`,
  probes: { 'runner-metrics': 'interval_seconds = 2' },
  before: async (world) => world.adopt(await startCounters(world)),
};

/** The counters of polls move on, one of this status each second, until the world is restored. */
async function count(world: World, status: string): Promise<void> {
  await world.files.remove(OTHER_LOG);
  const startedSeconds = Math.round(Date.now() / 1000) - 600;
  let polls = 40;
  const move = (): void => {
    polls += 1;
    void setCounters(world, { startedSeconds, polls: { [nameOf(world)]: { [status]: polls } } });
  };
  const timer = setInterval(move, TICK_MILLISECONDS);
  move();
  world.adopt({ [Symbol.asyncDispose]: async () => clearInterval(timer) });
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
  {
    id: 'V-04',
    title: 'no probe looks at the executor, and no job has run yet',
    world: {
      logFormat: 'text',
      entries: [usualEntry({ executor: 'kubernetes', more: '[runners.kubernetes]' })],
    },
    startsBroken: true,
    inject: () => undefined,
    recover: runJob,
    expect: { cause: [], chain: OPEN, verdict: 'unsure' },
    holds: async (world) => await healthOf(world, { 'shell-1': 'warn' }),
    mustNot: ['unknown', 'monitor-blind'],
  },
  {
    id: 'V-05',
    title: 'the log is of another program',
    world: { logFile: OTHER_LOG, files: () => ({ [OTHER_LOG]: NOT_OURS }) },
    startsBroken: true,
    inject: () => undefined,
    fix: { reported: /of the runner's\s+log/, apply: readLog },
    expect: { cause: [], chain: OPEN, verdict: 'unsure' },
    mustNot: ['unknown'],
  },
  {
    id: 'V-06',
    title:
      'no log can be read, and the counters of the runner count failures that our path does not show',
    world: COUNTED,
    startsBroken: true,
    inject: async (world) => await count(world, '-1'),
    needsHistory: true,
    runnerLogs: 'nothing',
    expect: { cause: 'unknown', severity: 'critical', chain: 'uo/uo/n/uo/uo/o/o' },
    mustNot: ['token-rejected', 'gitlab-slow'],
  },
];
