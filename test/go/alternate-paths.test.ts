/** Which of two changes flips a handshake that stays without an answer, and what that means. */
import { expect, test } from 'vitest';

import type { Attempt } from '../../src/go/path-attempt.ts';
import { smaller } from '../../src/go/alternate-paths.ts';

const SILENT: Attempt = { reached: 'tls', addresses: [] };
const SHAKEN: Attempt = { ...SILENT, leafFingerprint: 'AB:CD' };

test.each([
  ['both', SHAKEN, SHAKEN, 'small-segments-work'],
  ['small packets alone', SHAKEN, SILENT, 'small-segments-work'],
  ['a short first message alone', SILENT, SHAKEN, 'small-hello-works'],
])('what helps is %s', async (_name, segments, hello, reason) => {
  const found = await smaller({ kind: 'direct', because: '' }, async (_way, change) => {
    if (change === undefined) return SILENT;
    return change.smallSegments === true ? segments : hello;
  });

  expect(found).toMatchObject({ status: 'warn', reason, measures: { tried: 2 } });
});

test('nothing helps where the usual packets get through by now', async () => {
  const found = await smaller({ kind: 'direct', because: '' }, async () => SHAKEN);

  expect(found.status).toBe('pass');
});
