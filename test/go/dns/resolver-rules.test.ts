/**
 * What distinguishes Go's resolver from libc's and from Node's: docs/reference/go-network.md#name-lookup, line
 * by line.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { systemClock } from '../../../src/core/clock.ts';
import type { Resolution } from '../../../src/core/lookup.ts';
import { resolveLikeGo } from '../../../src/go/dns/resolver.ts';
import type { RootFolder, DnsReply, Script } from '../../support/dns-server.ts';
import { rootFolder, startDnsServer } from '../../support/dns-server.ts';
import { patient } from '../../support/until.ts';

const CONF = 'nameserver 127.0.0.1\nsearch .\noptions timeout:1 attempts:1';
const three = (options: string): string =>
  `nameserver 127.0.0.1\nnameserver 127.0.0.2\nnameserver 127.0.0.3\nsearch .\noptions ${options}`;

const ipv4Only = ((_name, type) => (type === 'A' ? ['10.0.0.5'] : [])) satisfies Script;

async function lookUp(root: RootFolder, name: string, port: number): Promise<Resolution> {
  const signal = patient();
  return await resolveLikeGo(name, { paths: root.paths, clock: systemClock, signal, port });
}

async function resolve(name: string, port: number, conf: string, files = {}): Promise<Resolution> {
  await using root = await rootFolder({ '/etc/resolv.conf': conf, ...files });
  return await lookUp(root, name, port);
}

function addressesOf({ addresses }: Resolution): readonly string[] {
  return addresses.map(({ address }) => address);
}

/** `127.0.0.1 A udp answer`, sorted, since both families run side by side. */
function endsOf({ queries }: Resolution): readonly string[] {
  return queries
    .map(({ server, type, transport, outcome }) => `${server} ${type} ${transport} ${outcome}`)
    .toSorted();
}

describe('names for which no server is asked', () => {
  test.each(['hidden.onion', 'hidden.ONION.', 'two words', 'b\u00FCro.test', '10.0.1', 'a..b'])(
    '%s',
    async (name) => {
      await using server = await startDnsServer(() => ['10.0.0.5']);
      const found = await resolve(name, server.port, CONF);
      expect([found.source, found.names, server.asked]).toEqual(['none', [], []]);
    },
  );
});

test('the hosts file answers also for names that no server may be asked for', async () => {
  const hosts = { '/etc/hosts': '10.0.0.7 hidden.onion' };
  expect(addressesOf(await resolve('hidden.onion', 1, CONF, hosts))).toEqual(['10.0.0.7']);
});

test('localhost is a name like any other', async () => {
  await using server = await startDnsServer(() => 'nxdomain');
  const found = await resolve('localhost', server.port, CONF);
  expect([found.source, found.names]).toEqual(['none', ['localhost']]);
});

test('every matching line of the hosts file counts, an IPv4-mapped address as IPv4', async () => {
  const hosts = {
    '/etc/hosts':
      '127.0.0.5 GitLab.test\n127.0.0.6 other.test gitlab.TEST\n::ffff:127.0.0.7 gitlab.test.',
  };
  const found = await resolve('GITLAB.test', 1, CONF, hosts);
  expect(found.addresses).toEqual(
    ['127.0.0.5', '127.0.0.6', '127.0.0.7'].map((address) => ({ address, family: 4 })),
  );
});

test('a trailing dot ends the search and fits the hosts file', async () => {
  await using server = await startDnsServer(() => 'nxdomain');
  const conf = 'nameserver 127.0.0.1\nsearch a.test';
  const found = await resolve('gitlab.', server.port, conf);
  expect([found.source, found.names]).toEqual(['none', ['gitlab']]);
  const hosts = { '/etc/hosts': '10.0.0.7 gitlab' };
  expect(addressesOf(await resolve('gitlab.', 1, conf, hosts))).toEqual(['10.0.0.7']);
});

test('a change of a file holds from the next lookup on', async () => {
  await using server = await startDnsServer(ipv4Only);
  await using root = await rootFolder({ '/etc/resolv.conf': CONF });
  expect(addressesOf(await lookUp(root, 'gitlab.test', server.port))).toEqual(['10.0.0.5']);
  await writeFile(join(root.paths.rootfs, 'etc/hosts'), '10.0.0.8 gitlab.test');
  expect(addressesOf(await lookUp(root, 'gitlab.test', server.port))).toEqual(['10.0.0.8']);
});

