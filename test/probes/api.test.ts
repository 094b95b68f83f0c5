import type { Socket } from 'node:net';

import { describe, expect, test } from 'vitest';

import type { Finding } from '../../src/core/finding.ts';
import type { LinkTools } from '../../src/core/probe.ts';
import { startGitLabStandIn } from '../../src/demo/gitlab-stand-in.ts';
import { api } from '../../src/probes/api.ts';
import { http } from '../../src/probes/http.ts';
import { setClock } from '../support/clock.ts';
import type { ReceivedRequest, ScriptedReply } from '../support/http-server.ts';
import {
  endpointAt,
  gitlab,
  HEALTHY,
  RAILS_HEADERS,
  reply,
  startHttpServer,
  UNAUTHORIZED,
  walkTo,
} from '../support/http-server.ts';
import { runProbe } from '../support/run-probe.ts';
import { requestBudget } from '../support/request-budget.ts';

/** Runs the http link and then this one over the same connection. */
async function walkThrough(
  port: number,
  path = '/',
  over: Partial<LinkTools> = {},
): Promise<Finding> {
  await using opened = await walkTo(port);
  const tools = { walk: opened.walk, ...over };
  await runProbe(http, endpointAt(port, path), { tools });
  return await runProbe(api, endpointAt(port, path), { tools });
}

/** A server that is healthy, and says this to the version request. */
async function ask(answer: ScriptedReply): Promise<Finding> {
  await using server = await startHttpServer(({ path }) =>
    path === '/-/health' ? HEALTHY : answer,
  );
  return await walkThrough(server.port);
}

async function reasonFor(answer: ScriptedReply): Promise<string> {
  const finding = await ask(answer);
  return finding.status === 'pass' ? 'pass' : `${finding.status} ${finding.reason}`;
}

const page = (status: number, body: string, headers: Record<string, string> = {}): string =>
  reply(status, body, { headers });
const json = (status: number, body: string, headers: Record<string, string> = {}): string =>
  reply(status, body, { type: 'application/json; charset=utf-8', headers });

test('a web server that knows no such path is not GitLab', async () => {
  expect(await reasonFor(page(404, '<h1>404 Not Found</h1>'))).toBe('fail not-gitlab');
});

describe('GitLab’s API passes', () => {
  test('with the 401 without a token, on the connection that http used', async () => {
    await using server = await startGitLabStandIn();

    expect(await walkThrough(server.port)).toEqual({
      status: 'pass',
      facts: {
        status: 401,
        who: 'rails',
        responder: 'GitLab',
        server: 'nginx',
        signals: "X-Gitlab-Meta, X-Request-Id, error in GitLab's format, X-Runtime",
      },
    });
    expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /-/health',
      'GET /api/v4/version',
      'POST /api/v4/runners/verify',
    ]);
  });

  test('below a relative root that `url` has', async () => {
    await using server = await startGitLabStandIn({ basePath: '/gitlab' });
    expect(await walkThrough(server.port, '/gitlab/')).toMatchObject({ status: 'pass' });
  });

  test.each<[string, string]>([
    ['behind a proxy that strips GitLab’s headers', json(401, '{"message":"401 Unauthorized"}')],
    ['behind a CDN', json(401, '{"message":"401 Unauthorized"}', { 'CF-Ray': '8f00-AMS' })],
    ['open to every user', gitlab(200, { version: '19.1.0' })],
  ])('%s', async (_what, answer) => {
    expect(await reasonFor(answer)).toBe('pass');
  });
});

