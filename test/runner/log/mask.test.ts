import { expect, test } from 'vitest';

import { maskSecrets } from '../../../src/runner/log/mask.ts';

test.each([
  ['a token of now', 'token glrt-t1_Abcdef0123456789xyz. end', 'token [hidden] end'],
  ['a token of registration', 'GR1348941Abcdef0123456789', '[hidden]'],
  ['a token of a person', 'PAT glpat-Abcdef0123456789', 'PAT [hidden]'],
  ['a job’s token in a header', 'JOB-TOKEN: 64_abcdef', 'JOB-TOKEN: [hidden]'],
  ['a bearer', 'Authorization: Bearer abc.def', 'Authorization: Bearer [hidden]'],
  [
    'a password in an address',
    'via http://me:secret@proxy:3128/',
    'via http://[hidden]@proxy:3128/',
  ],
  ['a query', 'GET /x?private_token=abcdef&page=2', 'GET /x?private_token=[hidden]&page=2'],
  ['a variable of a job', 'DB_PASSWORD=hunter2 next', 'DB_PASSWORD=[hidden] next'],
  ['a signed token', 'jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc', 'jwt [hidden]'],
  ['a token of twenty characters', 'runner xY3zAbCdEfGh12345678 done', 'runner [hidden] done'],
])('%s is not kept', (_what, text, masked) => {
  expect(maskSecrets(text)).toBe(masked);
});

test.each([
  'runner=t9Wkyj-HG',
  'correlation_id=01JD3Z6Q7R8S9T0V1W2X3Y4Z5A',
  'correlation_id=0123456789abcdef0123456789abcdef',
  'dial tcp 10.200.0.2:443: connect: connection refused',
  'Post "https://gitlab.example.com/api/v4/jobs/request": EOF',
  'Starting multi-runner from /etc/gitlab-runner/config.toml...',
])('%s stays as it is', (text) => {
  expect(maskSecrets(text)).toBe(text);
});

test('nothing in it moves the cursor or ends the line', () => {
  expect(maskSecrets('a\u001B[2Jb\nc')).toBe('a\uFFFD[2Jb\uFFFDc');
});
