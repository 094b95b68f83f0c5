/**
 * The token link against a GitLab without the discovery request: what it may send
 * (docs/reference/promises.md#load-on-gitlab).
 */
import { describe, expect, test } from 'vitest';

import type { Finding } from '../../src/core/finding.ts';
import type { LinkTools } from '../../src/core/probe.ts';
import type { RunnerTarget } from '../../src/core/target.ts';
import { startGitLabStandIn } from '../../src/demo/gitlab-stand-in.ts';
import { api } from '../../src/probes/api.ts';
import { http } from '../../src/probes/http.ts';
import { token } from '../../src/probes/token.ts';
import { setClock } from '../support/clock.ts';
import type { ScriptedReply, ReceivedRequest } from '../support/http-server.ts';
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
import { requestBudget } from '../support/request-budget.ts';

const SYSTEM_ID = 's_0a1B2c3D4e5F';

function entry(port: number, over: Partial<RunnerTarget> = {}): RunnerTarget {
  const { id } = endpointAt(port);
  return { ...runnerTarget('AAAAAAAAA', id), url: id, systemId: SYSTEM_ID, ...over };
}

async function walkThrough(target: RunnerTarget, over: Partial<LinkTools> = {}): Promise<Finding> {
  const port = Number(new URL(target.url).port);
  await using path = await walkTo(port);
  const tools = { walk: path.walk, ...over };
  await runProbe(http, endpointAt(port), { tools });
  return await runProbe(token, target, { tools });
}

function nameOf(finding: Finding): string {
  return finding.status === 'pass' ? 'pass' : `${finding.status} ${finding.reason}`;
}

/** Does not know the discovery request, and says this to verify. */
function old(answer: ScriptedReply): (request: ReceivedRequest) => ScriptedReply {
  return ({ path }) => {
    if (path === '/-/health') return HEALTHY;
    return path.endsWith('/discovery') ? gitlab(404, { error: '404 Not Found' }) : answer;
  };
}

const verifiesOf = (requests: readonly ReceivedRequest[]): readonly ReceivedRequest[] =>
  requests.filter(({ path }) => path === '/api/v4/runners/verify');

test('a token that is known passes, asked with the host’s own system id', async () => {
  await using server = await startGitLabStandIn({ profile: 'gl18' });
  const target = entry(server.port);
  server.tokens.add(target.token.reveal());

  expect(await walkThrough(target)).toEqual({
    status: 'pass',
    measures: {},
    facts: { runner: 'AAAAAAAAA', name: 'name of AAAAAAAAA', line: 1 },
    holdsSeconds: 3600,
  });
  expect(server.requests.slice(1)).toMatchObject([
    { method: 'GET', path: '/api/v4/runners/router/discovery' },
    { method: 'POST', path: '/api/v4/runners/verify', systemId: SYSTEM_ID },
  ]);
});

test('the body holds token and system id and nothing else', async () => {
  await using server = await startHttpServer(old(gitlab(200, { id: 1 })));
  const target = entry(server.port);
  await walkThrough(target);
  const [verify] = verifiesOf(server.requests);
  expect(JSON.parse(verify?.body ?? '')).toEqual({
    token: target.token.reveal(),
    system_id: SYSTEM_ID,
  });
});

test.each<[string, ScriptedReply]>([
  ['pass', reply(200, '200', { headers: RAILS_HEADERS })],
  ['unknown token-error', reply(200, '200')],
  ['fail rejected', gitlab(403, { message: '403 Forbidden' })],
  ['fail orphaned', gitlab(422, { message: 'Runner is orphaned' })],
  ['fail endpoint-missing', gitlab(404, { error: '404 Not Found' })],
  ['unknown token-error', gitlab(400, { error: 'token is missing' })],
  // Verify names the runner in its body, so this limit is the runner's.
  ['unknown too-many-requests', reply(429, 'Retry later\n', { headers: RAILS_HEADERS })],
  ['unknown token-error', (socket) => void socket.resetAndDestroy()],
])('%s', async (expected, answer) => {
  await using server = await startHttpServer(old(answer));
  const finding = await walkThrough(entry(server.port));

  expect(nameOf(finding)).toBe(expected);
  // With any result, the hour is used.
  expect(finding.holdsSeconds).toBe(3600);
});

