import { describe, expect, test } from 'vitest';

import { ENDPOINT, failingFinding, PASS } from '../support/probes.ts';
import { stageWalk } from '../support/staged-walk.ts';

describe('what is due', () => {
  test('a follow-up is due at every walk, and makes no link ask GitLab more often', async () => {
    const { walk, clock } = stageWalk({ beside: true });
    await walk();
    clock.advance(15);

    expect(await walk()).toEqual(['dns', 'connect', 'beside']);
  });

  test('with a phase a slow link has its turn there, whenever its last run was', async () => {
    const { walk, clock } = stageWalk({ phase: 0.5 });
    const runs: number[] = [];
    for (let second = 0; second < 240; second += 15) {
      if ((await walk()).includes('http')) runs.push(second);
      clock.advance(15);
    }

    expect(runs).toEqual([0, 30, 90, 150, 210]);
  });

  test('the first walk runs everything, the next one only the path', async () => {
    const { walk, clock } = stageWalk();

    expect(await walk()).toEqual(['dns', 'connect', 'http', 'api', 'token']);
    clock.advance(15);
    expect(await walk()).toEqual(['dns', 'connect']);
    clock.advance(45);
    expect(await walk()).toEqual(['dns', 'connect', 'http']);
    clock.advance(840);
    expect(await walk()).toEqual(['dns', 'connect', 'http', 'api', 'token']);
  });

  test('what ends by itself is asked again soon, with no budget left, until it has ended', async () => {
    const { walk, clock, says, budget } = stageWalk({ requestsPerHour: 2 });
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
    const { walk } = stageWalk();
    await walk();

    expect(await walk(true)).toEqual(['dns', 'connect', 'http', 'api', 'token']);
  });

  test('a fresh walk repeats everything outside the request budget', async () => {
    const { walk, budget } = stageWalk();
    await walk();

    expect(await walk(false, true)).toEqual(['dns', 'connect', 'http']);
    expect(budget.counts().filter(({ kind }) => kind === 'api')).toMatchObject([{ count: 1 }]);
  });

  test('what the runner contradicts is asked at once, due or not, and its answer is not asked for again', async () => {
    const { walk, contradicted, budget } = stageWalk({ requestsPerHour: 2 });
    await walk();
    contradicted.add('token@r0');

    expect(await walk()).toEqual(['dns', 'connect', 'http', 'token']);
    expect(budget.counts().filter(({ kind }) => kind === 'token')).toMatchObject([{ count: 2 }]);
    contradicted.clear();
    expect(await walk()).toEqual([]);
  });

  test('of many that it contradicts, six an hour are asked before their turn', async () => {
    const { walk, contradicted, clock } = stageWalk({ requestsPerHour: 100, runners: 10 });
    await walk();
    for (let index = 0; index < 10; index += 1) contradicted.add(`token@r${index}`);

    expect((await walk()).filter((link) => link === 'token')).toHaveLength(6);
    clock.advance(15);
    expect(await walk()).toEqual(['dns', 'connect']);
    clock.advance(900);
    expect((await walk()).filter((link) => link === 'token')).toHaveLength(10);
  });

  test('http goes along when a token is due, because the token travels on its connection', async () => {
    const { walk, clock, says } = stageWalk();
    says['token'] = failingFinding();
    await walk();
    clock.advance(30);

    expect(await walk()).toEqual(['dns', 'connect', 'http', 'token']);
  });

  test('a failing token is checked twice more soon, then at its own interval', async () => {
    const { walk, clock, says } = stageWalk();
    says['token'] = failingFinding();
    const times: number[] = [];
    for (let walks = 0; walks < 40; walks += 1) {
      if ((await walk()).includes('token')) times.push(walks * 15);
      clock.advance(15);
    }

    expect(times).toEqual([0, 30, 60]);
  });

  test('an answer that is late now and then brings no request to the API forward', async () => {
    const { walk, clock, says } = stageWalk();
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
    const { walk, clock, says } = stageWalk();
    says['http'] = failingFinding();
    await walk();
    clock.advance(15);

    expect(await walk()).toContain('http');
  });
});

describe('what a failure does', () => {
  test('later links are skipped and not tried', async () => {
    const { walk, says, statuses } = stageWalk();
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
    const { walk, says, statuses } = stageWalk();
    says['connect'] = { status: 'unknown', reason: 'broken', detail: 'no idea' };
    await walk();

    expect(statuses()).toMatchObject({ connect: 'unknown', http: 'skipped', token: 'skipped' });
  });

  test('a slow link is no obstacle', async () => {
    const { walk, says } = stageWalk();
    says['dns'] = { status: 'warn', reason: 'broken', detail: 'slow' };

    expect(await walk()).toContain('token');
  });

  test('after the path is open again, a recent token result holds without a new request', async () => {
    const { walk, clock, says, statuses } = stageWalk();
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
    const { walk, says, store } = stageWalk();
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

describe('the budget', () => {
  test('never more than the hourly number of requests and four of the reserve, even if links fail and flap', async () => {
    const { walk, clock, says } = stageWalk({ runners: 50 });
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
    const { walk, clock, store } = stageWalk({ runners: 30, requestsPerHour: 11 });
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
    const { walk, clock, says, store, budget } = stageWalk();
    says['token'] = failingFinding('broken', 'GitLab is in maintenance');
    await walk();
    clock.advance(3000);
    budget.pause(ENDPOINT.id, 60);

    expect(await walk()).toEqual(['dns', 'connect', 'http']);
    const last = store.states().find(({ check: { id } }) => id.startsWith('token'))?.last;
    expect(last?.finding).toMatchObject({ status: 'fail', reason: 'broken' });
  });
});