describe('what is not GitLab’s API is named', () => {
  test.each<[string, string, string]>([
    ['fail not-gitlab', 'the welcome page of nginx', page(200, '<h1>Welcome to nginx!</h1>')],
    ['fail not-gitlab', 'a captive portal', page(200, '<h1>Accept our terms</h1>')],
    ['fail not-gitlab', 'a page that is not there', page(404, '<center>nginx</center>')],
    [
      'fail not-gitlab',
      'another API',
      json(401, '{"message":"Unauthorized"}', { 'x-amzn-RequestId': '1' }),
    ],
    [
      'fail not-gitlab',
      'another Rails program',
      json(404, '{}', { 'X-Runtime': '0.1', 'X-Request-Id': '3f1c-uuid' }),
    ],
    [
      'fail not-gitlab',
      'HTTPS asked in clear text',
      page(400, 'The plain HTTP request was sent to HTTPS port'),
    ],
    ['fail wrong-path', 'GitLab without such a path', gitlab(404, { error: '404 Not Found' })],
    ['fail wrong-path', 'a page of GitLab', page(200, '<title>Project</title>', RAILS_HEADERS)],
    [
      'fail wrong-path',
      'the login of GitLab',
      page(302, '', { ...RAILS_HEADERS, Location: '/users/sign_in' }),
    ],
    [
      'unknown api-error',
      'GitLab’s own 403, which says nothing of the path',
      gitlab(403, { message: '403 Forbidden' }),
    ],
    [
      'unknown moved',
      '308 keeps the POST; what is behind it was not seen',
      page(308, '', { Location: 'https://b.test/api/v4/version' }),
    ],
  ])('%s: %s', async (expected, _what, answer) => {
    expect(await reasonFor(answer)).toBe(expected);
  });

  test.each(['/group/project.git/', '/api/v4/'])('a path in url: %s', async (path) => {
    await using server = await startGitLabStandIn();
    await using proxy = await startHttpServer(() => gitlab(404, { error: '404 Not Found' }));

    expect(await walkThrough(server.port, path)).toMatchObject({ reason: 'wrong-path' });
    expect(await walkThrough(proxy.port, path)).toMatchObject({ reason: 'wrong-path' });
    expect(proxy.requests.map((request) => request.path)).toEqual([
      `${path}-/health`,
      `${path}api/v4/version`,
    ]);
  });
});

describe('what blocks only the API is named', () => {
  test.each<[string, string, string]>([
    [
      'fail bad-gateway',
      'Workhorse without Rails',
      json(502, '{"error":"Bad Gateway","status":502}'),
    ],
    ['fail booting', 'the boot page', page(502, 'Waiting for GitLab to boot')],
    ['fail unavailable', 'no backend', page(503, 'No server is available')],
    [
      'fail maintenance',
      'GitLab’s own 503',
      gitlab(503, { message: 'GitLab is undergoing maintenance' }),
    ],
    ['fail server-error', '500', gitlab(500, { message: '500 Internal Server Error' })],
    ['fail challenge', 'a challenge', page(403, '', { 'cf-mitigated': 'challenge' })],
    ['fail origin-error', '522', page(522, '', { Server: 'cloudflare' })],
    [
      'fail forbidden',
      'a rule for one path',
      page(403, '<html>403</html>', { Server: 'awselb/2.0' }),
    ],
    ['fail forbidden', 'plain text', page(403, 'Forbidden', RAILS_HEADERS)],
    [
      'fail login-gateway',
      'an access gateway',
      page(302, '', { Location: 'https://team.cloudflareaccess.com/cdn-cgi/access/login/x' }),
    ],
    ['fail login-gateway', 'Basic', page(401, '', { 'WWW-Authenticate': 'Basic' })],
    [
      'fail login-gateway',
      'a page with a password field',
      page(200, '<input name=p type="password">'),
    ],
    ['fail redirected', '301', page(301, '', { Location: 'https://b.test/api/v4/version' })],
    ['fail redirected', '302', page(302, '', { Location: '//b.test/api/v4/version' })],
    ['fail client-certificate-required', 'nginx', page(400, 'The SSL certificate error')],
    ['fail not-http', 'garbage', 'ICY 200 OK\r\n\r\n'],
    ['fail http2-only', 'a frame of HTTP/2', '\0\0\u0018\u0004\0\0\0\0\0'],
    ['fail malformed', 'a header without a name', 'HTTP/1.1 200 OK\r\n: a\r\n\r\n'],
    ['warn too-many-requests', 'Rack Attack', page(429, 'Retry later')],
  ])('%s: %s', async (expected, _what, answer) => {
    expect(await reasonFor(answer)).toBe(expected);
  });

  test.each<[string, (socket: Socket) => void]>([
    ['fail closed', (socket) => socket.end()],
    ['fail connection-reset', (socket) => socket.resetAndDestroy()],
  ])('%s', async (expected, act) => {
    expect(await reasonFor(act)).toBe(expected);
  });

  test('no-answer', async () => {
    await using server = await startHttpServer(({ path }) =>
      path === '/-/health' ? HEALTHY : () => {},
    );
    const deadline = new AbortController();
    const running = walkThrough(server.port, '/', { signal: deadline.signal });
    await expect.poll(() => server.requests.length).toBe(2);
    deadline.abort();
    expect(await running).toMatchObject({ status: 'unknown', reason: 'no-answer' });
  });

  test('api-error: without a connection nothing is claimed', async () => {
    expect(await runProbe(api, endpointAt(1))).toMatchObject({
      status: 'unknown',
      reason: 'api-error',
    });
  });
});

