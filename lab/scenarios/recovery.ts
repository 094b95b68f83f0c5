/** The end of a fault: what had a cause keeps it, and the verdict holds until the whole path is known again. */
import { setTimeout as delay } from 'node:timers/promises';

import { gitlabError, text } from '../../src/demo/gitlab-response.ts';
import type { Report } from '../../src/report/document.ts';
import { until } from '../../test/support/until.ts';
import { APART_MILLISECONDS, hasLived, whileGood } from '../observe.ts';
import { dockerOf } from '../peers/docker.ts';
import { usualScript } from '../peers/names.ts';
import { FROM_PRIVATE_ROOT, GOOD } from '../peers/pki.ts';
import { OPEN as TUNNEL, PROXY_PORT, refusal, startProxy } from '../peers/proxy.ts';
import { everywhere, nginxPage } from '../replies.ts';
import { usualEntry } from '../runner-config.ts';
import type { FaultRow, Row } from '../scenario.ts';
import type { World, WorldOptions } from '../world.ts';
import { WITH_DOCKER } from './executor.ts';

const OPEN = 'o/o/n/o/o/o/o';
const CONFIG = '/etc/gitlab-runner/config.toml';
/** So many failed polls in a row are no accident, whatever made them fail. */
const MANY_POLLS = 9;
const QUIET_SECONDS = 6;
const NEW_TOKEN = usualEntry({ name: 'renewed-1' }).token;

/** With dates, so that each failure has its own time. */
const DATED: WorldOptions = { logFormat: 'text' };
const PROXIED: WorldOptions = {
  ...DATED,
  environment: { HTTPS_PROXY: `http://proxy.test:${PROXY_PORT}` },
  before: async (world) => world.adopt(await startProxy(TUNNEL)),
};

/** Until the runner has failed so often that it would be reported by itself. */
async function failsOften({ runner }: World): Promise<undefined> {
  await until(async () => (await runner.log()).split('Checking for jobs... ').length > MANY_POLLS);
  return undefined;
}

function lacksHealth({ verdict, causes }: Report): string | undefined {
  return verdict === 'healthy' ? undefined : `${verdict} ${causes.map(({ id }) => id).join(', ')}`;
}

/** What happened before stays over. */
async function staysHealthy({ daemon }: World): Promise<string | undefined> {
  const { lacks } = await whileGood(daemon, lacksHealth, QUIET_SECONDS);
  return lacks === undefined ? undefined : `after it was healthy: ${lacks}`;
}

/** The fault ends where it began, and the runner's config is not touched. */
function mended(
  row: Pick<FaultRow, 'id' | 'title' | 'inject' | 'expect'>,
  undo: (world: World) => Promise<unknown> | void,
  world: WorldOptions = DATED,
): FaultRow {
  return {
    world,
    ...row,
    mustNot: ['unknown'],
    holds: failsOften,
    fix: { reported: /fix/, apply: undo },
    isStraight: true,
    ends: staysHealthy,
  };
}

/** As many jobs as are no accident fail for this reason, with Docker down. */
async function jobsFail({ daemon, runner, entries }: World): Promise<void> {
  await hasLived(daemon);
  const fields = {
    failure_reason: 'runner_system_failure',
    runner: entries[0]?.token.slice(5, 14) ?? '',
  };
  const said =
    'Job failed (system failure): Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running? (docker.go:1:0s)';
  for (const job of [12, 13, 14]) {
    if (job > 12) await delay(APART_MILLISECONDS);
    await runner.appendLog('error', said, { ...fields, job });
  }
}

/** Polls are refused twice, which disables no entry; other requests with the token until it is mended. */
function refusesPollsTwice({ answers }: World): void {
  let left = 2;
  answers(({ path }) => {
    if (path.endsWith('/verify')) return gitlabError(403, '403 Forbidden');
    if (!path.endsWith('/jobs/request') || left === 0) return undefined;
    left -= 1;
    return gitlabError(403, '403 Forbidden');
  });
}

const REFUSED = text(404, 'Not Found\n');

