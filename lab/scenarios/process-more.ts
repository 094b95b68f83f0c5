/** The runner's process, further: it runs and does nothing, or ends without a known log line. */
import { show, writeUnit, unshow } from '../host.ts';
import type { Row } from '../scenario.ts';
import type { World } from '../world.ts';

const OPEN = 'o/o/n/o/o/o/o';
const NETWORK = [
  'dns-name-not-found',
  'tcp-connection-refused',
  'gitlab-not-responding',
  'unknown',
];

function statOf({ runner }: World): string {
  return `/proc/${runner.pid()}/stat`;
}

/** The first line of every start. */
async function printsVersion({ runner }: World, version: string): Promise<void> {
  const built = { arch: 'amd64', os: 'linux', pid: 1, revision: '782e15da' };
  await runner.appendLog('info', 'Runtime platform', { ...built, version });
}

export const moreProcessRows: readonly Row[] = [
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
