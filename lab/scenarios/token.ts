/** The token, with a healthy path to GitLab. */
import { gitlabError } from '../../src/demo/gitlab-response.ts';
import { LISTENS, setCounters, startCounters } from '../peers/counters.ts';
import { onRunnerApi } from '../replies.ts';
import { CANARY, usualEntry } from '../runner-config.ts';
import { printedFix, runPrinted } from '../printed-fix.ts';
import type { Row } from '../scenario.ts';
import type { World, WorldOptions } from '../world.ts';
import { forgetLog } from './executor.ts';

const CONFIG = '/etc/gitlab-runner/config.toml';

const REFUSED = 'o/o/n/o/o/o/F';

const OPEN = 'o/o/n/o/o/o/o';

const DAY = 86_400_000;

const TOKEN_LINE = /token = ".*"/;

/** What GitLab shows after a reset. */
const NEW_TOKEN = usualEntry({ name: 'renewed-1' }).token;

const twins = [usualEntry({ name: 'first-1' }), usualEntry({ name: 'second-2' })] as const;

const sharedToken = usualEntry({ name: 'one-1' }).token;

function forgetToken(world: World, index: number): void {
  world.gitlab.application.tokens.delete(world.entries[index]?.token ?? '');
}

/** config.toml holds the date when the token expires; the runner re-reads it within seconds. */
function setTokenEnd(days: number) {
  return async ({ files }: World): Promise<void> => {
    const end = new Date(Date.now() + days * DAY).toISOString().replace(/\.\d+/, '');
    await files.edit(CONFIG, '  executor', `  token_expires_at = ${end}\n  executor`);
  };
}

function requestsWithToken({ gitlab }: World, since: number): string | undefined {
  const sent = gitlab.application.requests.filter(({ at, hasToken }) => hasToken && at > since);
  return sent.length === 0 ? undefined : `${sent.length} requests with a token were sent`;
}

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

export const tokenRows: readonly Row[] = [
  {
    id: 'T-01',
    title: 'GitLab has forgotten the token',
    inject: (world) => forgetToken(world, 0),
    expect: { cause: 'token-rejected', severity: 'critical', chain: REFUSED },
    runnerLogs: /forbidden .*POST https:..gitlab.test.api.v4.jobs.request: 403 Forbidden/,
    mustNot: ['edge-waf-blocked', 'runner-hung'],
  },
  {
    id: 'T-01c',
    title: 'an older GitLab forgets the token while it is watched, and config.toml gets a new one',
    world: { profile: 'gl18' },
    inject: (world) => forgetToken(world, 0),
    expect: { cause: 'token-rejected', severity: 'critical', chain: REFUSED },
    mustNot: ['edge-waf-blocked', 'runner-hung', 'runner-disabled-unhealthy'],
    fix: {
      reported: /sudoedit \/etc\/gitlab-runner\/config\.toml/,
      apply: async (world) => {
        world.gitlab.application.tokens.add(NEW_TOKEN);
        const edit = `sed -i 's/token = .*/token = "${NEW_TOKEN}"/' "$1"`;
        await runPrinted(/sudoedit .*config\.toml/, { edit })(world);
      },
    },
  },
  {
    id: 'T-01b',
    title: 'an older GitLab has forgotten the token',
    world: { profile: 'gl18' },
    startsBroken: true,
    inject: (world) => forgetToken(world, 0),
    expect: { cause: 'token-rejected', severity: 'critical', chain: REFUSED },
    mustNot: ['edge-waf-blocked', 'runner-hung'],
  },
  {
    id: 'T-02',
    title: 'the entry holds a registration token',
    inject: ({ files }) => files.edit(CONFIG, TOKEN_LINE, `token = "GR1348941${CANARY}"`),
    expect: { cause: 'token-is-registration-token', severity: 'critical', chain: REFUSED },
    mustNot: ['token-rejected'],
  },
  {
    id: 'T-03',
    title: 'the token is blank',
    inject: ({ files }) => files.edit(CONFIG, TOKEN_LINE, 'token = "  "'),
    expect: { cause: 'token-missing', severity: 'critical', chain: REFUSED },
    runnerLogs: /Runner token is empty/,
    mustNot: ['token-rejected'],
    holds: requestsWithToken,
  },
  {
    id: 'T-04',
    title: 'the token expired yesterday',
    inject: async (world) => {
      await setTokenEnd(-1)(world);
      forgetToken(world, 0);
    },
    expect: { cause: 'token-expired', severity: 'critical', chain: REFUSED },
    mustNot: ['token-rejected'],
  },
  {
    id: 'T-05',
    title: 'the token expires in three days',
    inject: setTokenEnd(3),
    expect: { cause: 'token-expiring-soon', severity: 'notice', chain: 'o/o/n/o/o/o/od' },
    mustNot: ['token-expired', 'token-rejected'],
  },
  {
    id: 'T-06',
    title: 'of two entries the second one’s token is unknown',
    world: { entries: twins },
    inject: (world) => forgetToken(world, 1),
    expect: {
      cause: 'token-rejected',
      severity: 'critical',
      runners: {
        'first-1': { cause: 'none', chain: OPEN },
        'second-2': { cause: 'token-rejected', chain: REFUSED },
      },
    },
    mustNot: [],
  },
  {
    id: 'T-07',
    title: 'the project of the runner was deleted',
    inject: ({ answers }) => answers(onRunnerApi(gitlabError(422, 'Runner is orphaned'))),
    expect: { cause: 'runner-orphaned', severity: 'critical', chain: REFUSED },
    mustNot: ['gitlab-version-skew', 'token-rejected'],
  },
  {
    id: 'T-14',
    title: 'one token in two entries, and the name of one url does not exist',
    world: {
      entries: [
        usualEntry({ name: 'one-1' }),
        usualEntry({ name: 'two-2', token: sharedToken, url: 'https://alias.test/' }),
      ],
    },
    inject: ({ files }) => files.edit(CONFIG, 'https://alias.test/', 'https://gone.test/'),
    expect: {
      cause: 'dns-name-not-found',
      severity: 'critical',
      runners: {
        'one-1': { cause: 'none', chain: OPEN },
        'two-2': { cause: 'dns-name-not-found', chain: 'F/s/n/s/s/s/s' },
      },
    },
    mustNot: ['token-rejected', 'token-missing'],
  },
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
    fix: printedFix(/tee .*\.runner_system_id/),
  },
];
