import { describe, expect, test } from 'vitest';

import { setClock, START } from '../support/clock.ts';
import { requestBudget } from '../support/request-budget.ts';

const GITLAB = 'https://gitlab.test/';

test('budgeted requests stay under the limit in any window of one hour', () => {
  const clock = setClock();
  const budget = requestBudget(clock, 20);
  const sent: number[] = [];

  for (let second = 0; second < 4 * 3600; second += 7) {
    if (budget.take(second % 2 === 0 ? 'api' : 'token', GITLAB)) sent.push(clock.wall());
    clock.advance(7);
  }

  const busiest = Math.max(
    ...sent.map((at) => sent.filter((other) => other > at - 3_600_000 && other <= at).length),
  );
  expect(busiest).toBe(20);
  expect(sent.length).toBeGreaterThan(70);
});

test('health requests are counted and never refused', () => {
  const budget = requestBudget(setClock(), 1);

  expect(Array.from({ length: 5 }, () => budget.take('http', GITLAB))).toEqual(Array(5).fill(true));
  expect(budget.counts()).toEqual([{ target: GITLAB, kind: 'http', count: 5 }]);
});

test('an endpoint that asked for quiet is left alone for that long, others are not', () => {
  const clock = setClock();
  const budget = requestBudget(clock, 20);
  budget.pause(GITLAB, 60);
  budget.pause(GITLAB, 5);

  expect(budget.take('api', GITLAB)).toBe(false);
  expect(budget.take('verify', GITLAB)).toBe(false);
  expect(budget.take('http', GITLAB)).toBe(true);
  expect(budget.take('dns', GITLAB)).toBe(true);
  expect(budget.take('tls', GITLAB)).toBe(true);
  expect(budget.take('api', 'https://other.test/')).toBe(true);
  clock.advance(60);
  expect(budget.take('api', GITLAB)).toBe(true);
});

test('once means once in the given time', () => {
  const clock = setClock();
  const budget = requestBudget(clock, 20);

  expect(budget.once('verify:abc', 3600)).toBe(true);
  clock.advance(3599);
  expect(budget.once('verify:abc', 3600)).toBe(false);
  expect(budget.once('verify:def', 3600)).toBe(true);
  clock.advance(1);
  expect(budget.once('verify:abc', 3600)).toBe(true);
});

test('a use of once that is older than an hour is forgotten with the next one', () => {
  const clock = setClock();
  const budget = requestBudget(clock, 20);
  budget.once('moved:old', 300);
  clock.advance(7200);
  budget.once('moved:new', 300);
  // What is saved leaves out what is old now.
  clock.advance(-7200);

  expect(Object.keys(budget.saved().onceAt)).toEqual(['moved:new']);
});

test('the budget survives a restart through its memory', () => {
  const clock = setClock();
  const first = requestBudget(clock, 2);
  first.take('api', GITLAB);
  first.take('token', 'abc');
  first.once('verify:abc', 3600);

  const second = requestBudget(clock, 2, first.saved());

  expect(second.take('api', GITLAB)).toBe(false);
  expect(second.once('verify:abc', 3600)).toBe(false);
  clock.advance(3600);
  expect(second.take('api', GITLAB)).toBe(true);
});

test('the quiet that an endpoint asked for survives a restart and another budget, and ends', () => {
  const clock = setClock();
  const first = requestBudget(clock, 20);
  first.pause(GITLAB, 1800);
  first.limitTo(40);
  const second = requestBudget(clock, 20, first.saved());

  expect([first, second].map((budget) => budget.take('api', GITLAB))).toEqual([false, false]);
  clock.advance(1801);
  expect([first, second].map((budget) => budget.take('api', GITLAB))).toEqual([true, true]);
  expect(first.saved().pausedUntil).toEqual({});
});

test('another budget holds at once, and what was sent before counts', () => {
  const budget = requestBudget(setClock(), 1);
  budget.take('api', GITLAB);

  expect(budget.take('api', GITLAB)).toBe(false);
  budget.limitTo(2);
  expect(budget.take('api', GITLAB)).toBe(true);
  budget.limitTo(1);
  expect(budget.take('api', GITLAB)).toBe(false);
});

test('instants of a clock that was set back are forgotten', () => {
  const budget = requestBudget(setClock(), 1, {
    sentAt: [START + 86_400_000],
    reserveSentAt: [],
    onceAt: { key: START + 86_400_000 },
    pausedUntil: {},
  });

  expect(budget.take('api', GITLAB)).toBe(true);
  expect(budget.once('key', 3600)).toBe(true);
});

describe('the reserve', () => {
  test('is six an hour beside the budget, over a restart as well', () => {
    const clock = setClock();
    const budget = requestBudget(clock, 1);
    budget.take('api', GITLAB);
    const taken = Array.from({ length: 8 }, () => budget.reserve.take('api', GITLAB));
    const second = requestBudget(clock, 1, budget.saved());

    expect(taken.filter(Boolean)).toHaveLength(6);
    expect(second.reserve.allows('api', GITLAB)).toBe(false);
    clock.advance(3600);
    expect(second.reserve.take('api', GITLAB)).toBe(true);
  });

  test('leaves the budget as it is', () => {
    const budget = requestBudget(setClock(), 1);
    budget.reserve.take('api', GITLAB);

    expect(budget.take('api', GITLAB)).toBe(true);
  });

  test('waits while GitLab asks for a pause', () => {
    const clock = setClock();
    const budget = requestBudget(clock, 1);
    budget.reserve.pause(GITLAB, 60);

    expect(budget.reserve.take('api', GITLAB)).toBe(false);
    clock.advance(61);
    expect(budget.reserve.take('api', GITLAB)).toBe(true);
  });
});
