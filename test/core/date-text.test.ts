import { describe, expect, it } from 'vitest';

import { dateAndAge, dateOfFact, dateText } from '../../src/core/date-text.ts';

const at = Date.parse('2026-11-28T22:24:59.999Z');

describe('a point in time', () => {
  it('is written to the minute, in UTC', () => {
    expect(dateText(at)).toBe('2026-11-28 22:24 UTC');
  });

  it.each([
    [at, 'now'],
    [at + 59_000, 'now'],
    [at + 60_000, '1 minute ago'],
    [at + 7_200_000, '2 hours ago'],
    [at + 86_400_000, '1 day ago'],
    [at - 3 * 86_400_000, 'in 3 days'],
  ])('has its age at %d', (now, age) => {
    expect(dateAndAge(at, now)).toBe(`2026-11-28 22:24 UTC (${age})`);
  });
});

it('a fact that is no date stays as it is', () => {
  expect(dateOfFact('2026-11-28T22:24:00.000Z')).toBe('2026-11-28 22:24 UTC');
  expect(dateOfFact('NOT_AFTER')).toBe('NOT_AFTER');
});