test('a 429 makes the budget hold everything budgeted for as long as it asks', async () => {
  const clock = setClock();
  const budget = requestBudget(clock, 20);
  const limited = page(429, 'Retry later', { 'Retry-After': '120' });
  await using server = await startHttpServer(({ path }) =>
    path === '/-/health' ? HEALTHY : limited,
  );
  const { id } = endpointAt(server.port);
  await walkThrough(server.port, '/', { budget, clock });

  clock.advance(119);
  expect([
    budget.allows('api', id),
    budget.allows('token', id),
    budget.allows('verify', id),
  ]).toEqual([false, false, false]);
  clock.advance(2);
  expect(budget.allows('api', id)).toBe(true);
});

test('the counters that GitLab.com sends with every answer are no request for quiet', async () => {
  const clock = setClock();
  const budget = requestBudget(clock, 20);
  const counted = UNAUTHORIZED.replace(
    '\r\n',
    '\r\nRateLimit-Remaining: 499\r\nRateLimit-ResetTime: Tue, 24 Nov 2026 10:00:00 GMT\r\n',
  );
  await using server = await startHttpServer(() => counted);
  await walkThrough(server.port, '/', { budget, clock });

  expect(budget.allows('token', endpointAt(server.port).id)).toBe(true);
});

type Received = Pick<ReceivedRequest, 'method' | 'head'>;

function asRunner({ method, head }: Received): boolean {
  return method === 'POST' && head.includes('\r\nUser-Agent: gitlab-runner ');
}

const missing = gitlab(400, { error: 'token is missing' });

async function withPost(
  said: ScriptedReply,
  over: Partial<LinkTools> = {},
  version: ScriptedReply = UNAUTHORIZED,
): Promise<{ readonly text: string; readonly finding: Finding; readonly posts: number }> {
  await using server = await startHttpServer((request) => {
    if (request.path === '/-/health') return HEALTHY;
    return asRunner(request) ? said : version;
  });
  const finding = await walkThrough(server.port, '/', over);
  const text = finding.status === 'pass' ? 'pass' : `${finding.status} ${finding.reason}`;
  return { text, finding, posts: server.requests.filter(asRunner).length };
}

describe('a request as the runner sends it', () => {
  test.each<[string, string, ScriptedReply]>([
    ['pass', 'GitLab misses the token', missing],
    ['pass', 'a page of the web server for 400', page(400, '<h1>Bad Request</h1>')],
    ['pass', 'maintenance', gitlab(503, { message: 'GitLab is in maintenance mode' })],
    ['pass', 'a limit', page(429, 'Retry later')],
    ['pass', 'a proxy that fails for once', page(502, '<h1>502</h1>')],
    ['fail forbidden', 'a filter', page(403, 'no', { Server: 'awselb/2.0' })],
    ['fail forbidden', 'a web server without POST', page(405, '<h1>405</h1>')],
    ['fail challenge', 'a challenge', page(403, '', { 'cf-mitigated': 'challenge' })],
    ['fail login-gateway', 'a login', page(302, '', { Location: 'https://sso.test/login' })],
    ['fail closed', 'an end, twice', (socket) => void socket.end()],
    ['fail connection-reset', 'a reset, twice', (socket) => void socket.resetAndDestroy()],
  ])('%s: %s', async (expected, _what, said) => {
    expect((await withPost(said)).text).toBe(expected);
  });

  test('a connection that ends once is no refusal', async () => {
    let count = 0;
    const once = (socket: Socket): void => {
      count += 1;
      if (count === 1) socket.end();
      else socket.write(missing);
    };
    expect((await withPost(once)).text).toBe('pass');
  });

  test('is named with its method and the server that refused it', async () => {
    const { finding } = await withPost(page(403, 'no', { Server: 'awselb/2.0' }));
    expect(finding).toMatchObject({
      detail: expect.stringMatching(/^awselb returned 403 for POST http\S+\/runners\/verify$/),
      facts: { method: 'POST', responder: 'awselb' },
    });
  });

  test('is not sent without a budget, and what was refused stays so', async () => {
    const budget = requestBudget(setClock(), 0);
    const before = {
      status: 'fail',
      reason: 'forbidden',
      detail: 'x',
      facts: { method: 'POST' },
    } as const;
    expect(await withPost(missing, { budget })).toMatchObject({ text: 'pass', posts: 0 });
    expect(await withPost(missing, { budget, previous: before })).toMatchObject({
      finding: before,
      posts: 0,
    });
  });

  test('that reaches GitLab where GET does not is no fault of the path', async () => {
    const refusal = page(403, 'no', { Server: 'awselb/2.0' });
    expect((await withPost(missing, {}, refusal)).text).toBe('warn only-monitor-refused');
    expect((await withPost(refusal, {}, refusal)).text).toBe('fail forbidden');
  });
});