export const recoveryRows: readonly Row[] = [
  mended(
    {
      id: 'Y-01',
      title: 'the name is found again',
      inject: ({ names }) => names.answer(() => 'nxdomain'),
      expect: { cause: 'dns-name-not-found', severity: 'critical' },
    },
    ({ names }) => names.answer(usualScript),
  ),
  mended(
    {
      id: 'Y-02',
      title: 'the web server of GitLab runs again',
      inject: ({ gitlab }) => gitlab.stop(),
      expect: { cause: 'tcp-connection-refused', severity: 'critical' },
    },
    ({ gitlab }) => gitlab.serve(GOOD),
  ),
  mended(
    {
      id: 'Y-03',
      title: 'the proxy opens the tunnel again',
      inject: async (world) => {
        await world.release();
        world.adopt(await startProxy(() => refusal('403 Forbidden')));
      },
      expect: { cause: 'no-proxy-mismatch', severity: 'critical' },
    },
    async (world) => {
      await world.release();
      world.adopt(await startProxy(TUNNEL));
    },
    PROXIED,
  ),
  mended(
    {
      id: 'Y-04',
      title: 'the certificate is a right one again',
      inject: ({ gitlab }) => gitlab.serve(FROM_PRIVATE_ROOT),
      expect: { cause: 'tls-unknown-authority', severity: 'critical' },
    },
    ({ gitlab }) => gitlab.serve(GOOD),
  ),
  mended(
    {
      id: 'Y-05',
      title: 'the web tier of GitLab is back',
      inject: ({ answers }) => answers(everywhere(nginxPage(502, '502 Bad Gateway'))),
      // In its first minute it may be a restart.
      expect: { cause: ['gitlab-booting', 'gitlab-bad-gateway'] },
    },
    ({ answers }) => answers(() => undefined),
  ),
  mended(
    {
      id: 'Y-06',
      title: 'the API of GitLab is there again',
      inject: ({ answers }) =>
        answers(({ path }) => (path.startsWith('/api/') ? REFUSED : undefined)),
      expect: { cause: ['url-path-wrong', 'not-a-gitlab-server'], severity: 'critical' },
    },
    ({ answers }) => answers(() => undefined),
  ),
  {
    ...mended(
      {
        id: 'Y-07',
        title:
          'config.toml gets a new token: another entry, which is unsure until it has been tested',
        inject: (world) =>
          void world.gitlab.application.tokens.delete(world.entries[0]?.token ?? ''),
        expect: { cause: 'token-rejected', severity: 'critical' },
      },
      async ({ files, gitlab }) => {
        gitlab.application.tokens.add(NEW_TOKEN);
        await files.edit(CONFIG, /token = ".*"/, `token = "${NEW_TOKEN}"`);
      },
    ),
    // What held for the old entry says nothing of the new one.
    isStraight: false,
    // Three refusals switch it off.
    holds: () => undefined,
  },
  {
    ...mended(
      {
        id: 'Y-08',
        title: 'Docker is back after three jobs have failed without it',
        inject: async (world) => {
          await dockerOf(world).stop();
          await jobsFail(world);
        },
        expect: { cause: 'docker-daemon-down', chain: OPEN },
      },
      (world) => dockerOf(world).setAnswers(),
      WITH_DOCKER,
    ),
    holds: () => undefined,
  },
  {
    ...mended(
      {
        id: 'Y-10',
        title:
          'an old GitLab refuses twice, takes it back, and is asked again as the runner is silent',
        inject: refusesPollsTwice,
        expect: { cause: 'token-rejected', severity: 'critical' },
      },
      ({ answers }) => answers(() => undefined),
      // An old GitLab is asked about a token once an hour.
      { ...DATED, profile: 'gl18', hasDefaultPace: true },
    ),
    // The runner does not fail any more.
    holds: () => undefined,
  },
  {
    ...mended(
      {
        id: 'Y-11',
        title: 'three refusals disable the entry: the refusal is the cause, with its countdown',
        inject: (world) =>
          void world.gitlab.application.tokens.delete(world.entries[0]?.token ?? ''),
        expect: {
          cause: 'token-rejected',
          severity: 'critical',
          chain: 'o/o/n/o/o/o/F',
          says: /tries again by itself in \d+ min.*sudo touch [^"]*config.toml"\}\]/,
        },
      },
      async ({ entries, files, gitlab }) => {
        gitlab.application.tokens.add(entries[0]?.token ?? '');
        await files.touch(CONFIG);
      },
    ),
    mustNot: ['unknown', 'runner-disabled-unhealthy'],
    // GitLab accepts the token again, and the runner does not know it yet.
    betweenSteps: ['runner-disabled-unhealthy'],
    // `check` reads the log as well.
    holds: () => undefined,
  },
];
