/** No secret passes into an incident file, known or not; what is no secret stays readable. */
import { describe, expect, test } from 'vitest';

import { Secret } from '../../src/core/secret.ts';
import { redactorOf, redactDocument, withoutLogin } from '../../src/recorder/redaction.ts';
import { runner, snapshotOf } from '../support/snapshots.ts';

const TOKEN = 'glrt-t3_Abcdefghi-the-rest-of-it';
const redact = redactorOf(
  snapshotOf(
    {},
    {
      runners: [runner('Abcdefghi', { token: new Secret(TOKEN) })],
      proxy: {
        kind: 'proxy',
        scheme: 'http',
        host: 'proxy',
        port: 3128,
        variable: 'HTTPS_PROXY',
        credentials: { user: 'proxyuser', password: new Secret('p@ss/word') },
      },
    },
  ),
);

describe('what is hidden', () => {
  test.each([
    [`token=${TOKEN}`, 'token=[hidden]'],
    ['the rest -the-rest-of-it alone', 'the rest [hidden] alone'],
    ['via http://proxyuser:p%40ss%2Fword@proxy:3128', 'via http://[hidden]@proxy:3128'],
    ['PAT glpat-ABCdef123456_x', 'PAT glpat-[hidden]'],
    ['GR1348941abcDEF-123', 'GR1348941[hidden]'],
    ['cloning https://gitlab-ci-token:s3cr3t@gitlab/x', 'cloning https://[hidden]@gitlab/x'],
    ['Authorization: Basic dXNlcjpwYXNz', 'Authorization: Basic [hidden]'],
    ['{"private_token": "abcd1234"}', '{"private_token": "[hidden]"}'],
    ['password=hunter22&x=1', 'password=[hidden]&x=1'],
  ])('%s', (text, hidden) => {
    expect(redact(text)).toBe(hidden);
  });
});

test.each([
  'runner=Abcdefghi status=403 Forbidden',
  'dial tcp 10.0.0.2:443: connect: connection refused',
  'tokens of 3 runners are fine',
])('%s stays as it is', (text) => {
  expect(redact(text)).toBe(text);
});

test('every text of a document is redacted, however deep', () => {
  expect(JSON.parse(redactDocument({ a: [{ b: `x ${TOKEN}` }], n: 1 }, redact))).toEqual({
    a: [{ b: 'x [hidden]' }],
    n: 1,
  });
});

test.each([
  ['http://user:pass@proxy:3128', 'http://[hidden]@proxy:3128'],
  ['user:p@ss@proxy:3128', '[hidden]@proxy:3128'],
  ['http://proxy:3128', 'http://proxy:3128'],
])('the login of %s is left out', (value, redacted) => {
  expect(withoutLogin(value)).toBe(redacted);
});
