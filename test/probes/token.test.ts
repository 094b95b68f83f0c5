import type { Socket } from 'node:net';

import { describe, expect, test } from 'vitest';

import type { Finding } from '../../src/core/finding.ts';
import type { LinkTools, Walk } from '../../src/core/probe.ts';
import { Secret } from '../../src/core/secret.ts';
import type { RunnerTarget } from '../../src/core/target.ts';
import { startGitLabStandIn } from '../../src/demo/gitlab-stand-in.ts';
import { http } from '../../src/probes/http.ts';
import { token } from '../../src/probes/token.ts';
import { setClock, START } from '../support/clock.ts';
import type { Script, ScriptedReply } from '../support/http-server.ts';
import {
  endpointAt,
  gitlab,
  HEALTHY,
  RAILS_HEADERS,
  reply,
  startHttpServer,
  walkTo,
} from '../support/http-server.ts';
import { runnerTarget } from '../support/probes.ts';
import { runProbe } from '../support/run-probe.ts';

const DAY_MILLISECONDS = 86_400_000;

function entry(port: number, over: Partial<RunnerTarget> = {}): RunnerTarget {
  const { id } = endpointAt(port);
  return { ...runnerTarget('AAAAAAAAA', id), url: id, ...over };
}

async function walkThrough(
  target: RunnerTarget,
  over: Partial<LinkTools> = {},
  findings: Walk['findings'] = new Map(),
): Promise<Finding> {
  const port = Number(new URL(target.url).port);
  await using path = await walkTo(port);
  const tools = { walk: path.walk, ...over };
  await runProbe(http, endpointAt(port), { tools });
  path.walk.findings = findings;
  return await runProbe(token, target, { tools });
}

/** A GitLab that is healthy, and says this to the request with the token. */
async function ask(answer: ScriptedReply, over: Partial<RunnerTarget> = {}): Promise<Finding> {
  await using server = await startHttpServer(({ path }) =>
    path === '/-/health' ? HEALTHY : answer,
  );
  return await walkThrough(entry(server.port, over));
}

function nameOf(finding: Finding): string {
  return finding.status === 'pass' ? 'pass' : `${finding.status} ${finding.reason}`;
}

const page = (status: number, body: string, headers: Record<string, string> = {}): string =>
  reply(status, body, { headers });
const json = (status: number, body: string, headers: Record<string, string> = {}): string =>
  reply(status, body, { type: 'application/json', headers });

const FORBIDDEN = { message: '403 Forbidden' };

describe('GitLab that knows the discovery request', () => {
  test('accepts a token it knows, and is asked once, by GET', async () => {
    await using server = await startGitLabStandIn();
    const target = entry(server.port);
    server.tokens.add(target.token.reveal());

    expect(await walkThrough(target)).toEqual({
      status: 'pass',
      measures: {},
      facts: {
        runner: 'AAAAAAAAA',
        name: 'name of AAAAAAAAA',
        line: 1,
        server_at_least: '18.7',
      },
    });
    expect(server.requests.slice(1).map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /api/v4/runners/router/discovery',
    ]);
  });

  test('refuses a token it does not know', async () => {
    await using server = await startGitLabStandIn();
    expect(await walkThrough(entry(server.port))).toMatchObject({
      status: 'fail',
      reason: 'rejected',
      detail: 'GitLab returned 403 for the token of name of AAAAAAAAA (AAAAAAAAA)',
    });
  });

  test.each<[string, string, string]>([
    ['pass', 'a job router', gitlab(200, { server_url: 'grpcs://kas.test' })],
    ['fail orphaned', '422', gitlab(422, { message: 'Runner is orphaned' })],
    ['fail orphaned', '403', gitlab(403, { message: '403 Forbidden - Runner is orphaned' })],
    ['fail orphaned', '404', gitlab(404, { message: { base: ['Runner is orphaned'] } })],
    [
      'fail read-only',
      'a Geo secondary',
      gitlab(403, { message: 'You cannot perform write operations on a read-only instance' }),
    ],
    ['fail read-only', 'maintenance', gitlab(503, { message: 'GitLab is in maintenance mode' })],
    [
      'unknown migrations',
      'a database that is migrated',
      gitlab(429, { message: 'Executing database migrations. Please retry later.' }),
    ],
    [
      'unknown too-many-requests',
      'the limit of the application',
      gitlab(429, { message: { error: 'This endpoint has been requested too many times.' } }),
    ],
    ['unknown address-limited', 'Rack Attack', page(429, 'Retry later\n', RAILS_HEADERS)],
    ['fail server-error', 'lost secrets', gitlab(500, { message: '500 Internal Server Error' })],
    ['fail unavailable', 'Workhorse alone', page(502, 'GitLab is not responding')],
    ['fail unavailable', '503', page(503, 'No server is available')],
    ['fail unavailable', '504', page(504, '')],
    ['fail unavailable', 'the CDN’s 522', page(522, '')],
    ['unknown token-error', '410', gitlab(410, { message: '410 Gone' })],
    ['unknown token-error', 'a proxy that has no 501', page(501, '<h1>Not Implemented</h1>')],
    ['unknown token-error', 'a portal that says yes to everything', page(200, 'Welcome')],
    ['unknown token-error', 'JSON of another server', json(200, '{"ok":true}')],
    [
      'unknown token-error',
      '404 of another server, which is not asked again',
      page(404, 'Not here'),
    ],
  ])('%s: %s', async (expected, _what, answer) => {
    expect(nameOf(await ask(answer))).toBe(expected);
  });
});

