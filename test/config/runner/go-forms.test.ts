/** Texts with a grammar of their own are read as the libraries of the runner read them (fixtures/go-forms.tsv). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { isCronPeriod } from '../../../src/config/runner/cron-period.ts';
import { isGoExpression } from '../../../src/config/runner/go-expression.ts';
import { isTimeZone, timeZoneNamed } from '../../../src/config/runner/time-zone.ts';
import { rationalOf, sizeOf, withUnit } from '../../../src/config/runner/value-forms.ts';
import { goDurationSeconds } from '../../../src/core/go-duration.ts';
import { goTime } from '../../../src/core/go-time.ts';

const answered = (isRead: boolean): string => (isRead ? 'ok' : 'error');
const numbered = (value: number | undefined): string => String(value ?? 'error');

const READ: Readonly<Record<string, (text: string, answer: string) => string>> = {
  size: (text) => {
    const bytes = sizeOf(text);
    return bytes !== undefined && bytes >= 2 ** 63 ? 'overflow' : numbered(bytes);
  },
  cpus: (text) => numbered(rationalOf(text)),
  cron: (text) => answered(isCronPeriod(text)),
  zone: (text) => answered(isTimeZone(text)),
  expression: (text) => answered(isGoExpression(text)),
  time: (text) => numbered(goTime(text)),
  duration: (text) => numbered(goDurationSeconds(text)),
};

/** In our units: Unix milliseconds, and seconds. */
const OURS: Readonly<Record<string, (answer: string) => string>> = {
  size: (answer) => (answer === 'overflow' ? answer : numbered(Number(answer))),
  time: (answer) => numbered(Date.parse(answer)),
  duration: (answer) => numbered(Number(answer) / 1e9),
};

const ROWS = readFileSync(join(import.meta.dirname, '../../fixtures/go-forms.tsv'), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => line.split('\t'))
  .map(([kind = '', text = '', answer = '']) => ({
    kind,
    text: JSON.parse(text) as string,
    answer,
  }));

test.each([
  ['size', 60],
  ['cpus', 30],
  ['cron', 100],
  ['zone', 50],
  ['expression', 150],
  ['time', 50],
  ['duration', 40],
])('of the kind %s there are at least %d forms', (kind, count) => {
  expect(ROWS.filter((row) => row.kind === kind).length).toBeGreaterThanOrEqual(count);
});

describe.each(Object.keys(READ))('%s', (kind) => {
  test.each(ROWS.filter((row) => row.kind === kind))('$text is $answer', ({ text, answer }) => {
    const wanted = answer === 'error' ? answer : (OURS[kind]?.(answer) ?? answer);

    expect(READ[kind]?.(text, answer)).toBe(wanted);
  });
});

test('a zone in another case is the one that was meant', () => {
  expect(timeZoneNamed('europe/berlin')).toBe('Europe/Berlin');
  expect(timeZoneNamed('utc')).toBe('UTC');
  expect(timeZoneNamed('Mars/Phobos')).toBeUndefined();
});

test.each([
  [1n, 2 ** 30],
  [63n, 63 * 2 ** 30],
  [64n, 64 * 2 ** 20],
  [512n, 512 * 2 ** 20],
  [8192n, 8192 * 2 ** 20],
  [65_535n, 65_535 * 2 ** 20],
  [1_048_576n, 2 ** 30],
  [4_194_304n, 4 * 2 ** 30],
])('the unit that is suggested for %d makes %d bytes', (value, bytes) => {
  expect(sizeOf(withUnit(value))).toBe(bytes);
});

test.each([
  [999, true],
  [1001, false],
  [100_000, false],
])('an expression of %d groups within groups is %s', (depth, isRead) => {
  expect(isGoExpression(`${'('.repeat(depth)}a${')'.repeat(depth)}`)).toBe(isRead);
});

test('a quotation of nothing is nothing to repeat', () => {
  expect(isGoExpression('\\Q\\E*')).toBe(false);
  expect(isGoExpression('a\\Q\\E')).toBe(true);
});

test.each([
  [`${'0'.repeat(100_000)}1h`, 3600],
  [`${'9'.repeat(100_000)}h`, undefined],
])('a duration of very many digits is read at once', (text, seconds) => {
  expect(goDurationSeconds(text)).toBe(seconds);
});
