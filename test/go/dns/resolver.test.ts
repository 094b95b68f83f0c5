import { describe, expect, test } from 'vitest';

import { deadlineOf } from '../../../src/core/abort.ts';
import { systemClock } from '../../../src/core/clock.ts';
import type { Resolution } from '../../../src/core/lookup.ts';
import { completeLookup, resolveLikeGo } from '../../../src/go/dns/resolver.ts';
import type { DnsReply, Script } from '../../support/dns-server.ts';
import { closedUdpPort, rootFolder, startDnsServer } from '../../support/dns-server.ts';
import { patient } from '../../support/until.ts';

type Files = Readonly<Record<string, string>>;

const ONE_SERVER = { '/etc/resolv.conf': 'nameserver 127.0.0.1\nsearch .\noptions timeout:1' };
const TWO_SERVERS = {
  '/etc/resolv.conf':
    'nameserver 127.0.0.1\nnameserver 127.0.0.2\nsearch .\noptions timeout:1 attempts:1',
};

async function resolve(
  name: string,
  port: number,
  files: Files,
  signal: AbortSignal = patient(),
): Promise<Resolution> {
  await using root = await rootFolder(files);
  return await resolveLikeGo(name, { paths: root.paths, clock: systemClock, signal, port });
}

/** Addresses without their order, which depends on this host. */
function addressesOf({ addresses }: Resolution): readonly string[] {
  return addresses.map(({ address }) => address).toSorted();
}

/** `127.0.0.1 A gitlab.test servfail`: what was asked of whom, and its end. */
function queriesOf({ queries }: Resolution, type: 'A' | 'AAAA' = 'A'): readonly string[] {
  return queries
    .filter((query) => query.type === type)
    .map(({ server, name, outcome }) => `${server} ${name} ${outcome}`);
}

const ipv4Only = ((_name, type) => (type === 'A' ? ['10.0.0.5'] : [])) satisfies Script;

test('an address is taken as it is, and no server is asked', async () => {
  const found = await resolve('10.0.0.9', 1, {});
  expect(found).toEqual({
    name: '10.0.0.9',
    addresses: [{ address: '10.0.0.9', family: 4 }],
    source: 'literal',
    servers: [],
    isFallback: false,
    names: [],
    queries: [],
  });
});

test('a line of the hosts file ends the lookup, and no name server is asked', async () => {
  await using server = await startDnsServer(() => ['10.0.0.99']);
  const hosts = { '/etc/hosts': '10.0.0.7 gitlab.test', ...ONE_SERVER };
  const found = await resolve('GITLAB.test', server.port, hosts);
  expect([found.source, addressesOf(found)]).toEqual(['hosts', ['10.0.0.7']]);
  expect(server.asked).toEqual([]);
});

test('a name server is asked for both families, and each question is evidence', async () => {
  await using server = await startDnsServer((_name, type) =>
    type === 'A' ? ['10.0.0.5', '10.0.0.6'] : ['2001:db8::5'],
  );
  const found = await resolve('gitlab.test', server.port, ONE_SERVER);
  expect(addressesOf(found)).toEqual(['10.0.0.5', '10.0.0.6', '2001:db8::5']);
  expect(found).toMatchObject({
    source: 'dns',
    servers: ['127.0.0.1'],
    isFallback: false,
    names: ['gitlab.test'],
  });
  expect([...server.asked].toSorted()).toEqual(['A gitlab.test', 'AAAA gitlab.test']);
  expect(found.queries).toHaveLength(2);
  expect(found.queries.find(({ type }) => type === 'AAAA')).toEqual({
    name: 'gitlab.test',
    server: '127.0.0.1',
    type: 'AAAA',
    transport: 'udp',
    outcome: 'answer',
    addresses: ['2001:db8::5'],
    seconds: expect.any(Number),
  });
});

test('nsswitch.conf may put DNS before the hosts file, which is then asked last', async () => {
  await using server = await startDnsServer((name, type) =>
    name === 'gitlab.test' ? ipv4Only(name, type) : 'nxdomain',
  );
  const files = {
    ...ONE_SERVER,
    '/etc/nsswitch.conf': 'hosts: dns files',
    '/etc/hosts': '10.0.0.7 gitlab.test only-here.test',
  };
  expect(addressesOf(await resolve('gitlab.test', server.port, files))).toEqual(['10.0.0.5']);
  const last = await resolve('only-here.test', server.port, files);
  expect([last.source, addressesOf(last)]).toEqual(['hosts', ['10.0.0.7']]);
});