describe('asked whether a fault is over', () => {
  const ACCEPTED = gitlab(200, { server_url: 'wss://kas.example.com' });

  /** What is found where GitLab accepts the token, and answers this to a request that writes; and what it was asked. */
  async function prove(write: ScriptedReply, provesEnd = true) {
    await using server = await startHttpServer(({ method, path }) => {
      if (path === '/-/health') return HEALTHY;
      return method === 'POST' ? write : ACCEPTED;
    });
    const finding = await walkThrough(entry(server.port), { provesEnd });
    const asked = server.requests.slice(1).map(({ method, body }) => `${method} ${body}`.trim());
    return [nameOf(finding), ...asked];
  }

  test.each<[string, ScriptedReply]>([
    ['a GitLab in maintenance', gitlab(503, { message: 'GitLab is in maintenance mode' })],
    [
      'a read-only one',
      gitlab(403, { message: 'You cannot perform write operations on a read-only instance' }),
    ],
    ['one that fails', gitlab(500, { message: '500 Internal Server Error' })],
    ['a web server without GitLab behind it', reply(502, '<h1>502</h1>')],
    ['a closed connection', (socket) => socket.destroy()],
  ])('%s has not proven it, though it accepts the token', async (_what, write) => {
    expect(await prove(write)).toEqual(['unknown unavailable', 'GET', 'POST {}']);
  });

  test('it has when it takes a request that writes, as a poll is', async () => {
    const missing = gitlab(400, { error: 'token is missing' });

    expect(await prove(missing)).toEqual(['pass', 'GET', 'POST {}']);
  });

  test('and at any other time no such request is sent', async () => {
    expect(await prove(reply(502, '<h1>502</h1>'), false)).toEqual(['pass', 'GET']);
  });
});

describe('a 403 rejects no token unless it is GitLab’s own', () => {
  test.each<[string, string, string]>([
    ['fail forbidden-by-edge', 'a WAF', page(403, '<html>', { 'CF-Ray': '8f00-AMS' })],
    ['fail forbidden-by-edge', 'a load balancer', page(403, '<html>', { Server: 'awselb/2.0' })],
    ['fail forbidden-by-edge', 'JSON of a gateway', json(403, '{"message":"Forbidden"}')],
    [
      'fail forbidden-by-edge',
      'Rack Attack in plain text',
      page(403, 'Forbidden\n', RAILS_HEADERS),
    ],
    ['fail forbidden-by-edge', '406', page(406, '')],
    ['fail challenge', 'a challenge', page(403, '', { 'cf-mitigated': 'challenge' })],
    ['fail login-gateway', 'a login', page(302, '', { Location: 'https://sso.test/login' })],
    [
      'fail redirected',
      'a redirect',
      page(301, '', { Location: 'https://b.test/api/v4/runners/router/discovery' }),
    ],
    [
      'unknown token-error',
      'GitLab’s message without its headers',
      json(403, JSON.stringify(FORBIDDEN)),
    ],
    [
      'unknown token-error',
      'the same through a CDN',
      json(403, JSON.stringify(FORBIDDEN), { 'CF-Ray': '1' }),
    ],
  ])('%s: %s', async (expected, _what, answer) => {
    expect(nameOf(await ask(answer))).toBe(expected);
  });

  test('the header of a server may name itself, and never the token it was sent', async () => {
    const target = runnerTarget('AAAAAAAAA');
    const finding = await ask(page(403, '', { Server: `echo ${target.token.reveal()}` }));
    expect(finding).toMatchObject({
      detail: 'echo [hidden] returned 403 for the token request of name of AAAAAAAAA (AAAAAAAAA)',
    });
  });
});

const SSO = page(302, '', { Location: 'https://sso.test/login' });
const TAKEN = gitlab(501, { message: 'Job Router is not available' });
const NO_TOKEN = gitlab(400, { error: 'token is missing' });
const API_ALONE: Finding = { status: 'warn', reason: 'only-monitor-refused', detail: 'x' };
const refusesUs: Script = ({ head }) =>
  head.includes('\r\nUser-Agent: runnerwatch/') ? SSO : TAKEN;
const refusesGet: Script = ({ method }) => (method === 'GET' ? SSO : NO_TOKEN);

