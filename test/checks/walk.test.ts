import { describe, expect, test } from 'vitest';

import type { Check } from '../../src/core/check.ts';
import type { CheckId, Finding, ProbeResult } from '../../src/core/finding.ts';
import type { Probe } from '../../src/core/probe.ts';
import { runJob } from '../../src/checks/run.ts';
import { Store } from '../../src/checks/store.ts';
import { createWalk } from '../../src/checks/walk.ts';
import { setClock } from '../support/clock.ts';
import { contextsAt } from '../support/places.ts';
import { check, ENDPOINT, failingFinding, PASS, probe, runnerTarget } from '../support/probes.ts';
import { requestBudget } from '../support/request-budget.ts';

interface Staged {
  readonly requestsPerHour?: number;
  readonly runners?: number;
  readonly phase?: number;
  /** With a probe that is no link and needs none. */
  readonly beside?: boolean;
}

/** The links of the real walk with findings to set, and a record of what was run. */
function stage(options: Staged = {}) {
  const clock = setClock();
  const store = new Store(clock);
  const budget = requestBudget(clock, options.requestsPerHour ?? 20);
  const says: Record<string, Finding> = {};
  const ran: string[] = [];
  const contradicted = new Set<CheckId>();
  const mayPass = new Set<CheckId>();
  const proofs: string[] = [];
  const link = (id: string, needs: string[], over: Partial<Probe> = {}): Probe =>
    probe({
      id,
      needs,
      kind: 'endpoint',
      intervalSeconds: 15,
      ...over,
      run: ({ provesEnd = false }) => {
        ran.push(id);
        if (provesEnd) proofs.push(id);
        return says[id] ?? PASS;
      },
    });
  const probes = {
    dns: link('dns', []),
    connect: link('connect', ['dns']),
    http: link('http', ['connect'], { intervalSeconds: 60 }),
    beside: link('beside', []),
    api: link('api', ['http'], { intervalSeconds: 900, requests: { api: 'budgeted' } }),
    token: link('token', ['api'], {
      intervalSeconds: 900,
      kind: 'runner',
      requests: { token: 'budgeted' },
    }),
  };
  const runners = Array.from({ length: options.runners ?? 1 }, (_, index) =>
    runnerTarget(`r${index}`),
  );
  const checks: Check[] = [
    ...[probes.dns, probes.connect, probes.http, probes.api].map((link) => check(link, ENDPOINT)),
    ...(options.beside === true ? [check(probes.beside, ENDPOINT)] : []),
    ...runners.map((runner) => check(probes.token, runner)),
  ];
  store.adopt(checks);
  const job = createWalk('walk', checks, {
    clock,
    contexts: contextsAt(),
    budget,
    known: (id) => store.known(id),
    restore: (id) => void store.restore(id),
    reserve: budget.reserve,
    contradicted: () => contradicted,
    mayPass: () => mayPass,
    ...(options.phase === undefined ? {} : { phase: () => options.phase ?? 0 }),
  });
  const record = (result: ProbeResult): void => void store.record(result);
  const walk = async (everything = false, isFresh = false): Promise<string[]> => {
    ran.length = 0;
    const stop = new AbortController().signal;
    await runJob({ job, clock, stop, onResult: record, everything, isFresh });
    return [...ran];
  };
  const statuses = () =>
    Object.fromEntries(
      store.states().map(({ check: { id }, finding }) => [id.split('@')[0], finding.status]),
    );
  return { clock, says, walk, statuses, store, budget, contradicted, mayPass, proofs };
}