test.each([
  ['hosts: dns', '10.0.0.7 gitlab.test', 'files'],
  ['hosts: dns', '10.0.0.7 other.test', undefined],
  ['hosts: files', '10.0.0.7 other.test', 'dns'],
  ['hosts: files dns', '10.0.0.7 other.test', undefined],
])('with %j, %j keeps the runner from %s', async (nsswitch, hosts, disabled) => {
  await using server = await startDnsServer(() => 'nxdomain');
  const files = { ...ONE_SERVER, '/etc/nsswitch.conf': nsswitch, '/etc/hosts': hosts };
  const found = await resolve('gitlab.test', server.port, files);
  expect([found.addresses, found.disabled]).toEqual([[], disabled]);
});

test('without DNS in nsswitch.conf no server is asked', async () => {
  const files = { ...ONE_SERVER, '/etc/nsswitch.conf': 'hosts: files' };
  const found = await resolve('gitlab.test', 1, files);
  expect([found.source, found.queries]).toEqual(['none', []]);
});

describe('what one server says becomes the outcome', () => {
  const table: readonly { answer: DnsReply; outcome: string; asked: number }[] = [
    { answer: 'nxdomain', outcome: 'nxdomain', asked: 1 },
    { answer: [], outcome: 'nodata', asked: 1 },
    { answer: 'servfail', outcome: 'servfail', asked: 2 },
    { answer: 'refused', outcome: 'refused', asked: 2 },
    { answer: 'notimp', outcome: 'misbehaving', asked: 2 },
    { answer: 'lame', outcome: 'lame', asked: 2 },
    { answer: 'garbage', outcome: 'timeout', asked: 2 },
    { answer: 'silent', outcome: 'timeout', asked: 2 },
  ];
  test.each(table)(
    '$answer is $outcome, asked $asked times',
    async ({ answer, outcome, asked }) => {
      await using server = await startDnsServer(() => answer);
      const found = await resolve('gitlab.test', server.port, ONE_SERVER);
      expect([found.source, found.addresses]).toEqual(['none', []]);
      const line = `127.0.0.1 gitlab.test ${outcome}`;
      expect(queriesOf(found, 'A')).toEqual(Array(asked).fill(line));
      expect(queriesOf(found, 'AAAA')).toEqual(Array(asked).fill(line));
    },
  );

  test('a port where nothing listens is distinguished from silence', async () => {
    const found = await resolve('gitlab.test', await closedUdpPort(), ONE_SERVER);
    const line = '127.0.0.1 gitlab.test connection-refused';
    expect(queriesOf(found)).toEqual([line, line]);
  });
});

describe('the second server', () => {
  test.each([
    { first: 'servfail', second: 'answer' },
    { first: 'refused', second: 'answer' },
    { first: 'silent', second: 'answer' },
    { first: 'nxdomain', second: undefined },
    { first: [], second: undefined },
  ] as const)('after $first of the first it is asked: $second', async ({ first, second }) => {
    await using one = await startDnsServer(() => first);
    await using two = await startDnsServer(ipv4Only, '127.0.0.2', one.port);
    const found = await resolve('gitlab.test', one.port, TWO_SERVERS);
    expect(addressesOf(found)).toEqual(second === undefined ? [] : ['10.0.0.5']);
    expect(two.asked).toHaveLength(second === undefined ? 0 : 2);
  });
});

test('one family is enough, also when the server fails for the other', async () => {
  await using server = await startDnsServer((_name, type) =>
    type === 'A' ? ['10.0.0.5'] : 'servfail',
  );
  expect(addressesOf(await resolve('gitlab.test', server.port, ONE_SERVER))).toEqual(['10.0.0.5']);
});