/** What the token is found to be behind this filter, after these findings of the links before. */
async function through(filter: Script, findings: Walk['findings'] = new Map()) {
  await using server = await startHttpServer((request) =>
    request.path === '/-/health' ? HEALTHY : filter(request),
  );
  const finding = await walkThrough(entry(server.port), {}, findings);
  const asked = server.requests.slice(1).map(({ method, path }) => `${method} ${path}`);
  return { text: nameOf(finding), finding, asked };
}

describe('a refusal by a server in front of GitLab is compared with a request as the runner sends it', () => {
  test('of our user agent alone says nothing about the token', async () => {
    const got = await through(refusesUs);
    expect(got).toMatchObject({
      text: 'pass',
      asked: Array.from({ length: 2 }, () => 'GET /api/v4/runners/router/discovery'),
    });
  });

  test('which is not repeated while the API is known to refuse us alone', async () => {
    const got = await through(refusesUs, new Map([['api', API_ALONE]]));
    expect(got).toMatchObject({ text: 'pass', asked: ['GET /api/v4/runners/router/discovery'] });
  });

  test('of every GET leaves the token unknown where the runner’s POST is known to reach GitLab', async () => {
    const got = await through(refusesGet, new Map([['api', API_ALONE]]));
    expect(got).toMatchObject({ text: 'unknown token-error', asked: { length: 1 } });
    expect(got.finding).toMatchObject({
      detail: expect.stringMatching(/ 302 .*as the runner sends it reaches GitLab$/),
    });
  });

  test('of every request is the runner’s, too', async () => {
    expect((await through(() => SSO)).text).toBe('fail login-gateway');
  });
});

describe('expiry is judged by GitLab’s clock', () => {
  const SERVER_DATE = { Date: 'Tue, 24 Nov 2026 12:00:00 GMT' };

  test.each<[string, number]>([
    ['fail expired', Date.parse('2026-11-24T11:59:59Z')],
    ['fail rejected', Date.parse('2026-11-24T12:00:01Z')],
  ])('%s', async (expected, tokenExpiresAt) => {
    expect(nameOf(await ask(gitlab(403, FORBIDDEN, SERVER_DATE), { tokenExpiresAt }))).toBe(
      expected,
    );
  });

  test('without a Date it is this host’s clock', async () => {
    await using server = await startHttpServer(({ path }) =>
      path === '/-/health' ? HEALTHY : gitlab(403, FORBIDDEN, { Date: '5' }),
    );
    const target = entry(server.port, { tokenExpiresAt: START - 1 });
    expect(nameOf(await walkThrough(target, { clock: setClock() }))).toBe('fail expired');
  });

  test('a good token that ends within the limit is a warning, and its end is measured', async () => {
    await using server = await startGitLabStandIn();
    const target = entry(server.port, { tokenExpiresAt: START + 3 * DAY_MILLISECONDS });
    server.tokens.add(target.token.reveal());
    expect(await walkThrough(target, { clock: setClock() })).toMatchObject({
      status: 'warn',
      reason: 'expiring-soon',
      detail: 'the token of name of AAAAAAAAA expires on 2026-11-27 09:00 UTC (in 3 days)',
      measures: { expiry_timestamp_seconds: START / 1000 + 3 * 86_400 },
    });
    const later = { ...target, tokenExpiresAt: START + 8 * DAY_MILLISECONDS };
    expect(nameOf(await walkThrough(later, { clock: setClock() }))).toBe('pass');
  });
});

describe('what the token itself shows needs no request', () => {
  test.each<[string, string]>([
    ['fail missing', '  '],
    ['fail registration-token', 'GR1348941abcdefghijklmnop'],
    ['fail wrong-kind', 'glpat-abcdefghijklmnopqrst'],
    ['fail wrong-kind', '<your token>'],
    ['fail wrong-kind', 'glrt-abcdefgh\nijklmnop'],
    ['fail checksum-mismatch', 'glrt-bzoyCnA6MQp0OjMKdToxCw.01.0y0000000'],
  ])('%s', async (expected, text) => {
    await using server = await startHttpServer(() => HEALTHY);
    const finding = await walkThrough(entry(server.port, { token: new Secret(text) }));

    expect(nameOf(finding)).toBe(expected);
    expect(server.requests.map(({ path }) => path)).toEqual(['/-/health']);
    expect(JSON.stringify(finding)).not.toContain(text);
  });
});

describe('without an answer nothing is said of the token', () => {
  test.each<[string, (socket: Socket) => void]>([
    ['closed', (socket) => socket.end()],
    ['reset', (socket) => socket.resetAndDestroy()],
    ['garbage', (socket) => socket.end('\u0000\u0001\r\n\r\n')],
  ])('%s', async (_what, act) => {
    expect(nameOf(await ask(act))).toBe('unknown token-error');
  });

  test('without a connection', async () => {
    const finding = await runProbe(token, runnerTarget('AAAAAAAAA'));
    expect(nameOf(finding)).toBe('unknown token-error');
  });
});
