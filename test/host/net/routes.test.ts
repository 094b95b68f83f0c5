import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { endianness, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { describe, expect, test } from 'vitest';

import {
  findRouteObstacle,
  findClosedRoute,
  parseIpv4Routes,
  parseIpv6Routes,
} from '../../../src/host/net/routes.ts';

const HEAD =
  'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n';

/** An address as the kernel of this machine prints it. */
function hex(address: string): string {
  const bytes = address.split('.').map(Number);
  return Buffer.from(endianness() === 'LE' ? bytes.toReversed() : bytes)
    .toString('hex')
    .toUpperCase();
}

function ipv4(name: string, network: string, mask: string, flags = '0001'): string {
  return `${name}\t${hex(network)}\t00000000\t${flags}\t0\t0\t0\t${hex(mask)}\t0\t0\t0\n`;
}

const DEFAULT = ipv4('eth0', '0.0.0.0', '0.0.0.0', '0003');
const LAN = ipv4('eth1', '10.0.0.0', '255.255.255.0');
const ZEROS = '0'.repeat(32);
const ipv6 = (
  network: string,
  bits: string,
  flags: string,
  name: string,
  metric = '00000400',
): string =>
  `${network} ${bits} ${ZEROS} 00 ${ZEROS} ${metric} 00000001 00000000 ${flags}     ${name}\n`;
const DEFAULT6 = ipv6(ZEROS, '00', '00000003', 'eth0');
const LAN6 = ipv6('fd000000000000000000000000000000', '40', '00000001', 'eth1');
const UNREACHABLE6 = ipv6(ZEROS, '00', '00200200', 'lo', 'ffffffff');
const CLOSED6 = ipv6('fd000000000000000000000000000005', '80', '00200200', 'lo');
/** Blackhole, unreachable and prohibit, as kernel 6.18 prints them. */
const BLACKHOLE = ipv4('*', '10.0.0.5', '255.255.255.255', '0005');
const UNREACHABLE = ipv4('*', '10.9.0.0', '255.255.0.0', '0205');

test('a line may lead over a gateway', () => {
  const ofIpv4 = `eth0\t${hex('0.0.0.0')}\t${hex('172.17.0.1')}\t0003\t0\t0\t0\t${hex('0.0.0.0')}\t0\t0\t0\n`;
  const [network, gateway] = [ZEROS, `fd${'0'.repeat(29)}1`];
  const ofIpv6 = `${network} 00 ${ZEROS} 00 ${gateway} 00000400 00000001 00000000 00000003     eth0\n`;

  expect(parseIpv4Routes(`${HEAD}${ofIpv4}`)).toMatchObject([{ gateway: '172.17.0.1' }]);
  expect(parseIpv6Routes(ofIpv6)).toMatchObject([
    { gateway: 'fd00:0000:0000:0000:0000:0000:0000:0001' },
  ]);
});

test('a line of /proc/net/route leads somewhere, or blocks the destination', () => {
  const text = `${HEAD}${DEFAULT}${LAN}${BLACKHOLE}${UNREACHABLE}`;
  expect(parseIpv4Routes(text)).toEqual([
    { family: 'ipv4', network: '0.0.0.0', bits: 0, interface: 'eth0', isClosed: false },
    { family: 'ipv4', network: '10.0.0.0', bits: 24, interface: 'eth1', isClosed: false },
    { family: 'ipv4', network: '10.0.0.5', bits: 32, interface: '*', isClosed: true },
    { family: 'ipv4', network: '10.9.0.0', bits: 16, interface: '*', isClosed: true },
  ]);
});

test('a line of /proc/net/ipv6_route leads out, or blocks the destination; the kernel’s own last line does neither', () => {
  const found = parseIpv6Routes(`${DEFAULT6}${LAN6}${CLOSED6}${UNREACHABLE6}`);

  expect(found.map((route) => [route.network, route.bits, route.isClosed])).toEqual([
    [Array(8).fill('0000').join(':'), 0, false],
    [`fd00:${Array(7).fill('0000').join(':')}`, 64, false],
    [`fd00:${Array(6).fill('0000').join(':')}:0005`, 128, true],
  ]);
});

interface Host {
  readonly route?: string;
  readonly ipv6?: string;
  readonly links?: Readonly<Record<string, string>>;
}

async function blocked(
  addresses: readonly string[],
  host: Host,
  look = findRouteObstacle,
): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'runnerwatch-routes-'));
  const links = Object.entries(host.links ?? {});
  const files = [
    ['proc/net/route', host.route === undefined ? undefined : HEAD + host.route],
    ['proc/net/ipv6_route', host.ipv6],
    ...links.map(([name, state]) => [`sys/class/net/${name}/operstate`, `${state}\n`]),
  ] as const;
  try {
    for (const [path = '', text] of files) {
      if (text === undefined) continue;
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    const paths = { rootfs: folder, procfs: join(folder, 'proc'), sysfs: join(folder, 'sys') };
    return await look(addresses, paths);
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe('the route to name servers', () => {
  const routes = { route: DEFAULT + LAN, ipv6: DEFAULT6 + LAN6 };
  const UP = { lo: 'unknown', eth0: 'up', eth1: 'up' };

  test.each<[string, readonly string[], Host, string | undefined]>([
    [
      'is open over links that are up',
      ['10.0.0.2', '192.0.2.1'],
      { ...routes, links: UP },
      undefined,
    ],
    [
      'is blocked by a link that is down',
      ['10.0.0.2'],
      { ...routes, links: { ...UP, eth1: 'down' } },
      'eth1 is down',
    ],
    [
      'is blocked by a cable that is out',
      ['192.0.2.1'],
      { ...routes, links: { ...UP, eth0: 'lowerlayerdown' } },
      'eth0 is down',
    ],
    [
      'is judged by the longest prefix',
      ['10.0.0.2'],
      { ...routes, links: { ...UP, eth0: 'down' } },
      undefined,
    ],
    [
      'is judged for IPv6 too',
      ['fd00::2'],
      { ...routes, links: { ...UP, eth1: 'down' } },
      'eth1 is down',
    ],
    [
      'is open when one of them can be reached',
      ['10.0.0.2', '192.0.2.1'],
      { ...routes, links: { ...UP, eth1: 'down' } },
      undefined,
    ],
    [
      'is blocked when each is, for its own reason',
      ['10.0.0.2', '192.0.2.1'],
      { ...routes, links: { eth0: 'down', eth1: 'down' } },
      'eth1 is down, eth0 is down',
    ],
    [
      'is not judged without a route: a policy may lead elsewhere',
      ['192.0.2.1'],
      { route: LAN, links: UP },
      undefined,
    ],
    [
      'is not judged by a link that may be up',
      ['10.0.0.2'],
      { ...routes, links: { eth1: 'dormant' } },
      undefined,
    ],
    [
      'is open to a stub on a host that is connected',
      ['127.0.0.53'],
      { ...routes, links: UP },
      undefined,
    ],
    [
      'ends at a stub when nothing leads out',
      ['127.0.0.53'],
      { route: '', ipv6: UNREACHABLE6, links: { lo: 'unknown' } },
      'this host has no usable route to any network',
    ],
    [
      'ends at a stub when the only link is down',
      ['127.0.0.1', '::1'],
      { route: DEFAULT, links: { eth0: 'down' } },
      'this host has no usable route to any network, eth0 is down',
    ],
    [
      'is not known without the kernel’s table',
      ['10.0.0.2'],
      { links: { eth0: 'down' } },
      undefined,
    ],
    ['is unknown without servers', [], { ...routes, links: UP }, undefined],
  ])('%s', async (_name, addresses, host, clause) => {
    expect(await blocked(addresses, host)).toBe(clause);
  });
});

describe('a destination that the routing table blocks', () => {
  const routes = {
    route: DEFAULT + LAN + BLACKHOLE + UNREACHABLE,
    ipv6: LAN6 + CLOSED6,
    links: {},
  };

  test.each([
    ['by a blackhole', ['10.0.0.5'], "the route 10.0.0.5/32 in this host's routing table rejects"],
    ['by a network', ['10.9.3.4'], "the route 10.9.0.0/16 in this host's routing table rejects"],
    ['for IPv6', ['fd00::5'], "in this host's routing table rejects fd00::5"],
  ])('is closed %s', async (_name, addresses, clause) => {
    expect(await blocked(addresses, routes, findClosedRoute)).toContain(clause);
  });

  test.each([
    ['another address', ['10.0.0.6']],
    ['one of two addresses', ['10.0.0.5', '10.0.0.6']],
    ['none', []],
  ])('is not closed to %s', async (_name, addresses) => {
    expect(await blocked(addresses, routes, findClosedRoute)).toBeUndefined();
  });

  test('is no route out, and no link that is down', async () => {
    expect(await blocked(['10.0.0.5'], routes)).toContain('routing table rejects');
    expect(await blocked(['127.0.0.53'], { route: UNREACHABLE, links: {} })).toBe(
      'this host has no usable route to any network',
    );
  });
});