test('a family without an answer holds the lookup up for all its attempts', async () => {
  await using server = await startDnsServer((_name, type) =>
    type === 'A' ? ['10.0.0.5'] : 'silent',
  );
  const found = await resolve('gitlab.test', server.port, ONE_SERVER);
  expect(addressesOf(found)).toEqual(['10.0.0.5']);
  const line = '127.0.0.1 gitlab.test timeout';
  expect(queriesOf(found, 'AAAA')).toEqual([line, line]);
});

test('the search list is used also after "no such name"', async () => {
  await using server = await startDnsServer((name, type) =>
    name === 'gitlab.test.b.test' ? ipv4Only(name, type) : 'nxdomain',
  );
  const conf = { '/etc/resolv.conf': 'nameserver 127.0.0.1\nsearch a.test b.test c.test' };
  const found = await resolve('gitlab.test', server.port, conf);
  expect(addressesOf(found)).toEqual(['10.0.0.5']);
  expect(queriesOf(found)).toEqual([
    '127.0.0.1 gitlab.test nxdomain',
    '127.0.0.1 gitlab.test.a.test nxdomain',
    '127.0.0.1 gitlab.test.b.test answer',
  ]);
});

test('without a name server the own port of this host is asked, IPv4 before IPv6', async () => {
  await using server = await startDnsServer(ipv4Only);
  const found = await resolve('gitlab.test', server.port, { '/etc/resolv.conf': 'search .' });
  expect([found.isFallback, found.servers]).toEqual([true, ['127.0.0.1', '::1']]);
  expect(addressesOf(found)).toEqual(['10.0.0.5']);
});

test('a deadline ends a lookup with what was asked until then', async () => {
  await using server = await startDnsServer(() => 'silent');
  const conf = { '/etc/resolv.conf': 'nameserver 127.0.0.1\nsearch a.test\noptions timeout:30' };
  using deadline = deadlineOf(0.3);
  const found = await resolve('gitlab.test', server.port, conf, deadline.signal);
  expect(found.names).toEqual(['gitlab.test', 'gitlab.test.a.test']);
  expect(queriesOf(found)).toEqual(['127.0.0.1 gitlab.test timeout']);
});

describe('a lookup that a deadline cut short before the turn of the second server', () => {
  const conf = {
    '/etc/resolv.conf': 'nameserver 127.0.0.1\nnameserver 127.0.0.2\nsearch .\noptions timeout:30',
  };

  test.each<[Script, Partial<Resolution>, readonly string[]]>([
    [ipv4Only, { source: 'dns', addresses: [{ address: '10.0.0.5', family: 4 }] }, ['answer']],
    [() => 'nxdomain', { source: 'none', addresses: [] }, ['nxdomain']],
    [() => 'servfail', { source: 'none', addresses: [] }, []],
  ])('ends with its final answer, if it has one (%#)', async (script, expected, outcomes) => {
    await using dead = await startDnsServer(() => 'silent');
    await using server = await startDnsServer(script, '127.0.0.2', dead.port);
    await using root = await rootFolder(conf);
    const deps = { paths: root.paths, clock: systemClock, port: dead.port };
    using deadline = deadlineOf(0.3);
    const cut = await resolveLikeGo('gitlab.test', { ...deps, signal: deadline.signal });
    expect([queriesOf(cut), server.asked]).toEqual([['127.0.0.1 gitlab.test timeout'], []]);

    const found = await completeLookup(cut, { ...deps, signal: patient() });
    expect(found).toMatchObject(expected);
    const later = outcomes.map((outcome) => `127.0.0.2 gitlab.test ${outcome}`);
    expect(queriesOf(found)).toEqual(['127.0.0.1 gitlab.test timeout', ...later]);
  });
});

describe('a stop', () => {
  test('ends a lookup in progress with the reason of the signal', async () => {
    const stop = new AbortController();
    await using server = await startDnsServer(() => {
      stop.abort(new Error('stopped'));
      return 'silent';
    });
    const found = resolve('gitlab.test', server.port, ONE_SERVER, stop.signal);
    await expect(found).rejects.toThrow('stopped');
  });

  test('that came before leaves no rejection behind that would end the process', async () => {
    const signal = AbortSignal.abort(new Error('stopped'));
    await expect(resolve('gitlab.test', 1, ONE_SERVER, signal)).rejects.toThrow('stopped');
  });
});
