import type { Socket } from 'node:net';

import { describe, expect, test } from 'vitest';

import type { Finding } from '../../src/core/finding.ts';
import { Secret } from '../../src/core/secret.ts';
import { startGitLabStandIn } from '../../src/demo/gitlab-stand-in.ts';
import { senderOf } from '../../src/gitlab/runner-request.ts';
import { http } from '../../src/probes/http.ts';
import { setClock } from '../support/clock.ts';
import { proxyAt } from '../support/connect-proxy.ts';
import type { ScriptedReply, Script } from '../support/http-server.ts';
import {
  endpointAt,
  gitlab,
  HEALTHY,
  RAILS_HEADERS,
  reply,
  startHttpServer,
  walkTo,
} from '../support/http-server.ts';
import { runProbe } from '../support/run-probe.ts';
import { requestBudget } from '../support/request-budget.ts';

interface Asked {
  readonly finding: Finding;
  readonly paths: readonly string[];
}

/** Asks a server of this script, and returns what it was asked for. */
async function ask(script: Script): Promise<Asked> {
  await using server = await startHttpServer(script);
  await using path = await walkTo(server.port);
  const finding = await runProbe(http, endpointAt(server.port), { tools: { walk: path.walk } });
  return { finding, paths: server.requests.map(({ path }) => path) };
}

async function reasonFor(answer: ScriptedReply): Promise<string> {
  const { finding } = await ask(() => answer);
  return finding.status === 'pass' ? 'pass' : `${finding.status} ${finding.reason}`;
}

const page = (status: number, body: string, headers: Record<string, string> = {}): string =>
  reply(status, body, { headers });

describe('a web tier that lets the request through passes', () => {
  test('GitLab’s empty 404 for a client that is not allow-listed', async () => {
    await using server = await startGitLabStandIn();
    await using path = await walkTo(server.port);
    const target = endpointAt(server.port);

    expect(await runProbe(http, target, { tools: { walk: path.walk } })).toEqual({
      status: 'pass',
      measures: { response_seconds: expect.any(Number), clock_skew_seconds: 0 },
      facts: {
        status: 404,
        who: 'rails',
        responder: 'GitLab',
        server: 'nginx',
        signals: 'X-Gitlab-Meta, X-Request-Id, X-Runtime',
      },
    });
    expect(path.walk.send).toBeTypeOf('function');
  });

  test.each<[string, string]>([
    ['GitLab OK', page(200, 'GitLab OK')],
    ['a page of another program, which is the api link’s question', page(200, '<h1>Hi</h1>')],
    ['307, which keeps the runner’s POST', page(307, '', { Location: 'https://b.test/-/health' })],
    ['a redirect status without an address', page(301, '')],
    [
      'GitLab redirecting to its own login',
      page(302, '', { ...RAILS_HEADERS, Location: '/users/sign_in' }),
    ],
    ['GitLab’s own JSON 403', gitlab(403, { message: '403 Forbidden' })],
  ])('%s', async (_what, answer) => {
    expect(await reasonFor(answer)).toBe('pass');
  });

  test('a health page that is closed to every user, while the rest of GitLab is open', async () => {
    const { finding, paths } = await ask(({ path }) =>
      path === '/-/health'
        ? page(403, '<center>nginx</center>')
        : page(200, 'Sign in', RAILS_HEADERS),
    );
    expect(finding).toMatchObject({ status: 'pass', facts: { status: 403, server: 'nginx' } });
    expect(paths).toEqual(['/-/health', '/users/sign_in']);
  });

  test('below a relative root the health page is asked for there', async () => {
    await using server = await startHttpServer(() => HEALTHY);
    await using path = await walkTo(server.port);
    await runProbe(http, endpointAt(server.port, '/gitlab/'), { tools: { walk: path.walk } });
    expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /gitlab/-/health',
    ]);
  });
});

