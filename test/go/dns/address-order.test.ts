import { describe, expect, test } from 'vitest';

import type { Address } from '../../../src/core/probe.ts';
import { sortLikeGo, sortBySource, canonicalAddress } from '../../../src/go/dns/address-order.ts';

const address = (text: string): Address => ({ address: text, family: text.includes(':') ? 6 : 4 });

describe('an address is written as', () => {
  test.each([
    ['10.0.0.5', '10.0.0.5'],
    ['2001:DB8:0:0:0:0:0:5', '2001:db8::5'],
    ['::ffff:10.0.0.5', '10.0.0.5'],
    ['0:0:0:0:0:ffff:a00:5', '10.0.0.5'],
    ['FE80::1%eth0', 'fe80::1%eth0'],
  ])('%s → %s', (text, plain) => {
    expect(canonicalAddress(text)).toBe(plain);
  });
});

/** `destination <- source`, as they came; then the destinations as Go dials them (Go: addrselect_test.go's rules). */
describe('RFC 6724 puts first', () => {
  test.each<[string, readonly string[], readonly string[]]>([
    [
      'what has a route',
      ['10.0.0.5 <- ', '2001:db8::5 <- 2001:db8::1'],
      ['2001:db8::5', '10.0.0.5'],
    ],
    [
      'what has a route, IPv4',
      ['2001:db8::5 <- ', '10.0.0.5 <- 10.0.0.1'],
      ['10.0.0.5', '2001:db8::5'],
    ],
    ['nothing when there is none', ['10.0.0.6 <- ', '10.0.0.5 <- '], ['10.0.0.6', '10.0.0.5']],
    [
      'IPv6 when both work',
      ['10.0.0.5 <- 10.0.0.1', '2001:db8::5 <- 2001:db8::1'],
      ['2001:db8::5', '10.0.0.5'],
    ],
    [
      'IPv4 when IPv6 would speak from a link-local address',
      ['2001:db8::5 <- fe80::1', '10.0.0.5 <- 10.0.0.1'],
      ['10.0.0.5', '2001:db8::5'],
    ],
    [
      'IPv4 before 6to4 and Teredo',
      ['2002:a00::5 <- 2002:a00::1', '2001::5 <- 2001::1', '10.0.0.5 <- 10.0.0.1'],
      ['10.0.0.5', '2002:a00::5', '2001::5'],
    ],
    [
      'IPv4 before a unique local address',
      ['fd00::5 <- fd00::1', '10.0.0.5 <- 10.0.0.1'],
      ['10.0.0.5', 'fd00::5'],
    ],
    [
      'a unique local address that fits its source before a global one that does not',
      ['2001:db8::5 <- fd00::1', 'fd00::5 <- fd00::1'],
      ['fd00::5', '2001:db8::5'],
    ],
    [
      'the longest prefix in common, for IPv6',
      ['2001:db8:2::5 <- 2001:db8:1::1', '2001:db8:1::5 <- 2001:db8:1::1'],
      ['2001:db8:1::5', '2001:db8:2::5'],
    ],
    [
      'what came first, for IPv4',
      ['192.0.2.5 <- 10.0.0.1', '10.0.0.5 <- 10.0.0.1', '10.0.0.4 <- 10.0.0.1'],
      ['192.0.2.5', '10.0.0.5', '10.0.0.4'],
    ],
    ['the loopback address', ['10.0.0.5 <- 10.0.0.1', '::1 <- ::1'], ['::1', '10.0.0.5']],
  ])('%s', (_name, pairs, order) => {
    const parts = pairs.map((pair) => pair.split(' <- '));
    const sources = parts.map(([, source = '']) => (source === '' ? undefined : source));
    const sorted = sortBySource(
      parts.map(([destination = '']) => address(destination)),
      sources,
    );
    expect(sorted.map((item) => item.address)).toEqual(order);
  });
});

test('the route is tried on this host: what cannot be reached comes last', async () => {
  // A documentation prefix with a zone that no interface has: there is no route to it on any host.
  const order = await sortLikeGo(['fe80::5%none', '127.0.0.1']);
  expect(order).toEqual([
    { address: '127.0.0.1', family: 4 },
    { address: 'fe80::5%none', family: 6 },
  ]);
});
