/** GitLab, further: faults that only runners meet, or that are intermittent. */
import { setTimeout as delay } from 'node:timers/promises';

import { gitlabError, text } from '../../src/demo/gitlab-response.ts';
import { everywhere, nginxPage, onRunnerApi, onWrites, page } from '../replies.ts';
import { usualEntry } from '../runner-config.ts';
import type { Row } from '../scenario.ts';
import type { World } from '../world.ts';

const BOOT_MILLISECONDS = 10_000;
const OPEN = 'o/o/n/o/o/o/o';
const CONFIG = '/etc/gitlab-runner/config.toml';
const READ_ONLY = 'You cannot perform write operations on a read-only instance';
const UNHURRIED = { probes: { api: 'interval_seconds = 30', token: 'interval_seconds = 30' } };

/** The web tier is back, and tokens are refused: that is still the start of it. */
async function refusesAndBoots({ daemon }: World): Promise<string | undefined> {
  await delay(BOOT_MILLISECONDS + 5000);
  const { causes, runners } = await daemon.report();
  const ids = causes.map(({ id }) => id).join(', ');
  const isRefused = runners[0]?.chain['token'] === 'fail';
  return isRefused && ids === 'gitlab-booting' ? undefined : `it says ${ids}`;
}

function isPoll({ path }: { readonly path: string }): boolean {
  return path === '/api/v4/jobs/request';
}

export const moreGitlabRows: readonly Row[] = [
  {
    id: 'G-04c',
    title:
      'maintenance begins: polls are answered 503, and verify may be sent in an hour at the earliest',
    world: { profile: 'gl18' },
    inject: ({ answers }) =>
      answers(onWrites(gitlabError(503, 'GitLab is currently in maintenance mode'))),
    expect: { cause: 'gitlab-maintenance-mode', severity: 'warning', chain: 'o/o/n/o/o/o/u' },
    runnerLogs: /currently unavailable/,
    mustNot: ['token-rejected', 'gitlab-unavailable', 'unknown'],
    needsHistory: true,
  },
  {
    id: 'G-04d',
    title: 'url points at a Geo secondary',
    world: { profile: 'gl18' },
    startsBroken: true,
    inject: ({ answers }) =>
      answers(
        onWrites({ ...gitlabError(403, READ_ONLY), headers: { 'X-Gitlab-Geo-Site': 'secondary' } }),
      ),
    expect: { cause: 'gitlab-read-only-site', severity: 'critical', chain: 'o/o/n/o/o/o/F' },
    mustNot: ['token-rejected', 'gitlab-maintenance-mode'],
  },
  {
    id: 'G-10d',
    title: 'only the request for jobs is answered 404, by GitLab itself',
    inject: ({ answers }) =>
      answers((asked) => (isPoll(asked) ? gitlabError(404, '404 Not found') : undefined)),
    expect: { cause: 'gitlab-version-skew', severity: 'warning', chain: OPEN },
    runnerLogs: /404 Not Found/,
    mustNot: ['url-path-wrong', 'token-rejected', 'unknown'],
    needsHistory: true,
  },
  {
    id: 'G-01b',
    title: 'of two backends that take turns one answers 502',
    inject: ({ answers }) => {
      const asked = new Map<string, number>();
      answers(({ path }) => {
        const nth = (asked.get(path) ?? 0) + 1;
        asked.set(path, nth);
        const bad = { ...nginxPage(502, '502 Bad Gateway'), headers: { 'X-Served-By': 'web-2' } };
        return nth % 2 === 0 ? bad : undefined;
      });
    },
    expect: { cause: 'gitlab-partial-outage', severity: 'warning', says: /web-2/ },
    mustNot: ['network-packet-loss', 'gitlab-bad-gateway', 'connection-reset-midstream'],
    isIntermittent: true,
    needsHistory: true,
  },
  {
    id: 'G-06c',
    title: 'only runnerwatch is answered 429, on every path',
    world: UNHURRIED,
    inject: ({ answers }) =>
      answers(({ userAgent }) =>
        userAgent.startsWith('runnerwatch')
          ? { ...text(429, 'Retry later\n'), headers: { 'Retry-After': '2' } }
          : undefined,
      ),
    expect: { cause: 'monitor-throttled', severity: 'notice' },
    mustNot: ['gitlab-rate-limited', 'edge-ip-banned', 'unknown'],
    // The runner is given the time to complain.
    needsHistory: true,
  },
  {
    id: 'G-02b',
    title: 'GitLab boots: 502, then refusals of tokens, then it is there',
    inject: ({ answers }) => {
      answers(everywhere(page(502, 'Waiting for GitLab to boot')));
      void delay(BOOT_MILLISECONDS).then(() =>
        answers(onRunnerApi(gitlabError(403, '403 Forbidden'))),
      );
    },
    expect: { cause: 'gitlab-booting', severity: 'warning', chain: 'o/o/n/o/oF/os/Fs' },
    mustNot: ['gitlab-bad-gateway', 'token-rejected', 'runner-disabled-unhealthy'],
    needsHistory: true,
    holds: refusesAndBoots,
  },
  {
    id: 'G-10e',
    title: 'url lacks the relative root of GitLab, and a web server answers below it',
    world: { basePath: '/gitlab', entries: [usualEntry({ url: 'https://gitlab.test/gitlab' })] },
    inject: async ({ files, answers }) => {
      answers(({ isBelow }) => (isBelow ? undefined : nginxPage(404, '404 Not Found')));
      await files.edit(CONFIG, 'https://gitlab.test/gitlab', 'https://gitlab.test/');
    },
    expect: { cause: 'url-path-wrong', severity: 'critical', chain: 'o/o/n/o/o/F/s' },
    mustNot: ['gitlab-version-skew', 'not-a-gitlab-server'],
    fix: {
      reported: /to https:..gitlab\.test\/gitlab\//,
      apply: ({ files }) =>
        files.edit(CONFIG, 'https://gitlab.test/', 'https://gitlab.test/gitlab'),
    },
  },
];