describe('what blocks the path is named', () => {
  test.each<[string, string, string]>([
    ['fail bad-gateway', 'nginx before a dead Puma', page(502, '<center>nginx</center>')],
    ['fail bad-gateway', 'Workhorse without Rails', page(502, 'GitLab is not responding')],
    ['fail booting', 'the boot page', page(502, '<title>Waiting for GitLab to boot</title>')],
    ['fail booting', 'the deploy page', page(503, 'Deploy in progress')],
    ['fail unavailable', 'HAProxy', page(503, 'No server is available to handle this request.')],
    ['fail unavailable', 'a gateway that waited in vain', page(504, '')],
    ['fail maintenance', 'GitLab’s own message', gitlab(503, { message: 'in maintenance mode' })],
    ['fail unavailable', 'a page that only says maintenance', page(503, 'Maintenance')],
    ['fail server-error', '500', page(500, '')],
    ['fail server-error', '599, no CDN’s number', page(599, '')],
    ['fail origin-error', '520', page(520, '', { Server: 'cloudflare' })],
    ['fail origin-error', '526', page(526, '', { Server: 'cloudflare' })],
    ['fail origin-error', '530', page(530, '', { Server: 'cloudflare' })],
    ['fail too-many-requests', '429', page(429, 'Retry later')],
    [
      'fail challenge',
      'a challenge, with any status',
      page(200, '', { 'cf-mitigated': 'challenge' }),
    ],
    ['fail forbidden', 'a WAF', page(403, 'Access denied', { 'CF-Ray': '8f00-AMS' })],
    ['fail forbidden', 'ModSecurity', page(406, 'Not Acceptable! Mod_Security')],
    ['fail banned', 'bare text on every path', page(403, 'Forbidden\n')],
    ['fail banned', 'Rack Attack within Rails', page(403, 'Forbidden\n', RAILS_HEADERS)],
    [
      'warn login-gateway',
      'a single sign-on',
      page(302, '', { Location: 'https://sso.test/login?x=1' }),
    ],
    [
      'warn login-gateway',
      'oauth2-proxy on the same host',
      page(302, '', { Location: '/oauth2/start' }),
    ],
    ['warn login-gateway', 'Basic', page(401, '', { 'WWW-Authenticate': 'Basic realm="x"' })],
    ['warn login-gateway', 'a portal that says so', page(511, '')],
    ['warn redirected', '301 to https', page(301, '', { Location: 'https://auth.test/-/health' })],
    ['warn redirected', '303 to a front page', page(303, '', { Location: '/welcome' })],
    [
      'fail client-certificate-required',
      'nginx',
      page(400, 'No required SSL certificate was sent'),
    ],
    ['fail not-http', 'another protocol', 'SSH-2.0-OpenSSH_9.2\r\n'],
  ])('%s: %s', async (expected, _what, answer) => {
    expect(await reasonFor(answer)).toBe(expected);
  });

  test('a refusal holds when the second page gets no answer', async () => {
    const { finding } = await ask(({ path }) =>
      path === '/-/health' ? page(403, 'Forbidden') : (socket: Socket) => void socket.destroy(),
    );
    expect(finding).toMatchObject({ status: 'fail', reason: 'forbidden' });
  });

  test('plain text on one path only is no ban of the address', async () => {
    const { finding } = await ask(({ path }) =>
      page(403, path === '/-/health' ? 'Forbidden' : 'Access denied', { 'x-amzn-waf-action': 'b' }),
    );
    expect(finding).toMatchObject({ reason: 'forbidden', facts: { server: 'AWS WAF' } });
  });

  test('the detail says who answered what, without query and credentials', async () => {
    const Location = 'https://user:pw@sso.test/login?state=glrt-canary#x';
    const { finding } = await ask(() => page(302, '', { Location, Server: 'oauth2\u00e9-proxy' }));
    expect(finding).toMatchObject({
      detail: expect.stringMatching(
        /^oauth2-proxy returned 302 for GET http:\/\/127\.0\.0\.1:\d+\/-\/health, with a redirect to https:\/\/sso\.test\/login$/,
      ),
      facts: { location: 'https://sso.test/login' },
    });
  });
});

