/** A deadline counts the time in which the process ran. Only time is mocked. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { DeadlineError, deadlineOf } from '../../src/core/abort.ts';

const STEP_MILLISECONDS = 500;
let stalledMilliseconds = 0;

beforeEach(() => {
  stalledMilliseconds = 0;
  vi.useFakeTimers();
  const running = performance.now.bind(performance);
  vi.spyOn(performance, 'now').mockImplementation(() => running() + stalledMilliseconds);
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** The process does not run for so long, and then does one step. */
function stall(milliseconds: number): void {
  stalledMilliseconds += milliseconds;
  vi.advanceTimersByTime(STEP_MILLISECONDS);
}

test.each([0.2, 0.5, 2, 4.9])('a deadline of %s s is over after that time', (seconds) => {
  using deadline = deadlineOf(seconds);
  vi.advanceTimersByTime(seconds * 1000 - 1);
  expect(deadline.signal.aborted).toBe(false);
  vi.advanceTimersByTime(2);
  expect(deadline.signal.reason).toEqual(new DeadlineError(seconds));
});

test('time in which the process did not run does not count', () => {
  using deadline = deadlineOf(1);
  stall(60_000);
  vi.advanceTimersByTime(999);
  expect(deadline.signal.aborted).toBe(false);
  vi.advanceTimersByTime(2);
  expect(deadline.signal.aborted).toBe(true);
});

test('a process that is slow all the time comes to the end of a deadline', () => {
  using deadline = deadlineOf(1);
  for (let steps = 0; steps < 10; steps += 1) stall(2000);
  expect(deadline.signal.aborted).toBe(true);
});

test('the abort of the parent is that of the deadline, with its reason', () => {
  const parent = new AbortController();
  using deadline = deadlineOf(1, parent.signal);
  parent.abort(new Error('stop'));
  expect(deadline.signal.reason).toEqual(new Error('stop'));
});

test('no timer outlives its scope', () => {
  {
    using deadline = deadlineOf(3);
    stall(2000);
    expect(deadline.signal.aborted).toBe(false);
  }
  expect(vi.getTimerCount()).toBe(0);
});
