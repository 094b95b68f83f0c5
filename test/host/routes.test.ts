import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { endianness, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { blockedWay, parseIpv4Routes, parseIpv6Routes } from '../../src/host/routes.ts';

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
const ipv6 = (network: string, bits: string, flags: string, name: string): string =>
  `${network} ${bits} ${ZEROS} 00 ${ZEROS} 00000400 00000001 00000000 ${flags}     ${name}\n`;
const DEFAULT6 = ipv6(ZEROS, '00', '00000003', 'eth0');
const LAN6 = ipv6('fd000000000000000000000000000000', '40', '00000001', 'eth1');
const UNREACHABLE6 = ipv6(ZEROS, '00', '00200200', 'lo');

test('a line of /proc/net/route that leads somewhere is a route', () => {
  const text = `${HEAD}${DEFAULT}${LAN}${ipv4('*', '10.9.0.0', '255.255.0.0', '0201')}`;
  expect(parseIpv4Routes(text)).toEqual([
    { family: 'ipv4', network: '0.0.0.0', bits: 0, interface: 'eth0' },
    { family: 'ipv4', network: '10.0.0.0', bits: 24, interface: 'eth1' },
  ]);
});

test('a line of /proc/net/ipv6_route that leads out is a route', () => {
  expect(parseIpv6Routes(`${DEFAULT6}${LAN6}${UNREACHABLE6}`)).toEqual([
    { family: 'ipv6', network: Array(8).fill('0000').join(':'), bits: 0, interface: 'eth0' },
    {
      family: 'ipv6',
      network: `fd00:${Array(7).fill('0000').join(':')}`,
      bits: 64,
      interface: 'eth1',
    },
  ]);
});

interface Host {
  readonly route?: string;
  readonly ipv6?: string;
  readonly links?: Readonly<Record<string, string>>;
}

async function blocked(addresses: readonly string[], host: Host): Promise<string | undefined> {
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
    return await blockedWay(addresses, paths);
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe('the way to name servers', () => {
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
      'is blocked when each is, in its own way',
      ['10.0.0.2', '192.0.2.1'],
      { ...routes, links: { eth0: 'down', eth1: 'down' } },
      'eth1, eth0 is down',
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
      'nothing leads out of this host',
    ],
    [
      'ends at a stub when the only link is down',
      ['127.0.0.1', '::1'],
      { route: DEFAULT, links: { eth0: 'down' } },
      'nothing leads out of this host, eth0 is down',
    ],
    [
      'is not known without the kernel’s table',
      ['10.0.0.2'],
      { links: { eth0: 'down' } },
      undefined,
    ],
    ['is nobody’s without servers', [], { ...routes, links: UP }, undefined],
  ])('%s', async (_name, addresses, host, clause) => {
    expect(await blocked(addresses, host)).toBe(clause);
  });
});
