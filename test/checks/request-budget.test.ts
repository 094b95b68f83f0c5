import { expect, test } from 'vitest';

import { RequestLedger } from '../../src/checks/request-budget.ts';
import { setClock, START } from '../support/clock.ts';

const GITLAB = 'https://gitlab.test/';

test('budgeted requests stay under the limit in any window of one hour', () => {
  const clock = setClock();
  const ledger = new RequestLedger(clock, 20);
  const sent: number[] = [];

  for (let second = 0; second < 4 * 3600; second += 7) {
    if (ledger.take(second % 2 === 0 ? 'api' : 'token', GITLAB)) sent.push(clock.wall());
    clock.advance(7);
  }

  const busiest = Math.max(
    ...sent.map((at) => sent.filter((other) => other > at - 3_600_000 && other <= at).length),
  );
  expect(busiest).toBe(20);
  expect(sent.length).toBeGreaterThan(70);
});

test('health requests are counted and never refused', () => {
  const ledger = new RequestLedger(setClock(), 1);

  expect(Array.from({ length: 5 }, () => ledger.take('http', GITLAB))).toEqual(Array(5).fill(true));
  expect(ledger.counts()).toEqual([{ target: GITLAB, kind: 'http', count: 5 }]);
});

test('an endpoint that asked for quiet is left alone for that long, others are not', () => {
  const clock = setClock();
  const ledger = new RequestLedger(clock, 20);
  ledger.pause(GITLAB, 60);
  ledger.pause(GITLAB, 5);

  expect(ledger.take('api', GITLAB)).toBe(false);
  expect(ledger.take('verify', GITLAB)).toBe(false);
  expect(ledger.take('http', GITLAB)).toBe(true);
  expect(ledger.take('dns', GITLAB)).toBe(true);
  expect(ledger.take('tls', GITLAB)).toBe(true);
  expect(ledger.take('api', 'https://other.test/')).toBe(true);
  clock.advance(60);
  expect(ledger.take('api', GITLAB)).toBe(true);
});

test('once means once in the given time', () => {
  const clock = setClock();
  const ledger = new RequestLedger(clock, 20);

  expect(ledger.once('verify:abc', 3600)).toBe(true);
  clock.advance(3599);
  expect(ledger.once('verify:abc', 3600)).toBe(false);
  expect(ledger.once('verify:def', 3600)).toBe(true);
  clock.advance(1);
  expect(ledger.once('verify:abc', 3600)).toBe(true);
});

test('the budget survives a restart through its memory', () => {
  const clock = setClock();
  const first = new RequestLedger(clock, 2);
  first.take('api', GITLAB);
  first.take('token', 'abc');
  first.once('verify:abc', 3600);

  const second = new RequestLedger(clock, 2, first.memory());

  expect(second.take('api', GITLAB)).toBe(false);
  expect(second.once('verify:abc', 3600)).toBe(false);
  clock.advance(3600);
  expect(second.take('api', GITLAB)).toBe(true);
});

test('the quiet that an endpoint asked for survives a restart and another budget, and ends', () => {
  const clock = setClock();
  const first = new RequestLedger(clock, 20);
  first.pause(GITLAB, 1800);
  first.limitTo(40);
  const second = new RequestLedger(clock, 20, first.memory());

  expect([first, second].map((ledger) => ledger.take('api', GITLAB))).toEqual([false, false]);
  clock.advance(1801);
  expect([first, second].map((ledger) => ledger.take('api', GITLAB))).toEqual([true, true]);
  expect(first.memory().pausedUntil).toEqual({});
});

test('another budget holds at once, and what was sent before counts', () => {
  const ledger = new RequestLedger(setClock(), 1);
  ledger.take('api', GITLAB);

  expect(ledger.take('api', GITLAB)).toBe(false);
  ledger.limitTo(2);
  expect(ledger.take('api', GITLAB)).toBe(true);
  ledger.limitTo(1);
  expect(ledger.take('api', GITLAB)).toBe(false);
});

test('instants of a clock that was set back are forgotten', () => {
  const ledger = new RequestLedger(setClock(), 1, {
    sentAt: [START + 86_400_000],
    onceAt: { key: START + 86_400_000 },
    pausedUntil: {},
  });

  expect(ledger.take('api', GITLAB)).toBe(true);
  expect(ledger.once('key', 3600)).toBe(true);
});
