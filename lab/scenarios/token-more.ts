/** Tokens, further: one that was renewed and not written, a system id that was copied. */
import { LISTENS, setCounters, startCounters } from '../peers/counters.ts';
import type { Row } from '../scenario.ts';
import type { World, WorldOptions } from '../world.ts';
import { forgetLog } from './executor.ts';

const REFUSED = 'o/o/n/o/o/o/F';
const OPEN = 'o/o/n/o/o/o/o';
const PACE_MILLISECONDS = 1000;

const COUNTED: WorldOptions = {
  globals: `concurrent = 4\ncheck_interval = 3\n${LISTENS}`,
  probes: { 'runner-metrics': 'interval_seconds = 2' },
  before: async (world) => world.adopt(await startCounters(world)),
};

/** GitLab rejects the token in config.toml, and the polls of the process still succeed. */
function pollsOn(world: World): void {
  const { gitlab, entries } = world;
  const token = entries[0]?.token ?? '';
  gitlab.application.tokens.delete(token);
  let polls = 10;
  const say = (): void => {
    polls += 1;
    void setCounters(world, { polls: { [token.slice(5, 14)]: { 204: polls } } });
  };
  const timer = setInterval(say, PACE_MILLISECONDS);
  say();
  world.adopt({ [Symbol.asyncDispose]: async () => clearInterval(timer) });
}

const ID_FILE = '/etc/gitlab-runner/.runner_system_id';

/** Image and host: the file was there two days before the machine got an identity. */
async function comesWithAnImage({ files, network }: World): Promise<void> {
  await network.run('gl', `touch -d "2 days ago" ${files.path}${ID_FILE}`);
  await files.write('/etc/machine-id', '0123456789abcdef0123456789abcdef\n');
}

export const moreTokenRows: readonly Row[] = [
  {
    id: 'T-09c',
    title: 'GitLab rejects the token in config.toml, and the polls of the runner still succeed',
    world: COUNTED,
    inject: pollsOn,
    expect: { cause: 'token-rotation-not-persisted', severity: 'warning', chain: REFUSED },
    mustNot: ['token-rejected'],
    needsHistory: true,
  },
  {
    id: 'T-09d',
    title: 'the runner says that it could not save its renewed token',
    inject: async ({ runner }) =>
      await runner.appendLog('error', 'Failed to save config', {
        error: 'open /etc/gitlab-runner/config.toml: read-only file system',
      }),
    recover: forgetLog,
    expect: { cause: 'token-rotation-not-persisted', severity: 'warning', chain: OPEN },
    mustNot: ['token-rejected', 'unknown'],
  },
  {
    id: 'T-09e',
    title: 'the system id came with the image of the machine',
    // The check runs every five minutes.
    startsBroken: true,
    inject: comesWithAnImage,
    expect: { cause: 'system-id-clash', severity: 'warning', chain: OPEN },
    mustNot: ['token-rejected', 'config-shared-by-processes'],
    fix: {
      reported: /tee .*\.runner_system_id/,
      apply: ({ files }) => files.write(ID_FILE, 's_ba9876543210'),
    },
  },
];
