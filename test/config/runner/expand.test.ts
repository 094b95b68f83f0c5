/** Go's os.ExpandEnv, durations of Go, base URLs of the runner: small rules as tables. */
import { describe, expect, test } from 'vitest';

import { baseUrlOf, redactUrl } from '../../../src/config/runner/base-url.ts';
import { expandEnvironment, formatVariable } from '../../../src/config/runner/expand.ts';
import { goDurationSeconds, nearestGoDuration } from '../../../src/core/go-duration.ts';
import { redactValue } from '../../../src/config/runner/redact-value.ts';

describe('expansion by the environment', () => {
  const environment = { HOST: 'gitlab.example.com', A: '1', EMPTY: '', '1': 'one' };

  test.each([
    ['https://gitlab.example.com/', 'https://gitlab.example.com/', []],
    ['https://$HOST/', 'https://gitlab.example.com/', []],
    ['https://${HOST}:${A}/', 'https://gitlab.example.com:1/', []],
    ['$HOST$A', 'gitlab.example.com1', []],
    ['$HOSTED', '', ['HOSTED']],
    ['${NO}-${NO}-$EMPTY', '--', ['NO']],
    ['$1x', 'onex', []],
    ['a$', 'a$', []],
    ['a$/b', 'a$/b', []],
    ['a${}b', 'ab', []],
    ['a${b', 'ab', []],
    ['$constructor', '', ['constructor']],
  ])('%s', (text, expanded, unset) => {
    expect(expandEnvironment(text, environment)).toEqual({ kind: 'text', text: expanded, unset });
  });

  test('a text that names variables is not known when the environment is not', () => {
    expect(expandEnvironment('https://$HOST/', undefined)).toEqual({
      kind: 'blind',
      variables: ['HOST'],
    });
    expect(expandEnvironment('https://h/', undefined)).toMatchObject({ text: 'https://h/' });
  });

  test('the text after a stray dollar of a token is not shown as a name', () => {
    expect([formatVariable('RUNNER_TOKEN'), formatVariable('s3cretPart')]).toEqual([
      '$RUNNER_TOKEN',
      'a variable',
    ]);
  });
});

describe('durations of Go', () => {
  test.each([
    ['0', 0],
    ['90s', 90],
    ['1h30m', 5400],
    ['500ms', 0.5],
    ['1.5h', 5400],
    ['.5s', 0.5],
    ['-1m', -60],
    ['+1m', 60],
    ['1m1ns', 60.000000001],
    ['3600 s', undefined],
    ['1d', undefined],
    ['900', undefined],
    ['1h30min', undefined],
    ['', undefined],
    ['s', undefined],
    ['3000000h', undefined],
  ])('%s is %s s', (text, seconds) => {
    expect(goDurationSeconds(text)).toBe(seconds);
  });

  test.each([
    ['3600 s', '3600s'],
    ['1 h 30 min', '1h30m'],
    ['2 days', '48h'],
    ['900', '900s'],
    ['5 minutes', '5m'],
    ['soon', undefined],
  ])('%s was meant as %s', (text, meant) => {
    expect(nearestGoDuration(text)).toBe(meant);
  });
});

describe('the base URL that the runner makes', () => {
  test.each([
    ['https://gitlab.example.com', 'https://gitlab.example.com/'],
    ['https://gitlab.example.com///', 'https://gitlab.example.com/'],
    ['https://gitlab.example.com/ci', 'https://gitlab.example.com/'],
    ['https://gitlab.example.com/ci/', 'https://gitlab.example.com/'],
    ['https://gitlab.example.com/ci/ci', 'https://gitlab.example.com/ci/'],
    ['http://10.0.0.1:8080/gitlab', 'http://10.0.0.1:8080/gitlab/'],
    ['HTTPS://GitLab.example.com/', 'https://GitLab.example.com/'],
    ['https://me:secret@gitlab.example.com/', 'https://gitlab.example.com/'],
    ['https://gitlab.example.com/api/v4', 'https://gitlab.example.com/api/v4/'],
  ])('%s → %s', (text, expected) => {
    const base = baseUrlOf(text);

    expect(base.ok ? base.url.href : base.why).toBe(expected);
  });

  test.each([
    ['', 'is empty'],
    [' ', 'is empty'],
    ['gitlab.example.com', 'does not start with http:// or https://'],
    ['gitlab.example.com:8080', 'does not start with http:// or https://'],
    ['ftp://gitlab.example.com', 'does not start with http:// or https://'],
    ['https:/gitlab.example.com', 'does not start with http:// or https://'],
    [' https://gitlab.example.com', 'contains a space or a control character'],
    ['https://gitlab.example.com/?x=1', 'contains ? or #'],
    ['https://gitlab.example.com:99999/', 'has a port above 65535'],
    ['https:///gitlab', 'names no host'],
    ['https://', 'names no host'],
  ])('%j %s', (text, why) => {
    expect(baseUrlOf(text)).toMatchObject({ ok: false, why });
  });

  test('credentials are not shown', () => {
    expect([redactUrl('https://me:pw@host/x'), redactUrl('me:pw@host'), redactUrl('host')]).toEqual(
      ['https://host/x', 'host', 'host'],
    );
  });
});

test.each([
  ['cpus', '2', '2'],
  ['memory', '4 GiB', '4 GiB'],
  ['token', '12', '…'],
  ['SecretKey', 'a', '…'],
  ['environment', 'A=b', '…'],
  ['name', 'glrt-abc', '…'],
  ['name', 'abcdefghijklmnopqrstuvwxyz', '…'],
  ['image', 'two\nlines', '…'],
])('of %s = %j is shown %j', (key, text, redacted) => {
  expect(redactValue(key, text)).toBe(redacted);
});
