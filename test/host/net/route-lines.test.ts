/** The routing table as lines, out of texts as the kernel prints them. */
import { expect, test } from 'vitest';

import { ipv4Lines, ipv6Lines, readRouteLines } from '../../../src/host/net/route-lines.ts';

const IPV4 = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0
eth1\t0000000A\t00000000\t0201\t0\t0\t0\t000000FF\t0\t0\t0
`;
const IPV6 = [
  'fd000000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0',
  '00000000000000000000000000000000 00 00000000000000000000000000000000 00 fd000000000000000000000000000001 00000400 00000001 00000000 00000003     eth0',
  '20010db8000000010000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000000 00000009 00000007 00000001     eth0',
  '00000000000000000000000000000001 80 00000000000000000000000000000000 00 00000000000000000000000000000000 00000000 00000002 00000000 80200001       lo',
  'fe80000000000000081c12fffed1ded7 80 00000000000000000000000000000000 00 00000000000000000000000000000000 00000000 00000002 00000000 80200001     eth0',
].join('\n');

test('a default route, a network with a metric, and one that is rejected', () => {
  expect(ipv4Lines(IPV4)).toEqual([
    '0.0.0.0/0 via 192.0.2.1 dev eth0',
    '192.0.2.0/24 dev eth0 metric 100',
    'unreachable 10.0.0.0/8',
  ]);
});

test('IPv6 routes are written short, without those within this host and without counters', () => {
  expect(ipv6Lines(IPV6)).toEqual([
    'fd00::/64 dev eth0 metric 256',
    '::/0 via fd00::1 dev eth0 metric 1024',
    '2001:db8:0:1::/64 dev eth0',
  ]);
  expect(ipv6Lines(IPV6.replace('00000009 00000007', '0000000a 00000123'))).toEqual(
    ipv6Lines(IPV6),
  );
});

test('this host’s own table is read twice and gives the same', async () => {
  const paths = { rootfs: '/', procfs: '/proc', sysfs: '/sys' };

  expect(await readRouteLines(paths)).toEqual(await readRouteLines(paths));
  expect(await readRouteLines({ ...paths, procfs: '/nonexistent' })).toBeUndefined();
});