describe('what is due', () => {
  test('a follow-up is due at every walk, and makes no link ask GitLab more often', async () => {
    const { walk, clock } = stage({ beside: true });
    await walk();
    clock.advance(15);

    expect(await walk()).toEqual(['dns', 'connect', 'beside']);
  });

  test('with a phase a slow link has its turn there, whenever its last run was', async () => {
    const { walk, clock } = stage({ phase: 0.5 });
    const runs: number[] = [];
    for (let second = 0; second < 240; second += 15) {
      if ((await walk()).includes('http')) runs.push(second);
      clock.advance(15);
    }

    expect(runs).toEqual([0, 30, 90, 150, 210]);
  });

  test('the first walk runs everything, the next one only the path', async () => {
    const { walk, clock } = stage();

    expect(await walk()).toEqual(['dns', 'connect', 'http', 'api', 'token']);
    clock.advance(15);
    expect(await walk()).toEqual(['dns', 'connect']);
    clock.advance(45);
    expect(await walk()).toEqual(['dns', 'connect', 'http']);
    clock.advance(840);
    expect(await walk()).toEqual(['dns', 'connect', 'http', 'api', 'token']);
  });

  test('what ends by itself is asked again soon, with no budget left, until it has ended', async () => {
    const { walk, clock, says, budget } = stage({ requestsPerHour: 2 });
    const waiting = { status: 'fail', reason: 'r', detail: 'd', recheckSeconds: 60 } as const;
    says['token'] = waiting;
    await walk();
    expect(budget.allows('token', ENDPOINT.id)).toBe(false);
    clock.advance(45);
    expect(await walk()).toEqual(['dns', 'connect']);
    clock.advance(15);
    expect(await walk()).toEqual(['dns', 'connect', 'http', 'token']);
    says['token'] = PASS;
    clock.advance(60);
    expect(await walk()).toEqual(['dns', 'connect', 'http', 'token']);
    clock.advance(60);
    expect(await walk()).toEqual(['dns', 'connect', 'http']);
  });

  test('a full round runs everything, due or not', async () => {
    const { walk } = stage();
    await walk();

    expect(await walk(true)).toEqual(['dns', 'connect', 'http', 'api', 'token']);
  });

  test('a fresh walk repeats everything outside the request budget', async () => {
    const { walk, budget } = stage();
    await walk();

    expect(await walk(false, true)).toEqual(['dns', 'connect', 'http']);
    expect(budget.counts().filter(({ kind }) => kind === 'api')).toMatchObject([{ count: 1 }]);
  });

  test('what the runner contradicts is asked at once, due or not, and its answer is not asked for again', async () => {
    const { walk, contradicted, budget } = stage({ requestsPerHour: 2 });
    await walk();
    contradicted.add('token@r0');

    expect(await walk()).toEqual(['dns', 'connect', 'http', 'token']);
    expect(budget.counts().filter(({ kind }) => kind === 'token')).toMatchObject([{ count: 2 }]);
    contradicted.clear();
    expect(await walk()).toEqual([]);
  });

  test('of many that it contradicts, six an hour are asked before their turn', async () => {
    const { walk, contradicted, clock } = stage({ requestsPerHour: 100, runners: 10 });
    await walk();
    for (let index = 0; index < 10; index += 1) contradicted.add(`token@r${index}`);

    expect((await walk()).filter((link) => link === 'token')).toHaveLength(6);
    clock.advance(15);
    expect(await walk()).toEqual(['dns', 'connect']);
    clock.advance(900);
    expect((await walk()).filter((link) => link === 'token')).toHaveLength(10);
  });

  test('http goes along when a token is due, because the token travels on its connection', async () => {
    const { walk, clock, says } = stage();
    says['token'] = failingFinding();
    await walk();
    clock.advance(30);

    expect(await walk()).toEqual(['dns', 'connect', 'http', 'token']);
  });

  test('a failing token is checked twice more soon, then at its own interval', async () => {
    const { walk, clock, says } = stage();
    says['token'] = failingFinding();
    const times: number[] = [];
    for (let walks = 0; walks < 40; walks += 1) {
      if ((await walk()).includes('token')) times.push(walks * 15);
      clock.advance(15);
    }

    expect(times).toEqual([0, 30, 60]);
  });

  test('an answer that is late now and then brings no request to the API forward', async () => {
    const { walk, clock, says } = stage();
    await walk();
    const runs: string[][] = [];
    for (const isLate of [true, false, true]) {
      clock.advance(60);
      if (isLate) says['http'] = { status: 'warn', reason: 'slow', detail: 'after 6 s' };
      else delete says['http'];
      runs.push(await walk());
    }

    expect(runs).toEqual(runs.map(() => ['dns', 'connect', 'http']));
  });

  test('a failing http link is checked in every walk', async () => {
    const { walk, clock, says } = stage();
    says['http'] = failingFinding();
    await walk();
    clock.advance(15);

    expect(await walk()).toContain('http');
  });
});

describe('what a failure does', () => {
  test('later links are skipped and not tried', async () => {
    const { walk, says, statuses } = stage();
    says['connect'] = failingFinding();

    expect(await walk()).toEqual(['dns', 'connect']);
    expect(statuses()).toEqual({
      dns: 'pass',
      connect: 'fail',
      http: 'skipped',
      api: 'skipped',
      token: 'skipped',
    });
  });

  test('after a link with an unknown result no later link is judged', async () => {
    const { walk, says, statuses } = stage();
    says['connect'] = { status: 'unknown', reason: 'broken', detail: 'no idea' };
    await walk();

    expect(statuses()).toMatchObject({ connect: 'unknown', http: 'skipped', token: 'skipped' });
  });

  test('a slow link is no obstacle', async () => {
    const { walk, says } = stage();
    says['dns'] = { status: 'warn', reason: 'broken', detail: 'slow' };

    expect(await walk()).toContain('token');
  });

  test('after the path is open again, a recent token result holds without a new request', async () => {
    const { walk, clock, says, statuses } = stage();
    await walk();
    clock.advance(15);
    says['connect'] = failingFinding();
    await walk();
    expect(statuses()['token']).toBe('skipped');

    clock.advance(15);
    delete says['connect'];

    expect(await walk()).toEqual(['dns', 'connect', 'http']);
    expect(statuses()).toEqual({
      dns: 'pass',
      connect: 'pass',
      http: 'pass',
      api: 'pass',
      token: 'pass',
    });
  });

  test('a probe that throws is a bug of ours: unknown, with no text of the error', async () => {
    const { walk, says, store } = stage();
    Object.defineProperty(says, 'dns', {
      get: () => {
        throw new TypeError('secret glrt-abc');
      },
    });
    await walk();

    expect(store.states()[0]?.finding).toEqual({
      status: 'unknown',
      reason: 'probe-bug',
      detail: 'TypeError in dns',
    });
  });
});

