/** GitLab, and servers in front of it. */
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';

import { gitlabError, text } from '../../src/demo/gitlab-response.ts';
import { untilNamed } from '../past.ts';
import { startNginx } from '../peers/nginx.ts';
import { GOOD } from '../peers/pki.ts';
import {
  everywhere,
  nginxPage,
  onRunnerApi,
  onWrites,
  page,
  redirectTo,
  tooMany,
} from '../replies.ts';
import { usualEntry } from '../runner-config.ts';
import { printedFix } from '../printed-fix.ts';
import type { Row } from '../scenario.ts';
import type { World } from '../world.ts';

const CONFIG = '/etc/gitlab-runner/config.toml';

const NO_WEB = 'o/o/n/o/F/s/s';

const SLOW_MILLISECONDS = 1600;

const DRIBBLE_MILLISECONDS = 5000;

/** The last API result stays valid during the pause that GitLab asks for, as it does at the default interval. */
const UNHURRIED = { probes: { api: 'interval_seconds = 30', token: 'interval_seconds = 30' } };

const USUAL = { api: 'interval_seconds = 900', token: 'interval_seconds = 900' };

const FORBIDDEN = text(403, 'Forbidden\n');

const OPEN = 'o/o/n/o/o/o/o';

const READ_ONLY = 'You cannot perform write operations on a read-only instance';

function isPoll({ path }: { readonly path: string }): boolean {
  return path === '/api/v4/jobs/request';
}

