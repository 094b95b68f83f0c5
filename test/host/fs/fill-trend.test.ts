/** When will it be full? Only a steady decline says anything. */
import { expect, test } from 'vitest';

import { FillTrend } from '../../../src/host/fs/fill-trend.ts';

const MEBIBYTE = 1024 ** 2;

/** The last answer, after a sample every 30 s. */
function after(free: readonly number[], everySeconds = 30): number | undefined {
  const trend = new FillTrend();
  return free
    .map((mebibytes, index) => trend.add('/', index * everySeconds, mebibytes * MEBIBYTE))
    .at(-1);
}

const steps = (count: number, at: (index: number) => number): readonly number[] =>
  Array.from({ length: count }, (_, index) => at(index));

test('ten megabytes in thirty seconds leave a gigabyte for 51 minutes', () => {
  const left = after(steps(21, (index) => 1224 - index * 10));

  expect(left).toBeCloseTo((1024 / 10) * 30, 6);
});

test('a decline with some noise is steady enough', () => {
  const left = after(steps(30, (index) => 1000 - index * 10 + (index % 2) * 8));

  expect(left).toBeGreaterThan(1900);
  expect(left).toBeLessThan(2300);
});

test.each([
  ['too few samples', steps(9, (index) => 1000 - index * 10), 30],
  ['too short a time', steps(20, (index) => 1000 - index * 10), 5],
  ['space that grows', steps(20, (index) => 1000 + index * 10), 30],
  ['space that does not change', steps(20, () => 1000), 30],
  ['a job that takes and gives back', steps(40, (index) => 1000 - (index % 8) * 50), 30],
])('%s says nothing', (_what, free, everySeconds) => {
  expect(after(free, everySeconds)).toBeUndefined();
});

test('what is long over is forgotten: the last half hour counts', () => {
  const grown = [
    ...steps(200, (index) => 9000 - index * 30),
    ...steps(60, (index) => 3000 + index),
  ];

  expect(after(grown)).toBeUndefined();
});

test('each file system has its own trend', () => {
  const trend = new FillTrend();
  const both = steps(20, (index) => index * 30).map((seconds) => [
    trend.add('/a', seconds, 1000 - seconds),
    trend.add('/b', seconds, 1000),
  ]);

  expect(both.at(-1)).toEqual([expect.closeTo(430), undefined]);
});
