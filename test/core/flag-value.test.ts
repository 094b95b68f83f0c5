/** Flags as Go's flag package reads them. */
import { expect, test } from 'vitest';

import { flagValue } from '../../src/core/flag-value.ts';

test.each([
  ['two words', 'run --user ci', 'ci'],
  ['one word', 'run --user=ci', 'ci'],
  ['one dash', 'run -user ci', 'ci'],
  ['the short name', 'run -u ci', 'ci'],
  ['an equals sign in the value', 'run --user=a=b', 'a=b'],
  ['an empty value', 'run --user=', ''],
  ['the last one counts', 'run --user a -u b', 'b'],
  ['a name that begins alike', 'run --username ci', undefined],
  ['two dashes before the short name', 'run --u ci', 'ci'],
  ['no dash', 'run user ci', undefined],
  ['no value', 'run --user', undefined],
])('%s', (_, line, value) => {
  expect(flagValue(line.split(' '), '--user', '-u')).toBe(value);
});
