import { describe, expect, test } from 'vitest';

import type { Sightings } from '../../src/core/sightings.ts';
import {
  addSighting,
  gapSecondsOf,
  isRepeated,
  shiftSightings,
  sightingsAfter,
} from '../../src/core/sightings.ts';

const DAY_SECONDS = 86_400;

function seenAt(...seconds: readonly number[]): Sightings {
  const [first = 0, ...others] = seconds;
  return others.reduce(
    (all, at) => addSighting(all, at * 1000),
    addSighting(undefined, first * 1000),
  );
}

const every = (gap: number, count: number): Sightings =>
  seenAt(...Array.from({ length: count }, (_none, index) => index * gap));

describe('repetition is number and time', () => {
  const TWICE = { times: 2, seconds: 12 };

  test.each([
    ['once', seenAt(0), false],
    ['twice within a second', seenAt(0, 1), false],
    ['a hundred times within a second', seenAt(...Array.from({ length: 100 }, () => 1)), false],
    ['twice, far enough apart', seenAt(0, 12), true],
  ])('%s', (_how, sightings, is) => {
    expect(isRepeated(sightings, TWICE)).toBe(is);
  });
});

describe.each([0.2, 1, 3, 50, 600])('seen every %d s for as long as a day', (gap) => {
  const count = Math.min(20_000, Math.floor(DAY_SECONDS / gap));
  const sightings = every(gap, count);
  const length = (count - 1) * gap;

  test('is counted whole, and kept small', () => {
    expect([sightings.count, sightings.firstAt, sightings.lastAt]).toEqual([
      count,
      0,
      length * 1000,
    ]);
    expect(sightings.marks.length).toBeLessThanOrEqual(24);
  });

  test.each([0.5, 0.9, 0.99])('is known well enough after the part %d of it', (part) => {
    const begin = length * part * 1000;
    const after = sightingsAfter(sightings, begin);
    const real = count - 1 - Math.floor((length * part) / gap);

    expect(after?.lastAt).toBe(sightings.lastAt);
    expect(after?.firstAt).toBeGreaterThan(begin);
    // Of the time since then at least half is known to have been filled.
    expect(sightings.lastAt - (after?.firstAt ?? 0)).toBeGreaterThanOrEqual(
      Math.max(0, (sightings.lastAt - begin) / 2 - gap * 1000),
    );
    expect(after?.count).toBeLessThanOrEqual(real);
    expect(after?.count).toBeGreaterThanOrEqual(Math.floor(real / 2));
  });

  test('has that gap', () => {
    for (const one of gapSecondsOf(sightings)) expect(one).toBeCloseTo(gap, 1);
  });
});

test('nothing is after the last sighting', () => {
  expect(sightingsAfter(seenAt(0, 5), 5000)).toBeUndefined();
});

describe('a run', () => {
  test.each([
    ['goes on after a short pause', [0, 50], 0],
    ['begins again after a long one', [0, 5, 100], 100],
    ['goes on where the pause is the usual one', [0, 300, 600, 900], 300],
  ])('%s', (_how, seconds, runAt) => {
    expect(seenAt(...seconds).runAt).toBe(runAt * 1000);
  });

  test('is not changed by a line that is read late', () => {
    const sightings = addSighting(seenAt(100, 110), 20_000);

    expect(sightings).toMatchObject({ firstAt: 20_000, lastAt: 110_000, runAt: 100_000, count: 3 });
    expect(sightings.marks.at(-1)).toEqual({ at: 110_000, count: 3 });
  });
});

test('a wall clock that is set moves everything', () => {
  expect(shiftSightings(seenAt(0, 5), 1000)).toEqual(seenAt(1, 6));
});
