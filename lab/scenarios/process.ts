/** The process of the runner. */
import { gitlabError } from '../../src/demo/gitlab-response.ts';
import { show, unshow, writeUnit } from '../host.ts';
import { LISTENS, setCounters, startCounters } from '../peers/counters.ts';
import { leaveZombie } from '../peers/zombie.ts';
import { printedFix, runPrinted } from '../printed-fix.ts';
import type { FaultRow, Row } from '../scenario.ts';
import type { World } from '../world.ts';

const CONFIG = '/etc/gitlab-runner/config.toml';

const OPEN = 'o/o/n/o/o/o/o';

/** Without a process its environment is unknown; the path can be checked all the same. */
const ANY = 'ou/ou/n/ou/ou/ou/ou';

const NETWORK = [
  'dns-name-not-found',
  'tcp-connection-refused',
  'tcp-connect-timeout',
  'gitlab-not-responding',
  'unknown',
];

const LOOPING = { ActiveState: 'activating', SubState: 'auto-restart', Result: 'exit-code' };

async function endsAgainAndAgain(world: World): Promise<void> {
  let restarts = 3;
  await world.runner.stop();
  await writeUnit(world, { ...LOOPING, NRestarts: restarts });
  const timer = setInterval(() => {
    restarts += 1;
    void writeUnit(world, { ...LOOPING, NRestarts: restarts });
  }, 2000);
  world.adopt({ [Symbol.asyncDispose]: async () => clearInterval(timer) });
}

/** Three refusals of polls, as of a filter that was mended since. */
function refuseThrice({ answers }: World): void {
  let left = 3;
  answers(({ path }) => {
    if (path !== '/api/v4/jobs/request' || left === 0) return undefined;
    left -= 1;
    return gitlabError(403, '403 Forbidden');
  });
}

function statOf({ runner }: World): string {
  return `/proc/${runner.pid()}/stat`;
}

/** The first line of every start. */
async function printsVersion({ runner }: World, version: string): Promise<void> {
  const built = { arch: 'amd64', os: 'linux', pid: 1, revision: '782e15da' };
  await runner.appendLog('info', 'Runtime platform', { ...built, version });
}

/** By the command of the report; then systemd shows the unit as active. */
function startedAgain(reported: RegExp): NonNullable<FaultRow['fix']> {
  return {
    reported,
    apply: async (world) => {
      await runPrinted(reported)(world);
      await writeUnit(world);
    },
  };
}

