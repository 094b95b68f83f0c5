import { crc32 } from 'node:zlib';

import { describe, expect, test } from 'vitest';

import { Secret } from '../../src/core/secret.ts';
import type { RunnerTarget } from '../../src/core/target.ts';
import { judgeTokenShape } from '../../src/gitlab/token-shape.ts';
import type { TokenFormatFault } from '../../src/gitlab/token.ts';
import { isSystemId, shortToken, tokenFormatFault } from '../../src/gitlab/token.ts';
import { runnerTarget } from '../support/probes.ts';

test.each([
  ['glrt-abcdefghijklmnopqrst', 'abcdefghi'],
  ['glrt-t1_abcdefghijklmnopqrst', 'abcdefghi'],
  ['glrt-t3_abcdefghijklmnopqrst', 'abcdefghi'],
  ['t2_abcdefghijklmnopqrst', 'abcdefghi'],
  ['glrtr-abcdefghijklmnopqrst', 'abcdefghi'],
  ['GR1348941abcdefghijklmnop', 'abcdefghi'],
  ['abcdefghijklmnopqrst', 'abcdefghi'],
  ['abc', 'abc'],
  ['', ''],
])('the runner shows %s as %s', (text, short) => {
  expect(shortToken(new Secret(text))).toBe(short);
});

test.each<[string, TokenFormatFault | undefined]>([
  ['glrt-abcdefghijklmnopqrst', undefined],
  ['glrtr-abcdefghijklmnopqrst', undefined],
  ['glrt-abc.DEF_0', undefined],
  ['abcdefghijklmnopqrst', undefined],
  ['', 'blank'],
  [' \t\n', 'blank'],
  ['GR1348941abcdefghijklmnop', 'registration'],
  ['glpat-abcdefghijklmnopqrst', 'other-kind'],
  ['gldt-abcdefghijklmnopqrst', 'other-kind'],
  ['glcbt-64_abcdefghijklmnopqrst', 'other-kind'],
  ['ghp_abcdefghijklmnopqrst', 'other-kind'],
  ['DEFAULT TOKEN', 'placeholder'],
  ['<token>', 'placeholder'],
  ['xxxx', 'placeholder'],
  ['your-token', 'placeholder'],
  ['changeme', 'placeholder'],
  ['[MASKED]', 'placeholder'],
  [' glrt-abcdefghijklmnopqrst', 'characters'],
  ['glrt-abcdefghij klmnopqrst', 'characters'],
  ['"glrt-abcdefghijklmnopqrst"', 'characters'],
  ['line\nbreak', 'characters'],
  ['null\u0000', 'characters'],
  ['glrt-“abc”', 'characters'],
])('%j has the fault %s', (text, fault) => {
  expect(tokenFormatFault(new Secret(text))).toBe(fault);
});

describe('the checksum of a routable token', () => {
  const body = 'glrt-bzoyCnA6MQp0OjMKdToxCw.01.0y';
  const good = `${body}${crc32(body).toString(36).padStart(7, '0')}`;
  const other = good.endsWith('0') ? '1' : '0';

  test.each([
    [undefined, 'as GitLab made it', good],
    ['checksum', 'with a last character changed', `${good.slice(0, -1)}${other}`],
    ['checksum', 'with a first character changed', `glrt-B${good.slice(6)}`],
    [undefined, 'of a token that has none', 'glrt-abcdefghijklmnopqrst'],
  ])('%s: %s', (expected, _what, text) => {
    expect(tokenFormatFault(new Secret(text))).toBe(expected);
  });
});

test.each([
  [true, 's_0a1B2c3D4e5F'],
  [true, 'r_000000000000'],
  [false, 's_0a1B2c3D4e5'],
  [false, 's_0a1B2c3D4e5F6'],
  [false, 't_0a1B2c3D4e5F'],
  [false, 's_0a1B2c3D4e5-'],
  [false, ' s_0a1B2c3D4e5F'],
  [false, 's_0a1B2c3D4e5F\n'],
  [false, ''],
])('%s: a system id is %j', (expected, text) => {
  expect(isSystemId(text)).toBe(expected);
});

const entry = (text: string): RunnerTarget => ({
  ...runnerTarget('AAAAAAAAA'),
  token: new Secret(text),
  line: 7,
});

describe('what is wrong with a token is said without it', () => {
  test.each([
    ['missing', '', 'is empty'],
    ['registration-token', 'GR1348941secretsecret', 'starts with GR, as registration tokens do'],
    ['wrong-kind', 'glpat-secretsecret', 'has the prefix of another kind of token'],
    ['wrong-kind', 'your-secret', 'is a placeholder'],
    ['wrong-kind', 'secret\u0007', 'has characters that a token cannot have'],
    ['wrong-kind', 'glrt-secret secret', 'has characters that a token cannot have'],
    ['checksum-mismatch', 'glrt-bzoyCnA6MQp0OjMKdToxCw.01.0y0000000', 'has a wrong checksum'],
  ])('%s: %j', (reason, text, why) => {
    expect(judgeTokenShape(entry(text))).toEqual({
      status: 'fail',
      reason,
      detail: `the token of name of AAAAAAAAA (AAAAAAAAA, line 7 of config.toml) ${why}`,
    });
  });

  test('a token of the right shape is left to GitLab', () => {
    expect(judgeTokenShape(entry('glrt-abcdefghijklmnopqrst'))).toBeUndefined();
  });
});
