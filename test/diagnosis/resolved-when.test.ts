/** A cause says when it clears: by the check that it was read from, never by one that passes all the time. */
import { expect, test } from 'vitest';

import { requireCause, resolvedWhen } from '../../src/diagnosis/build-cause.ts';
import { catalogue, probesOf } from '../../src/diagnosis/catalogue/index.ts';

test.each([
  ['ephemeral-ports-exhausted', 'connect', 'the connect check passes again'],
  ['ephemeral-ports-exhausted', 'limits', 'the limits check passes again'],
  ['network-no-route', 'dns', 'the DNS check passes again'],
  ['gitlab-unavailable', 'token', 'the token check passes again'],
  ['edge-waf-blocked', 'http', 'the HTTP and API checks pass again'],
])('%s read from %s', (id, probe, text) => {
  expect(resolvedWhen(requireCause(id), probe)).toBe(text);
});

test('every further check of an entry is named where the cause was read from it', () => {
  const wrong = catalogue.flatMap((spec) => {
    const [first, ...others] = [...new Set(probesOf(spec))];
    return others
      .filter((probe) => probe !== first)
      .filter((probe) => !resolvedWhen(spec, probe).toLowerCase().includes(`${probe} check`));
  });

  expect(wrong).toEqual([]);
});
