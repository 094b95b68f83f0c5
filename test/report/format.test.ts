/** Numbers and times as people read them. */
import { expect, test } from 'vitest';

import { formatDuration } from '../../src/core/duration-text.ts';
import { printable } from '../../src/core/printable.ts';
import { formatBytes, measureName, formatMeasure } from '../../src/report/format.ts';

test.each([
  [0, '0 s'],
  [119, '119 s'],
  [120, '2 min'],
  [7199, '120 min'],
  [7200, '2 h'],
  [172_800, '2 d'],
  [-90, '-90 s'],
])('%i seconds are %s', (seconds, text) => {
  expect(formatDuration(seconds)).toBe(text);
});

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.0 KiB'],
  [10 * 1024 ** 2, '10 MiB'],
  [1.5 * 1024 ** 3, '1.5 GiB'],
  [2 * 1024 ** 5, '2048 TiB'],
])('%d bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test.each([
  ['lookup_seconds', 0.0042, '4 ms'],
  ['hung_seconds', 12, '12.0 s'],
  ['free_ratio', 0.04, '4 %'],
  ['free_bytes', 2048, '2.0 KiB'],
  ['leaf_not_after_timestamp_seconds', 1_764_000_000, '2025-11-24 16:00 UTC'],
  ['addresses', 2, '2'],
  ['load', 0.333, '0.33'],
])('%s of %d is shown as %s', (name, value, text) => {
  expect(formatMeasure(name, value)).toBe(text);
});

test('the unit is taken off a name', () => {
  expect(
    ['free_inodes_ratio', 'leaf_not_after_timestamp_seconds', 'load'].map((name) =>
      measureName(name),
    ),
  ).toEqual(['free inodes', 'leaf not after', 'load']);
});

test('letters of every script are printable, marks that command a terminal are not', () => {
  expect(printable('Runner أهلا 北京 é 🙂')).toBe('Runner أهلا 北京 é 🙂');
  expect(printable('a\nb\u001B[0m\u202Ec\u2028')).toBe('a\uFFFDb\uFFFD[0m\uFFFDc\uFFFD');
});