describe('for http:// through a proxy its own refusals are distinguished from GitLab’s', () => {
  const alice = { user: 'alice', password: new Secret('wonder') };
  test.each<[string, string, string, typeof alice | undefined]>([
    ['fail', 'proxy-auth-required', page(407, ''), undefined],
    ['fail', 'proxy-auth-rejected', page(407, ''), alice],
    ['fail', 'proxy-denied', page(403, '', { 'X-Squid-Error': 'ERR_ACCESS_DENIED 0' }), undefined],
    [
      'fail',
      'proxy-upstream-failed',
      page(503, '', { 'X-Squid-Error': 'ERR_DNS_FAIL 0' }),
      undefined,
    ],
    ['fail', 'unavailable', page(503, ''), undefined],
  ])('%s %s', async (status, reason, answer, credentials) => {
    await using server = await startHttpServer(() => answer);
    await using path = await walkTo(server.port);
    const proxy = proxyAt(server.port, credentials === undefined ? {} : { credentials });
    const target = { ...endpointAt(80), url: new URL('http://gitlab.test/'), proxy };
    const finding = await runProbe(http, target, { tools: { walk: path.walk } });

    expect(finding).toMatchObject({
      status,
      reason,
      facts: {
        proxy: `127.0.0.1:${server.port}`,
        variable: 'HTTPS_PROXY',
        destination: 'gitlab.test',
      },
    });
    expect(server.requests[0]?.path).toBe('http://gitlab.test/-/health');
    expect(server.requests[0]?.head.includes('Proxy-Authorization: Basic ')).toBe(
      credentials !== undefined,
    );
    expect(JSON.stringify(finding)).not.toContain('wonder');
  });
});

test('slow: a right answer that comes late, by the clock that is lent', async () => {
  const clock = setClock();
  await using server = await startHttpServer(() => (socket) => {
    clock.advance(6);
    socket.write(HEALTHY);
  });
  await using path = await walkTo(server.port);
  const finding = await runProbe(http, endpointAt(server.port), {
    tools: { walk: path.walk, clock },
  });
  expect(finding).toMatchObject({
    status: 'warn',
    reason: 'slow',
    detail: expect.stringMatching(/ after 6\.0 s$/),
    measures: { response_seconds: 6 },
  });
});

test('a 429 pauses every other request to this GitLab, not the health request', async () => {
  const clock = setClock();
  const budget = requestBudget(clock, 20);
  await using server = await startHttpServer(() => page(429, '', { 'Retry-After': '300' }));
  await using path = await walkTo(server.port);
  const target = endpointAt(server.port);
  await runProbe(http, target, { tools: { walk: path.walk, budget, clock } });

  clock.advance(299);
  expect(budget.allows('api', target.id)).toBe(false);
  expect(budget.allows('http', target.id)).toBe(true);
  clock.advance(2);
  expect(budget.allows('api', target.id)).toBe(true);
});

function isOurs(head: string): boolean {
  return head.includes('\r\nUser-Agent: runnerwatch/');
}

describe('a refusal of our own requests alone', () => {
  const refused = page(403, 'no', { Server: 'awselb/2.0' });
  const missing = gitlab(400, { error: 'token is missing' });
  const filter: Script = ({ head }) => (isOurs(head) ? refused : missing);

  test('is told by a request as the runner sends it, and the links behind ask as the runner', async () => {
    await using server = await startHttpServer(filter);
    await using path = await walkTo(server.port);
    const tools = { walk: path.walk };
    const finding = await runProbe(http, endpointAt(server.port), { tools });
    path.walk.findings = new Map([['http', finding]]);
    const next = await senderOf(path.walk)?.(
      { method: 'GET', path: 'x', timeoutSeconds: 5 },
      AbortSignal.timeout(5000),
    );

    expect(finding).toMatchObject({ status: 'warn', reason: 'only-monitor-refused' });
    expect(next?.status).toBe(400);
    expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /-/health',
      'GET /users/sign_in',
      'POST /api/v4/runners/verify',
      'GET /x',
    ]);
  });

  test('is not one where the runner would be refused, too', async () => {
    expect((await ask(() => refused)).finding).toMatchObject({
      status: 'fail',
      reason: 'forbidden',
    });
  });

  test('holds for a while, and is asked again after that', async () => {
    const clock = setClock();
    const budget = requestBudget(clock, 20);
    await using server = await startHttpServer(filter);
    const target = endpointAt(server.port);
    const run = async (previous?: Finding): Promise<Finding> => {
      await using path = await walkTo(server.port);
      return await runProbe(http, target, {
        tools: { walk: path.walk, budget, clock, previous },
      });
    };
    const first = await run();
    clock.advance(60);
    const second = await run(first);
    const posts = (): number => server.requests.filter(({ method }) => method === 'POST').length;
    expect([second.status, posts()]).toEqual(['warn', 1]);
    clock.advance(900);
    expect([(await run(second)).status, posts()]).toEqual(['warn', 2]);
  });
});
