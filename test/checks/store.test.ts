import { describe, expect, test } from 'vitest';

import type { Finding } from '../../src/core/finding.ts';
import { Store } from '../../src/checks/store.ts';
import { setClock, START } from '../support/clock.ts';
import { check, failingFinding, PASS, probe, runnerTarget } from '../support/probes.ts';
import { snapshotOf } from '../support/snapshots.ts';

const dns = check(probe({ id: 'dns' }));
const disk = check(probe({ id: 'disk' }));
const SKIPPED: Finding = { status: 'skipped', reason: 'earlier-link', detail: 'not tried' };

function storeWith(...checks: (typeof dns)[]) {
  const clock = setClock();
  const store = new Store(clock);
  store.adopt(checks);
  const record = (finding: Finding, id = dns.id) =>
    store.record({ check: id, startedAt: clock.wall(), durationSeconds: 0.1, finding });
  return { clock, store, record };
}

describe('what is shown', () => {
  test('a check that has not run is unknown, never pass', () => {
    const { store } = storeWith(dns);

    expect(store.states()[0]?.finding).toEqual({
      status: 'unknown',
      reason: 'not-run-yet',
      detail: 'the check has not run yet',
    });
    expect(store.isComplete()).toBe(false);
  });

  test('a result older than three intervals and its deadline is unknown, and since then', () => {
    const { store, record, clock } = storeWith(dns);
    record(PASS);

    clock.advance(32);
    expect(store.states()[0]?.finding).toEqual(PASS);
    clock.advance(1);
    expect(store.states()[0]).toMatchObject({
      finding: { status: 'unknown', reason: 'stale', detail: 'the last result is 33 s old' },
      since: START + 32_000,
      streak: 1,
    });
  });

  test('a link waits for the links before it: what a whole walk takes makes it no older', () => {
    const link = {
      ...dns,
      target: snapshotOf().hostContext.contexts[0].endpoints[0] ?? dns.target,
    };
    const { store, record, clock } = storeWith(link);
    record(PASS);

    clock.advance(70);
    expect(store.states()[0]?.finding).toEqual(PASS);
    clock.advance(1);
    expect(store.states()[0]?.finding).toMatchObject({ status: 'unknown', reason: 'stale' });
  });

  test('since stays and the streak grows while status and reason stay', () => {
    const { store, record, clock } = storeWith(dns);
    record(failingFinding('broken', 'first'));
    clock.advance(10);
    record(failingFinding('broken', 'second'));

    expect(store.states()[0]).toMatchObject({
      since: START,
      streak: 2,
      finding: { detail: 'second' },
    });
  });

  test('another reason is a transition although the status is the same', () => {
    const { store, record, clock } = storeWith(dns);
    record(failingFinding('broken'));
    clock.advance(10);

    expect(record(failingFinding('worse', 'it got worse'))).toEqual({
      check: 'dns@host',
      from: 'fail/broken',
      to: 'fail/worse',
      detail: 'it got worse',
    });
    expect(store.states()[0]).toMatchObject({ since: START + 10_000, streak: 1 });
  });

  test('counters count runs and failures, and not what an earlier link masked', () => {
    const { store, record } = storeWith(dns);
    record(PASS);
    record(failingFinding());
    record(SKIPPED);
    store.missed(dns.id);

    expect(store.states()[0]?.counters).toEqual({ runs: 2, failures: 1, missed: 1 });
  });
});

describe('what an earlier link hides', () => {
  test('the last real result is known behind a skipped one, and can be shown again', () => {
    const { store, record, clock } = storeWith(dns);
    record(failingFinding());
    record(failingFinding());
    record(SKIPPED);

    expect(store.known(dns.id)).toMatchObject({ streak: 2, masked: true });
    clock.advance(5);
    expect(store.restore(dns.id)).toMatchObject({
      from: 'skipped/earlier-link',
      to: 'fail/broken',
    });
    expect(store.states()[0]).toMatchObject({
      finding: failingFinding(),
      streak: 2,
      since: START + 5000,
    });
    expect(store.restore(dns.id)).toBeUndefined();
  });
});

describe('a new plan', () => {
  test('keeps the states of checks that stay and drops the others', () => {
    const { store, record } = storeWith(dns);
    record(failingFinding());
    store.adopt([disk, dns]);

    expect(store.states().map(({ check: { id }, finding }) => [id, finding.status])).toEqual([
      ['disk@host', 'unknown'],
      ['dns@host', 'fail'],
    ]);
    store.adopt([disk]);
    expect(record(PASS)).toBeUndefined();
    expect(store.states()).toHaveLength(1);
  });

  test('forgets what one GitLab said of an entry that now has the url of another', () => {
    const token = probe({ id: 'token', kind: 'runner' });
    const { store, record } = storeWith(check(token, runnerTarget('abc', 'https://a.test/')));
    record(PASS, 'token@abc');
    store.adopt([check(token, runnerTarget('abc', 'https://b.test/'))]);

    expect(store.states()[0]?.finding).toMatchObject({ reason: 'not-run-yet' });
  });
});

test('a saved result holds until the first run and does not count as one', () => {
  const { store } = storeWith(dns);
  const remembered = {
    check: dns.id,
    startedAt: START - 5000,
    durationSeconds: 0.1,
    finding: PASS,
  };

  store.seed(remembered);
  expect(store.states()[0]).toMatchObject({
    finding: PASS,
    counters: { runs: 0 },
    since: START - 5000,
  });

  store.record({ ...remembered, startedAt: START, finding: failingFinding() });
  store.seed(remembered);
  expect(store.states()[0]?.finding).toEqual(failingFinding());
});

describe('what counts as a run', () => {
  const token = check(probe({ id: 'token', requests: { token: 'budgeted' } }));
  const WAITING: Finding = { status: 'unknown', reason: 'request-budget', detail: 'not yet' };

  test('waiting for a turn counts as no run, and what was known stays known', () => {
    const { store, record } = storeWith(token);
    record(PASS, token.id);
    record(WAITING, token.id);

    expect(store.states()[0]).toMatchObject({ finding: WAITING, counters: { runs: 1 } });
    expect(store.known(token.id)).toMatchObject({ result: { finding: PASS }, masked: true });
    expect(store.budgetedResults()).toMatchObject([{ finding: PASS }]);
  });

  test('the first one is a change from not-run-yet, and completes the round', () => {
    const { store, record } = storeWith(dns);

    expect(record(PASS)).toEqual({ check: dns.id, from: 'not-run-yet', to: 'pass', detail: '' });
    expect(store.isComplete()).toBe(true);
    expect(record(PASS)).toBeUndefined();
  });

  test('the last fifty are kept, oldest first', () => {
    const { store, record, clock } = storeWith(dns);
    for (let run = 0; run < 60; run += 1) {
      record(PASS);
      clock.advance(1);
    }
    const recent = store.states()[0]?.recent ?? [];

    expect(recent).toHaveLength(50);
    expect([recent[0]?.startedAt, recent.at(-1)?.startedAt]).toEqual([
      START + 10_000,
      START + 59_000,
    ]);
  });

  test('a result that says how long it holds is not stale before', () => {
    const { store, record, clock } = storeWith(dns);
    record({ status: 'pass', holdsSeconds: 3600 });

    clock.advance(3 * 3600);
    expect(store.states()[0]?.finding.status).toBe('pass');
    clock.advance(3);
    expect(store.states()[0]?.finding).toMatchObject({ status: 'unknown', reason: 'stale' });
  });
});
