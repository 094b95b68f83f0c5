/** Addresses that a name server gave before, from the results of the dns link. */
import { describe, expect, test } from 'vitest';

import type { Finding, ProbeResult } from '../../../src/core/finding.ts';
import type { Resolution } from '../../../src/core/lookup.ts';
import { earlierAddressesOf, timesGiven } from '../../../src/go/dns/earlier-addresses.ts';
import { START } from '../../support/clock.ts';

const NAME = 'gitlab.test';

function lookups(...answers: readonly (string | Finding['facts'])[]): readonly ProbeResult[] {
  return answers.map((answer) => ({
    check: 'dns@gitlab',
    startedAt: START,
    durationSeconds: 0.1,
    finding: {
      status: 'pass',
      facts: {
        name: NAME,
        source: 'dns',
        ...(typeof answer === 'string' ? { addresses: answer } : answer),
      },
    },
  }));
}

const of = (address: string, over: Partial<Resolution> = {}): Resolution => ({
  name: NAME,
  addresses: [{ address, family: 4 }],
  source: 'dns',
  servers: ['10.0.0.53'],
  isFallback: false,
  names: [NAME],
  queries: [],
  ...over,
});

const addressesOf = (found: Resolution, results: readonly ProbeResult[]) =>
  earlierAddressesOf(found, results).map(({ address }) => address);

describe('the addresses of earlier answers', () => {
  test('are those that the answer of now lacks, each once', () => {
    const results = lookups('10.0.0.1', '10.0.0.2, 10.0.0.3', '10.0.0.1', '10.0.0.2');
    expect(addressesOf(of('10.0.0.1'), results)).toEqual(['10.0.0.2', '10.0.0.3']);
  });

  test.each<[string, Finding['facts']]>([
    ['of another name', { name: 'proxy.test', addresses: '10.0.0.2' }],
    ['of the hosts file', { source: 'hosts', addresses: '10.0.0.2' }],
    ['of a lookup that failed', { addresses: undefined } as never],
  ])('not those %s', (_what, facts) => {
    expect(addressesOf(of('10.0.0.1'), lookups(facts))).toEqual([]);
  });

  test('none while the hosts file decides', () => {
    expect(addressesOf(of('10.0.0.1', { source: 'hosts' }), lookups('10.0.0.2'))).toEqual([]);
  });
});

test.each<[number, string, readonly string[]]>([
  [0, 'never', ['10.0.0.1']],
  [1, 'since a change', ['10.0.0.1', '10.0.0.2', '10.0.0.2']],
  [1, 'until a change', ['10.0.0.2', '10.0.0.2', '10.0.0.1']],
  [2, 'in turn', ['10.0.0.2', '10.0.0.1', '10.0.0.1', '10.0.0.2', '10.0.0.2']],
  [1, 'always, in another order', ['10.0.0.1, 10.0.0.2', '10.0.0.2, 10.0.0.1']],
])('the name came to the address %d times: %s', (times, _what, answers) => {
  expect(timesGiven('10.0.0.2', lookups(...answers))).toBe(times);
});