export const processRows: readonly Row[] = [
  {
    id: 'X-01',
    title: 'the runner is stopped',
    world: { before: async (world) => await writeUnit(world) },
    inject: async (world) => {
      await world.runner.stop();
      await writeUnit(world, { ActiveState: 'inactive', SubState: 'dead' });
    },
    expect: { cause: 'runner-not-running', severity: 'critical', chain: OPEN },
    runnerLogs: 'nothing',
    mustNot: NETWORK,
    fix: startedAgain(/systemctl enable --now gitlab-runner/),
  },
  {
    id: 'X-01b',
    title:
      'a signal has killed the runner, and systemd waits two minutes before it starts it again',
    world: { before: async (world) => await writeUnit(world) },
    inject: async (world) => {
      await world.runner.stop();
      const now = Math.round(Number(process.hrtime.bigint()) / 1000);
      await writeUnit(world, {
        ...LOOPING,
        Result: 'signal',
        NRestarts: 57,
        RestartUSec: '2min',
        StateChangeTimestampMonotonic: now,
        ExecMainStartTimestampMonotonic: 1,
        ExecMainExitTimestampMonotonic: now,
        ExecMainCode: 2,
        ExecMainStatus: 9,
      });
    },
    expect: {
      cause: 'runner-not-running',
      severity: 'critical',
      chain: OPEN,
      says: /was killed by SIGKILL after .* systemd starts it again at \d{4}-/,
    },
    runnerLogs: 'nothing',
    mustNot: [...NETWORK, 'runner-start-failed', 'runner-crash-loop'],
    fix: startedAgain(/systemctl restart gitlab-runner/),
  },
  {
    id: 'X-02',
    title: 'the runner ends at every start, and nothing says why',
    world: { before: async (world) => await writeUnit(world) },
    needsHistory: true,
    inject: endsAgainAndAgain,
    expect: { cause: 'runner-crash-loop', severity: 'critical', chain: OPEN },
    runnerLogs: 'nothing',
    mustNot: [...NETWORK, 'runner-not-running'],
  },
  {
    id: 'X-03',
    title: 'the process is stopped by a signal',
    inject: ({ runner }) => runner.signal('SIGSTOP'),
    expect: { cause: 'runner-hung', severity: 'critical', chain: OPEN },
    runnerLogs: 'nothing',
    mustNot: NETWORK,
    fix: printedFix(/kill -CONT/),
  },
  {
    id: 'X-04',
    title: 'after three refusals an entry is disabled for an hour, and GitLab accepts it again',
    inject: refuseThrice,
    expect: { cause: 'runner-disabled-unhealthy', severity: 'critical', chain: OPEN },
    runnerLogs: 'nothing',
    mustNot: [...NETWORK, 'token-rejected', 'runner-hung'],
    fix: printedFix(/touch .*config\.toml/),
  },
  {
    id: 'X-05',
    title: 'the port of the metrics is taken, so the runner does not start',
    world: { logFormat: 'text' },
    inject: async (world) => {
      const said =
        'Failed to create listener for metrics server error=listen tcp 0.0.0.0:9252: bind: address already in use';
      for (const _ of [1, 2, 3]) await world.runner.appendLog('fatal', said, { builds: 0 });
      await world.runner.stop();
      await writeUnit(world, { ...LOOPING, NRestarts: 4 });
    },
    expect: {
      cause: 'runner-start-failed',
      severity: 'critical',
      chain: OPEN,
      says: /address already in use/,
    },
    runnerLogs: 'nothing',
    // A start counts when its process has lived for a minute.
    mustNot: [...NETWORK, 'runner-crash-loop', 'runner-not-running'],
  },
  {
    id: 'X-06',
    title: 'there is no program, no unit and no process of a runner',
    inject: async ({ files, runner }) => {
      await runner.stop();
      await files.remove('/usr/bin/gitlab-runner');
      await files.remove(CONFIG);
    },
    expect: { cause: 'runner-not-installed', severity: 'critical', chain: ANY },
    runnerLogs: 'nothing',
    mustNot: [...NETWORK, 'config-missing', 'runner-not-running'],
  },
  {
    id: 'X-07',
    title: 'the runner waits for its jobs to end, and then ends itself',
    inject: async ({ runner }) => {
      await runner.appendLog(
        'warning',
        'Starting graceful shutdown, waiting for builds to finish',
        {
          builds: 2,
          StopSignal: 'quit',
          max_builds: 4,
        },
      );
    },
    recover: async ({ runner }) => await runner.restart(),
    expect: { cause: 'runner-shutting-down', severity: 'info', chain: OPEN },
    mustNot: [...NETWORK, 'runner-hung'],
  },
  {
    id: 'X-10',
    title: 'all that is left of the runner is a zombie',
    inject: async (world) => {
      await world.runner.stop();
      world.adopt(await leaveZombie(world.network));
    },
    expect: { cause: 'runner-not-running', severity: 'critical', chain: OPEN },
    runnerLogs: 'nothing',
    mustNot: [...NETWORK, 'runner-hung'],
  },
  {
    id: 'X-14',
    title: 'the runner is two major versions behind GitLab',
    world: {
      globals: `concurrent = 4\ncheck_interval = 3\n${LISTENS}`,
      probes: { 'runner-metrics': '' },
      before: async (world) => world.adopt(await startCounters(world)),
    },
    inject: async (world) => await setCounters(world, { version: '16.6.0' }),
    expect: { cause: 'runner-outdated', severity: 'notice', chain: OPEN },
    mustNot: NETWORK,
  },
  {
    id: 'X-03b',
    title: 'the process hangs in a system call (state D)',
    inject: async (world) => {
      const text = await world.network.run('rn', `cat ${statOf(world)}`);
      await show(world, statOf(world), text.replace(/\) [A-Z] /, ') D '));
    },
    recover: async (world) => await unshow(world, statOf(world)),
    expect: { cause: 'runner-hung', severity: 'critical', chain: OPEN, says: /state D/ },
    runnerLogs: 'nothing',
    mustNot: [...NETWORK, 'io-stalled'],
  },
  {
    id: 'X-05b',
    title: 'the runner exits at every start with an unknown message',
    world: { logFormat: 'text' },
    inject: async (world) => {
      const error = 'no such thing';
      for (const _ of [1, 2, 3]) await world.runner.appendLog('fatal', 'Cannot go on', { error });
      await world.runner.stop();
      const loop = { ActiveState: 'activating', SubState: 'auto-restart', Result: 'exit-code' };
      await writeUnit(world, { ...loop, NRestarts: 4 });
    },
    expect: {
      cause: 'runner-start-failed',
      severity: 'critical',
      chain: OPEN,
      says: /Cannot go on/,
    },
    runnerLogs: 'nothing',
    // A start counts when its process has lived for a minute.
    mustNot: [...NETWORK, 'runner-crash-loop', 'runner-not-running'],
  },
  {
    id: 'X-14b',
    title: 'the runner is of version 16, as only the first line of its log says',
    world: { logFormat: 'text' },
    inject: async (world) => await printsVersion(world, '16.6.0'),
    recover: async (world) => await printsVersion(world, '19.4.0'),
    expect: { cause: 'runner-outdated', severity: 'notice', chain: OPEN, says: /16\.6\.0/ },
    mustNot: NETWORK,
  },
];