describe('no verify without a system id that the runner would accept', () => {
  test.each([
    undefined,
    '',
    's_',
    's_0a1B2c3D4e5',
    's_0a1B2c3D4e5F6',
    'x_0a1B2c3D4e5F',
    's_0a1B2c3D4e5\n',
    '<legacy>',
  ])('%j', async (systemId) => {
    await using server = await startHttpServer(old(gitlab(200, { id: 1 })));
    const { systemId: _none, ...bare } = entry(server.port);
    const finding = await walkThrough(systemId === undefined ? bare : { ...bare, systemId });

    expect(nameOf(finding)).toBe('unknown no-system-id');
    expect(verifiesOf(server.requests)).toEqual([]);
  });
});

describe('a GitLab that takes no writes, until it does', () => {
  const readOnly = gitlab(403, {
    message: 'You cannot perform write operations on a read-only instance',
  });
  const missing = gitlab(400, { error: 'token is missing' });

  /** Verify with a token, and the request without one, by what GitLab says at the moment. */
  async function outage(during: ScriptedReply, site: ScriptedReply = missing) {
    const clock = setClock();
    const budget = requestBudget(clock, 20);
    const said = { isOver: false };
    const server = await startHttpServer((request) => {
      if (!request.path.endsWith('/verify')) return old(during)(request);
      if (!said.isOver) return during;
      return request.body === '{}' ? site : gitlab(200, { id: 1 });
    });
    const target = entry(server.port);
    const ask = async (previous?: Finding): Promise<Finding> => {
      clock.advance(15);
      return await walkThrough(target, { clock, budget, previous });
    };
    const withToken = (): number =>
      verifiesOf(server.requests).filter(({ body }) => body !== '{}').length;
    return { ask, said, withToken, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  }

  test.each<[string, ScriptedReply]>([
    ['fail read-only', readOnly],
    ['fail read-only', gitlab(503, { message: 'GitLab is in maintenance mode' })],
    ['fail unavailable', reply(502, '<h1>502</h1>')],
  ])(
    '%s: it is asked at each turn of the path without the token, and with it once that is over',
    async (expected, during) => {
      await using world = await outage(during);
      const first = await world.ask();
      expect([nameOf(first), first.recheckSeconds, first.holdsSeconds]).toEqual([
        expected,
        15,
        undefined,
      ]);
      const second = await world.ask(first);
      expect([nameOf(second), world.withToken()]).toEqual([expected, 1]);
      world.said.isOver = true;
      const third = await world.ask(second);
      expect([nameOf(third), third.recheckSeconds, third.holdsSeconds, world.withToken()]).toEqual([
        'pass',
        undefined,
        3600,
        2,
      ]);
    },
  );

  test('entries of one walk ask once, and those beyond the budget wait without a claim', async () => {
    const budget = requestBudget(setClock(), 1);
    await using server = await startHttpServer((request) => {
      if (!request.path.endsWith('/verify')) return old(missing)(request);
      return request.body === '{}' ? missing : gitlab(200, { id: 1 });
    });
    await using path = await walkTo(server.port);
    const previous = {
      status: 'fail',
      reason: 'read-only',
      detail: 'x',
      recheckSeconds: 60,
    } as const;
    const tools = { walk: path.walk, budget, previous };
    await runProbe(http, endpointAt(server.port), { tools: { ...tools, previous: undefined } });
    const ids = ['AAAAAAAAA', 'BBBBBBBBB'];
    const found: Finding[] = [];
    for (const id of ids) found.push(await runProbe(token, entry(server.port, { id }), { tools }));

    expect(found.map((one) => nameOf(one))).toEqual(['pass', 'pass']);
    expect(verifiesOf(server.requests).map(({ body }) => body === '{}')).toEqual([
      true,
      false,
      false,
    ]);
    expect(nameOf(await runProbe(token, entry(server.port, { id: ids[1] ?? '' }), { tools }))).toBe(
      'unknown verify-not-due',
    );
  });

  test('an answer of something else is not its end', async () => {
    await using world = await outage(readOnly, reply(403, 'Forbidden'));
    const first = await world.ask();
    world.said.isOver = true;
    expect(nameOf(await world.ask(first))).toBe('fail read-only');
    expect(world.withToken()).toBe(1);
  });
});

describe('at most one verify an hour', () => {
  test('for each entry, however often it is asked', async () => {
    const clock = setClock();
    const budget = requestBudget(clock, 1000);
    await using server = await startHttpServer(old(gitlab(200, { id: 1 })));
    const target = entry(server.port);
    const outcomes: string[] = [];
    for (let minute = 0; minute <= 120; minute += 15) {
      outcomes.push(nameOf(await walkThrough(target, { clock, budget })));
      clock.advance(15 * 60);
    }

    const wait = 'unknown verify-not-due';
    expect(outcomes).toEqual(['pass', wait, wait, wait, 'pass', wait, wait, wait, 'pass']);
    expect(verifiesOf(server.requests)).toHaveLength(3);
    expect(nameOf(await walkThrough({ ...target, id: 'BBBBBBBBB' }, { clock, budget }))).toBe(
      'pass',
    );
  });

  test('a pause sends none, and does not use up the hour', async () => {
    const clock = setClock();
    const budget = requestBudget(clock, 20);
    await using server = await startHttpServer(old(gitlab(200, { id: 1 })));
    const target = entry(server.port);
    budget.pause(target.url, 600);

    expect(nameOf(await walkThrough(target, { clock, budget }))).toBe('unknown verify-not-due');
    expect(verifiesOf(server.requests)).toEqual([]);
    clock.advance(601);
    expect(nameOf(await walkThrough(target, { clock, budget }))).toBe('pass');
  });

  test.each<[string, ScriptedReply, number]>([
    ['429 with a time', gitlab(429, { message: 'x' }, { 'Retry-After': '300' }), 300],
    ['429 without', gitlab(429, { message: 'x' }), 60],
    ['503 with a time', gitlab(503, { message: 'maintenance' }, { 'Retry-After': '90' }), 90],
  ])('%s pauses this GitLab for every entry', async (_what, answer, seconds) => {
    const clock = setClock();
    const budget = requestBudget(clock, 20);
    await using server = await startHttpServer(({ path }) =>
      path === '/-/health' ? HEALTHY : answer,
    );
    const { id } = endpointAt(server.port);
    await walkThrough(entry(server.port), { clock, budget });

    clock.advance(seconds - 1);
    expect(budget.allows('token', id)).toBe(false);
    clock.advance(2);
    expect(budget.allows('token', id)).toBe(true);
  });
});

test('with any answer of GitLab, nothing but reading and verify is ever sent', async () => {
  const allowed = new Set([
    'GET /-/health',
    'GET /users/sign_in',
    'GET /api/v4/version',
    'GET /api/v4/runners/router/discovery',
    'POST /api/v4/runners/verify',
  ]);
  for (const status of [
    200, 204, 301, 307, 400, 401, 403, 404, 405, 409, 410, 422, 429, 500, 502, 503,
  ]) {
    const answer = gitlab(
      status,
      { message: `${status}`, error: `${status}` },
      { Location: '/api/v4/jobs/request' },
    );
    await using server = await startHttpServer(() => answer);
    await using path = await walkTo(server.port);
    const tools = { walk: path.walk };
    await runProbe(http, endpointAt(server.port), { tools });
    await runProbe(api, endpointAt(server.port), { tools });
    await runProbe(token, entry(server.port), { tools });
    const sent = server.requests.map(({ method, path }) => `${method} ${path}`);
    expect(sent.filter((line) => !allowed.has(line))).toEqual([]);
    expect(sent.length).toBeGreaterThanOrEqual(3);
  }
});

test('a GitLab that repeats the token everywhere gives none of it away', async () => {
  const target = runnerTarget('AAAAAAAAA');
  const canary = target.token.reveal();
  const echoes = [200, 302, 403, 404, 422, 429, 500, 503].flatMap((status) => [
    gitlab(status, { id: 1, token: canary, message: `${canary} orphaned` }, { Server: canary }),
    reply(status, canary, { type: canary, headers: { Server: canary, Location: `/?t=${canary}` } }),
  ]);
  for (const answer of echoes) {
    await using server = await startHttpServer(old(answer));
    const finding = await walkThrough(entry(server.port, { token: target.token }));
    await using direct = await startHttpServer(({ path }) =>
      path === '/-/health' ? HEALTHY : answer,
    );
    const asked = await walkThrough(entry(direct.port, { token: target.token }));
    expect(JSON.stringify([finding, asked])).not.toContain(canary);
  }
});