export const gitlabRows: readonly Row[] = [
  {
    id: 'G-01',
    title: '502 from the web tier on all paths',
    endsAlone: true,
    inject: ({ answers }) => answers(everywhere(nginxPage(502, '502 Bad Gateway'))),
    expect: { cause: 'gitlab-bad-gateway', severity: 'critical', chain: NO_WEB },
    // In its first minute it may be a restart.
    runnerLogs: /502 Bad Gateway/,
    mustNot: ['proxy-upstream-failed'],
  },
  {
    id: 'G-02',
    title: 'GitLab boots: 502 with its waiting page, then it is there',
    endsAlone: true,
    inject: ({ answers }) => answers(everywhere(page(502, 'Waiting for GitLab to boot'))),
    expect: { cause: 'gitlab-booting', severity: 'warning', chain: NO_WEB },
    mustNot: ['gitlab-bad-gateway'],
  },
  {
    id: 'G-03',
    title: '503 of a balancer without a server',
    endsAlone: true,
    inject: ({ answers }) =>
      answers(
        everywhere(
          text(
            503,
            '<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n</body></html>\n',
            'text/html',
          ),
        ),
      ),
    expect: { cause: 'gitlab-unavailable', severity: 'critical', chain: NO_WEB },
    runnerLogs: /currently unavailable/,
    mustNot: ['gitlab-maintenance-mode'],
  },
  {
    id: 'G-04',
    title: 'maintenance: writes are answered 503, reading works',
    world: { profile: 'gl18' },
    startsBroken: true,
    inject: ({ answers }) =>
      answers(onWrites(gitlabError(503, 'GitLab is currently in maintenance mode'))),
    expect: {
      cause: 'gitlab-maintenance-mode',
      severity: 'warning',
      verdict: 'broken',
      chain: 'o/o/n/o/o/o/Fu',
    },
    mustNot: ['token-rejected'],
  },
  {
    id: 'G-04b',
    title: 'maintenance of an old GitLab: writes are answered 403',
    world: { profile: 'gl16' },
    startsBroken: true,
    inject: ({ answers }) =>
      answers(
        onWrites(gitlabError(403, 'You cannot perform write operations on a read-only instance')),
      ),
    expect: {
      cause: 'gitlab-maintenance-mode',
      severity: 'warning',
      verdict: 'broken',
      chain: 'o/o/n/o/o/o/Fu',
    },
    mustNot: ['token-rejected'],
  },
  {
    id: 'G-05',
    title: '500 on the runner endpoints, the rest of the API is fine',
    endsAlone: true,
    inject: ({ answers }) => answers(onRunnerApi(gitlabError(500, '500 Internal Server Error'))),
    expect: { cause: 'gitlab-internal-error', severity: 'critical', chain: 'o/o/n/o/o/od/F' },
    mustNot: ['token-rejected'],
  },
  {
    id: 'G-06',
    title: '429 on the runner endpoints',
    world: UNHURRIED,
    inject: ({ answers }) => answers(onRunnerApi(tooMany('429 Too Many Requests', 2))),
    expect: { cause: 'gitlab-rate-limited', severity: 'warning', chain: 'o/o/n/o/o/od/u' },
    mustNot: ['edge-challenge', 'token-rejected'],
    // GitLab is left alone for a while after its 429.
  },
  {
    id: 'G-07',
    title: 'a web application firewall answers 403 to everything',
    inject: ({ answers }) =>
      answers(
        everywhere(page(403, 'Access denied', { 'cf-ray': '8f0012ab-AMS', Server: 'cloudflare' })),
      ),
    expect: { cause: ['edge-waf-blocked', 'edge-ip-banned'], severity: 'critical', chain: NO_WEB },
    runnerLogs: /forbidden.*status.*=403 Forbidden/,
    mustNot: ['token-rejected'],
  },
  {
    id: 'G-08',
    title: 'a bot challenge answers every request',
    inject: ({ answers }) =>
      answers(
        everywhere(
          page(403, 'Just a moment...', { 'cf-mitigated': 'challenge', 'cf-ray': '8f00-AMS' }),
        ),
      ),
    expect: { cause: 'edge-challenge', severity: 'critical', chain: NO_WEB },
    mustNot: ['token-rejected'],
  },
  {
    id: 'G-09',
    title: 'url begins with http, and the server sends to https',
    world: { entries: [usualEntry({ url: 'http://gitlab.test/' })] },
    inject: ({ gitlab }) => gitlab.redirectPlain(true),
    recover: ({ gitlab }) => gitlab.redirectPlain(false),
    expect: { cause: 'url-redirect-breaks-post', severity: 'critical', chain: 'o/o/n/n/odF/Fs/s' },
    mustNot: ['url-path-wrong'],
  },
  {
    id: 'G-10',
    title: 'url is that of a project',
    inject: async ({ files, answers }) => {
      answers(({ path }) =>
        path.startsWith('/group/')
          ? { ...page(404, 'The page could not be found (404)'), isFromRails: true }
          : undefined,
      );
      await files.edit(CONFIG, 'https://gitlab.test/', 'https://gitlab.test/group/project.git');
    },
    expect: { cause: 'url-path-wrong', severity: 'critical', chain: 'o/o/n/o/o/F/s' },
    mustNot: ['gitlab-version-skew', 'not-a-gitlab-server'],
    fix: printedFix(/sed -e .*config\.toml/),
  },
  {
    id: 'G-11',
    title: 'a fresh nginx answers on 443',
    inject: async ({ gitlab, adopt }) => {
      await gitlab.stop();
      adopt(await startNginx(GOOD));
    },
    expect: { cause: 'not-a-gitlab-server', severity: 'critical', chain: 'o/o/n/o/o/F/s' },
    mustNot: ['url-path-wrong'],
  },
  {
    id: 'G-12',
    title: 'everything is redirected to a login of the company',
    inject: ({ answers }) => answers(redirectTo('https://sso.test/login?to=')),
    expect: { cause: 'edge-auth-gateway', severity: 'critical', chain: 'o/o/n/o/dF/Fs/s' },
    mustNot: ['url-redirect-breaks-post', 'token-rejected'],
  },
  {
    id: 'G-13',
    title: 'TLS is fine, and no request is answered',
    inject: ({ answers }) => answers(everywhere('silent')),
    // The runner itself waits ten minutes.
    expect: {
      cause: 'gitlab-not-responding',
      severity: 'warning',
      chain: 'o/o/n/o/u/s/s',
      says: /10 minutes/,
    },
    runnerLogs: 'nothing',
    mustNot: ['path-mtu-blackhole'],
  },
  {
    id: 'G-14',
    title: 'every answer is right, and late',
    world: { probes: { http: 'slow_seconds = 1' } },
    inject: ({ answers }) =>
      answers(async () => {
        await delay(SLOW_MILLISECONDS);
        return undefined;
      }),
    expect: { cause: 'gitlab-slow', severity: 'notice', chain: 'o/o/n/o/d/od/od' },
    mustNot: ['gitlab-not-responding'],
  },
  {
    id: 'G-15',
    title: 'a plain Forbidden on every path, the sign-in page too',
    inject: ({ answers }) => answers(everywhere(FORBIDDEN)),
    expect: { cause: 'edge-ip-banned', severity: 'critical', chain: NO_WEB },
    runnerLogs: /=403 Forbidden/,
    mustNot: ['token-rejected'],
  },
  {
    id: 'G-16',
    title: '522 of a content delivery network',
    inject: ({ answers }) =>
      answers(
        everywhere(
          page(522, 'Connection timed out', { 'cf-ray': '8f00-AMS', Server: 'cloudflare' }),
        ),
      ),
    expect: { cause: 'edge-origin-error', severity: 'critical', chain: NO_WEB },
    mustNot: ['tcp-connect-timeout', 'tls-handshake-blocked'],
  },
  {
    id: 'G-17',
    title: 'GitLab migrates its database',
    world: UNHURRIED,
    inject: ({ answers }) =>
      answers(onRunnerApi(tooMany('Executing database migrations. Please retry later.', 2))),
    expect: { cause: 'gitlab-migration-backoff', severity: 'notice', chain: 'o/o/n/o/o/od/u' },
    mustNot: ['gitlab-rate-limited'],
  },
  {
    id: 'G-27',
    title: 'headers come at once, the body byte by byte',
    world: { probes: { http: 'slow_seconds = 5' } },
    inject: ({ gitlab }) =>
      gitlab.replace(() =>
        createServer({ cert: GOOD.certificatePem, key: GOOD.privateKeyPem }, (_, response) =>
          dribble(response),
        ),
      ),
    expect: { cause: ['gitlab-not-responding', 'gitlab-slow'], chain: 'o/o/n/o/du/s/s' },
    runnerLogs: 'nothing',
    mustNot: [],
  },
  {
    id: 'G-04c',
    title: 'maintenance begins: polls are answered 503, which says nothing of the token',
    world: { profile: 'gl18' },
    inject: ({ answers }) =>
      answers(onWrites(gitlabError(503, 'GitLab is currently in maintenance mode'))),
    expect: {
      cause: 'gitlab-maintenance-mode',
      severity: 'warning',
      verdict: 'broken',
      chain: 'o/o/n/o/o/o/u',
    },
    runnerLogs: /currently unavailable/,
    mustNot: ['token-rejected', 'gitlab-unavailable', 'unknown'],
    needsHistory: true,
  },
  {
    id: 'G-04e',
    title: 'maintenance of an old GitLab at the usual intervals, and its end',
    world: { profile: 'gl16', probes: USUAL },
    inject: ({ answers }) => answers(onWrites(gitlabError(403, READ_ONLY))),
    expect: { cause: 'gitlab-maintenance-mode', severity: 'warning', chain: 'o/o/n/o/o/o/Fu' },
    mustNot: ['token-rejected'],
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
    inject: ({ answers }) => badBackend(answers, 2),
    expect: { cause: 'gitlab-partial-outage', severity: 'warning', says: /web-2/ },
    mustNot: ['network-packet-loss', 'gitlab-bad-gateway', 'connection-reset-midstream'],
    isIntermittent: true,
    needsHistory: true,
  },
  {
    id: 'G-01c',
    title: 'one of three backends answers 502',
    inject: ({ answers }) => badBackend(answers, 3),
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
    inject: async (world) => {
      world.answers(everywhere(page(502, 'Waiting for GitLab to boot')));
      await untilNamed(world, 'gitlab-booting');
      world.answers(onRunnerApi(gitlabError(403, '403 Forbidden')));
    },
    expect: { cause: 'gitlab-booting', severity: 'warning', chain: 'o/o/n/o/o/o/F' },
    mustNot: ['gitlab-bad-gateway', 'token-rejected', 'runner-disabled-unhealthy'],
    needsHistory: true,
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

/** One of so many backends, which take turns on each path, answers 502. */
function badBackend(answers: World['answers'], backends: number): void {
  const asked = new Map<string, number>();
  answers(({ path }) => {
    const nth = (asked.get(path) ?? 0) + 1;
    asked.set(path, nth);
    const bad = { ...nginxPage(502, '502 Bad Gateway'), headers: { 'X-Served-By': 'web-2' } };
    return nth % backends === 0 ? bad : undefined;
  });
}

function dribble(response: ServerResponse): void {
  response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': 100 });
  response.write('{');
  const timer = setInterval(() => response.write(' '), DRIBBLE_MILLISECONDS);
  response.once('close', () => clearInterval(timer));
}