describe('a sign that a fault is over', () => {
  test('has the check asked at once, from the reserve, for a proof', async () => {
    const { walk, says, mayPass, proofs, clock } = stage({ requestsPerHour: 2 });
    says['token'] = failingFinding();
    await walk();
    clock.advance(15);
    expect(await walk()).toEqual(['dns', 'connect']);
    mayPass.add('token@r0');

    expect(await walk()).toEqual(['dns', 'connect', 'http', 'token']);
    expect(proofs).toEqual(['token']);
  });

  test('that comes again and again has a check asked every five minutes, four times an hour', async () => {
    const { walk, says, mayPass, clock } = stage({ requestsPerHour: 2 });
    says['token'] = failingFinding();
    await walk();
    mayPass.add('token@r0');
    const asked: number[] = [];
    for (let second = 15; second < 3600; second += 15) {
      clock.advance(15);
      if ((await walk()).includes('token')) asked.push(second);
    }

    expect(asked).toEqual([15, 315, 615, 915]);
  });

  test('leaves what the runner contradicts its share of the reserve', async () => {
    const { walk, contradicted, mayPass, says, clock } = stage({ requestsPerHour: 8, runners: 7 });
    says['token'] = failingFinding();
    await walk();
    for (let index = 0; index < 7; index += 1) mayPass.add(`token@r${index}`);
    clock.advance(15);

    expect((await walk()).filter((link) => link === 'token')).toHaveLength(4);
    mayPass.clear();
    for (let index = 0; index < 7; index += 1) contradicted.add(`token@r${index}`);
    expect((await walk()).filter((link) => link === 'token')).toHaveLength(2);
  });

  test('of the server is proven by one token for all that passed before', async () => {
    const { walk, mayPass } = stage({ requestsPerHour: 4, runners: 3 });
    await walk();
    for (let index = 0; index < 3; index += 1) mayPass.add(`token@r${index}`);

    expect((await walk()).filter((link) => link === 'token')).toHaveLength(1);
  });

  test('is a link that passes again, for those behind it that failed', async () => {
    const { walk, says, proofs, clock } = stage({ requestsPerHour: 5 });
    says['token'] = failingFinding();
    await walk();
    says['http'] = failingFinding();
    clock.advance(61);
    await walk();
    delete says['http'];
    clock.advance(15);

    expect(await walk()).toEqual(['dns', 'connect', 'http', 'token']);
    expect(proofs).toEqual(['token']);
  });

  test('has nothing asked that ends by itself and has a pace of its own', async () => {
    const { walk, says, mayPass, clock } = stage({ requestsPerHour: 2 });
    says['token'] = { status: 'fail', reason: 'r', detail: 'd', recheckSeconds: 60 };
    await walk();
    mayPass.add('token@r0');
    clock.advance(15);

    expect(await walk()).toEqual(['dns', 'connect']);
  });
});

describe('the budget', () => {
  test('never more than the hourly number of requests and four of the reserve, even if links fail and flap', async () => {
    const { walk, clock, says } = stage({ runners: 50 });
    let requests = 0;
    for (let walks = 0; walks < 240; walks += 1) {
      says['token'] = walks % 3 === 0 ? PASS : failingFinding(walks % 2 === 0 ? 'broken' : 'worse');
      says['connect'] = walks % 7 === 0 ? failingFinding() : PASS;
      requests += (await walk()).filter((id) => id === 'api' || id === 'token').length;
      clock.advance(15);
    }

    expect(requests).toBe(24);
  });

  test('entries that must wait say so, and take turns', async () => {
    const { walk, clock, store } = stage({ runners: 30, requestsPerHour: 11 });
    await walk();
    const waiting = () =>
      store
        .states()
        .filter(({ finding }) => 'reason' in finding && finding.reason === 'request-budget');

    expect(waiting()).toHaveLength(20);
    const first = new Set(waiting().map(({ check: { id } }) => id));
    clock.advance(3601);
    await walk();
    const still = waiting().filter(({ check: { id } }) => first.has(id));
    expect(still.length).toBeLessThanOrEqual(10);
  });

  test('while GitLab asks for quiet, what it said last is not replaced by a wait for a turn', async () => {
    const { walk, clock, says, store, budget } = stage();
    says['token'] = failingFinding('broken', 'GitLab is in maintenance');
    await walk();
    clock.advance(3000);
    budget.pause(ENDPOINT.id, 60);

    expect(await walk()).toEqual(['dns', 'connect', 'http']);
    const last = store.states().find(({ check: { id } }) => id.startsWith('token'))?.last;
    expect(last?.finding).toMatchObject({ status: 'fail', reason: 'broken' });
  });
});
