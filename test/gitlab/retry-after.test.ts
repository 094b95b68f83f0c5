import { describe, expect, test } from 'vitest';

import { skewOf } from '../../src/gitlab/clock-skew.ts';
import { httpDateOf, retryAfterSeconds } from '../../src/gitlab/retry-after.ts';
import { START } from '../support/clock.ts';
import { answerOf } from '../support/http-answer.ts';

/** START is 09:00:00. */
const at = (time: string): string => `Tue, 24 Nov 2026 ${time} GMT`;

describe('for how long an answer asks to be left in peace', () => {
  test.each<[number, string, number, Record<string, string>]>([
    [0, 'nothing asked', 200, {}],
    [60, '429 without a time', 429, {}],
    [60, '429 with a short one', 429, { 'retry-after': '2' }],
    [300, '429 with a long one', 429, { 'retry-after': ' 300 ' }],
    [90, '503 with a time', 503, { 'retry-after': '90' }],
    [2, '503 with a short one', 503, { 'retry-after': '2' }],
    [120, 'a date', 503, { 'retry-after': at('09:02:00') }],
    [
      60,
      'a date by the clock of the server',
      503,
      { 'retry-after': at('12:01:00'), date: at('12:00:00') },
    ],
    [0, 'a date that is over', 503, { 'retry-after': at('08:00:00') }],
    [0, 'a negative number', 503, { 'retry-after': '-5' }],
    [0, 'a fraction, which is no such number', 503, { 'retry-after': '1.5' }],
    [0, 'no number at all', 503, { 'retry-after': 'soon' }],
    [86_400, 'more than a day', 503, { 'retry-after': '99999999' }],
    [86_400, 'more than a number can hold', 429, { 'retry-after': '9'.repeat(400) }],
    [86_400, 'the year 9999', 429, { 'retry-after': 'Fri, 31 Dec 9999 23:59:59 GMT' }],
    [180, 'the end of GitLab’s window', 429, { 'ratelimit-resettime': at('09:03:00') }],
    [300, 'the later of two', 429, { 'ratelimit-resettime': at('09:03:00'), 'retry-after': '300' }],
    [0, 'the window of an answer that is no 429', 401, { 'ratelimit-resettime': at('09:03:00') }],
  ])('%i s: %s', (expected, _what, status, headers) => {
    expect(retryAfterSeconds(answerOf(status, '', headers))).toBe(expected);
  });
});

test.each<[string | undefined, number | undefined]>([
  [at('09:00:00'), START],
  ['Tuesday, 24-Nov-26 09:00:00 GMT', undefined],
  ['Tue, 24 Nov 2026 25:00:00 GMT', undefined],
  ['5', undefined],
  ['2026-11-24', undefined],
  ['', undefined],
  [undefined, undefined],
])('the date %j is %j', (text, expected) => {
  expect(httpDateOf(text)).toBe(expected);
});

describe('the clock of this host against GitLab’s, good to one second', () => {
  test.each<[number | undefined, Record<string, string>]>([
    [0, { date: at('09:00:00') }],
    [0, { date: at('08:59:59') }],
    [301, { date: at('09:05:00') }],
    [-3599, { date: at('08:00:00') }],
    [undefined, { date: at('08:00:00'), age: '3600' }],
    [301, { date: at('09:05:00'), age: '0' }],
    [undefined, { date: '5' }],
    [undefined, {}],
  ])('%j s for %j', (expected, headers) => {
    expect(skewOf(answerOf(200, '', headers)).clock_skew_seconds).toBe(expected);
  });
});