describe('only the first three servers are asked, in their order', () => {
  test.each([
    ['timeout:1 attempts:1', ['1', '2', '3']],
    ['timeout:1 attempts:2', ['1', '2', '3', '1', '2', '3']],
  ])('%s', async (options, order) => {
    await using one = await startDnsServer(() => 'servfail');
    await using two = await startDnsServer(() => 'refused', '127.0.0.2', one.port);
    await using three3 = await startDnsServer(() => 'servfail', '127.0.0.3', one.port);
    await using four = await startDnsServer(ipv4Only, '127.0.0.4', one.port);
    const found = await resolve('gitlab.test', one.port, `${three(options)}\nnameserver 127.0.0.4`);
    const asked = found.queries.filter(({ type }) => type === 'A');
    expect(asked.map(({ server }) => server.slice(-1))).toEqual(order);
    expect([two.asked.length, three3.asked.length, four.asked.length]).toEqual([
      (order.length * 2) / 3,
      (order.length * 2) / 3,
      0,
    ]);
  });
});

test('with rotate each question starts one server further on', async () => {
  await using one = await startDnsServer(() => 'nxdomain');
  await using two = await startDnsServer(() => 'nxdomain', '127.0.0.2', one.port);
  await using last = await startDnsServer(() => 'nxdomain', '127.0.0.3', one.port);
  const conf = `${three('timeout:1 attempts:1 rotate')}\nsearch a.test`;
  await resolve('gitlab.test', one.port, conf);
  expect([one.asked, two.asked, last.asked]).toEqual([
    ['A gitlab.test', 'AAAA gitlab.test.a.test'],
    ['AAAA gitlab.test'],
    ['A gitlab.test.a.test'],
  ]);
});

test('with single-request the second family waits for the first', async () => {
  let underWay = 0;
  let most = 0;
  const script: Script = (_name, type) => {
    underWay += type === 'A' ? 1 : 0;
    most = Math.max(most, type === 'AAAA' ? underWay : 0);
    return type === 'A' ? 'silent' : [];
  };
  await using server = await startDnsServer(script);
  const found = await resolve('gitlab.test', server.port, `${CONF} attempts:2 single-request`);
  expect([server.asked, most]).toEqual([['A gitlab.test', 'A gitlab.test', 'AAAA gitlab.test'], 2]);
  expect(found.source).toBe('none');
});

const overTcp =
  (answer: DnsReply): Script =>
  (_name, _type, transport) =>
    transport === 'udp' ? 'truncated' : answer;

describe('an answer that was cut short', () => {
  test('is asked for again over TCP', async () => {
    await using server = await startDnsServer(overTcp(['10.0.0.5']));
    const found = await resolve('gitlab.test', server.port, CONF);
    expect(addressesOf(found)).toContain('10.0.0.5');
    expect(endsOf(found)).toContain('127.0.0.1 A tcp answer');
    expect(server.asked.toSorted()).toEqual([
      'A gitlab.test',
      'A gitlab.test over tcp',
      'AAAA gitlab.test',
      'AAAA gitlab.test over tcp',
    ]);
  });

  test.each([
    ['silent', 'timeout'],
    ['garbage', 'malformed'],
    ['servfail', 'servfail'],
    ['truncated', 'nodata'],
  ] as const)('and is %s over TCP ends as %s', async (answer, outcome) => {
    await using server = await startDnsServer(overTcp(answer));
    const found = await resolve('gitlab.test', server.port, CONF);
    expect(endsOf(found)).toEqual([`127.0.0.1 A tcp ${outcome}`, `127.0.0.1 AAAA tcp ${outcome}`]);
  });
});

test('with use-vc UDP is not tried at all', async () => {
  await using server = await startDnsServer(() => ['10.0.0.5']);
  const found = await resolve('gitlab.test', server.port, `${CONF} use-vc`);
  expect(addressesOf(found)).toContain('10.0.0.5');
  expect(server.asked.toSorted()).toEqual(['A gitlab.test over tcp', 'AAAA gitlab.test over tcp']);
});

test('a broadcast address as name server is an error of this host, not of the server', async () => {
  const found = await resolve('gitlab.test', 53, CONF.replace('127.0.0.1', '127.255.255.255'));
  expect(endsOf(found)).toEqual([
    '127.255.255.255 A udp local-error',
    '127.255.255.255 AAAA udp local-error',
  ]);
});
