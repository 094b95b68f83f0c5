import { describe, expect, test } from 'vitest';

import { deadlineOf } from '../../src/core/abort.ts';
import type { Finding } from '../../src/core/finding.ts';
import type { LinkTools, Walk } from '../../src/core/probe.ts';
import type { EndpointTarget } from '../../src/core/target.ts';
import { dns } from '../../src/probes/dns.ts';
import { proxyAt } from '../support/connect-proxy.ts';
import type { DnsReply, Script } from '../support/dns-server.ts';
import { closedUdpPort, rootFolder, startDnsServer } from '../support/dns-server.ts';
import { ENDPOINT } from '../support/probes.ts';
import { runProbe } from '../support/run-probe.ts';

const RESOLV_CONF = 'nameserver 127.0.0.1\nsearch .\noptions timeout:1';

interface Outcome {
  readonly finding: Finding;
  readonly walk: Walk;
  /** For the flight recorder. */
  readonly answers: string | undefined;
}

interface Stage {
  readonly port: number;
  readonly resolvConf?: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly target?: EndpointTarget;
  readonly slowSeconds?: number;
  readonly tools?: Partial<LinkTools>;
}

async function runOnce(stage: Stage): Promise<Outcome> {
  const { port, resolvConf = RESOLV_CONF, files = {}, target = ENDPOINT, slowSeconds = 60 } = stage;
  await using root = await rootFolder({ '/etc/resolv.conf': resolvConf, ...files });
  const walk: Walk = {};
  const { attachments, ...finding } = await runProbe(dns, target, {
    options: { slow_seconds: slowSeconds },
    tools: { paths: root.paths, dnsPort: port, walk, ...stage.tools },
  });
  return { finding, walk, answers: attachments?.['answers'] };
}

const ipv4Only = ((_name, type) => (type === 'A' ? ['10.0.0.5', '10.0.0.6'] : [])) satisfies Script;
const ADDRESSES = [
  { address: '10.0.0.5', family: 4 },
  { address: '10.0.0.6', family: 4 },
];

test('a name that resolves passes, and the walk gets its addresses', async () => {
  await using server = await startDnsServer(ipv4Only);
  const { finding, walk, answers } = await runOnce({ port: server.port });
  expect(answers?.split('\n')).toEqual([
    expect.stringMatching(
      /^127\.0\.0\.1 udp A gitlab\.test: answer 10\.0\.0\.5 10\.0\.0\.6 \(\d+ ms\)$/,
    ),
    expect.stringMatching(/^127\.0\.0\.1 udp AAAA gitlab\.test: nodata \(\d+ ms\)$/),
  ]);
  expect(finding).toEqual({
    status: 'pass',
    measures: { lookup_seconds: expect.any(Number), addresses: 2 },
    facts: {
      name: 'gitlab.test',
      of: 'gitlab',
      source: 'dns',
      addresses: '10.0.0.5, 10.0.0.6',
      servers: '127.0.0.1',
      first_server: '127.0.0.1',
      tried: 'gitlab.test',
      outcomes: '127.0.0.1 answer',
    },
  });
  expect(walk.addresses).toEqual(ADDRESSES);
});

test('an address from the hosts file is named as such', async () => {
  const files = { '/etc/hosts': '10.0.0.77 gitlab.test' };
  const { finding } = await runOnce({ port: 1, files });
  expect(finding).toMatchObject({
    status: 'pass',
    facts: {
      source: 'hosts',
      addresses: '10.0.0.77',
      servers: '127.0.0.1',
      first_server: '127.0.0.1',
    },
  });
});

test('through a proxy it is the name of the proxy that is resolved', async () => {
  await using server = await startDnsServer(ipv4Only);
  const proxy = proxyAt(3128, { host: 'proxy.test' });
  const { finding } = await runOnce({ port: server.port, target: { ...ENDPOINT, proxy } });
  expect(finding).toMatchObject({ status: 'pass', facts: { name: 'proxy.test', of: 'proxy' } });
  expect([...server.asked].toSorted()).toEqual(['A proxy.test', 'AAAA proxy.test']);
});

test('an IPv6 address in the URL is taken out of its brackets', async () => {
  const target = { ...ENDPOINT, url: new URL('https://[2001:db8::1]:8443/') };
  const { finding, walk } = await runOnce({ port: 1, target });
  expect(finding.facts).toMatchObject({ address: '2001:db8::1', source: 'literal' });
  expect(finding.facts).not.toHaveProperty('name');
  expect(walk.addresses).toEqual([{ address: '2001:db8::1', family: 6 }]);
});

describe('one server that says', () => {
  const table: readonly { answer: DnsReply; reason: string; outcome: string }[] = [
    { answer: 'nxdomain', reason: 'not-found', outcome: 'nxdomain' },
    { answer: [], reason: 'not-found', outcome: 'nodata' },
    { answer: 'servfail', reason: 'server-failure', outcome: 'servfail' },
    { answer: 'refused', reason: 'server-failure', outcome: 'refused' },
    { answer: 'silent', reason: 'timeout', outcome: 'timeout' },
  ];
  test.each(table)('$answer fails as $reason', async ({ answer, reason, outcome }) => {
    await using server = await startDnsServer(() => answer);
    const { finding, walk } = await runOnce({ port: server.port });
    expect(finding).toEqual({
      status: 'fail',
      reason,
      detail: `lookup of gitlab.test: 127.0.0.1 ${outcome}`,
      measures: { lookup_seconds: expect.any(Number), addresses: 0 },
      facts: {
        name: 'gitlab.test',
        of: 'gitlab',
        source: 'none',
        addresses: '',
        servers: '127.0.0.1',
        first_server: '127.0.0.1',
        tried: 'gitlab.test',
        outcomes: `127.0.0.1 ${outcome}`,
      },
    });
    expect(walk.addresses).toBeUndefined();
  });
});

test('nothing listens on the address of the server', async () => {
  const { finding } = await runOnce({ port: await closedUdpPort() });
  expect(finding).toMatchObject({
    status: 'fail',
    reason: 'resolver-down',
    detail: 'lookup of gitlab.test: 127.0.0.1 connection-refused',
  });
});

test('resolv.conf names no server', async () => {
  const { finding } = await runOnce({
    port: await closedUdpPort(),
    resolvConf: '# empty\nsearch .',
  });
  expect(finding).toMatchObject({
    status: 'fail',
    reason: 'not-configured',
    detail:
      '/etc/resolv.conf has no name server, so the runner queries this host itself for gitlab.test: 127.0.0.1 connection-refused, ::1 connection-refused',
  });
});

test('nsswitch.conf has no dns', async () => {
  const { finding } = await runOnce({ port: 1, files: { '/etc/nsswitch.conf': 'hosts: files' } });
  expect(finding).toMatchObject({
    status: 'fail',
    reason: 'source-disabled',
    detail: 'gitlab.test is not in /etc/hosts, and nsswitch.conf has no dns',
  });
});

test('a dead first server makes a lookup slow, not wrong', async () => {
  await using dead = await startDnsServer(() => 'silent');
  await using server = await startDnsServer(ipv4Only, '127.0.0.2', dead.port);
  const resolvConf = `${RESOLV_CONF}\nnameserver 127.0.0.2`;
  const { finding, walk } = await runOnce({ port: server.port, resolvConf, slowSeconds: 0.5 });
  expect(finding).toMatchObject({
    status: 'warn',
    reason: 'slow',
    detail: expect.stringMatching(
      /^gitlab\.test resolved only after \d\.\d s \(127\.0\.0\.1 timeout, 127\.0\.0\.2 answer\)$/,
    ),
  });
  expect(walk.addresses).toEqual(ADDRESSES);
});

test('one lost packet beside a dead first server is slow too: the runner waits longer than the probe', async () => {
  await using dead = await startDnsServer(() => 'silent');
  const lost = new Set<string>();
  await using server = await startDnsServer(
    (name, type) => {
      if (lost.has(type)) return ipv4Only(name, type);
      lost.add(type);
      return 'silent';
    },
    '127.0.0.2',
    dead.port,
  );
  const resolvConf = 'nameserver 127.0.0.1\nnameserver 127.0.0.2\nsearch .\noptions timeout:4';
  const { finding, walk } = await runOnce({ port: server.port, resolvConf, slowSeconds: 0.5 });
  expect(finding).toMatchObject({ status: 'warn', reason: 'slow' });
  expect(walk.addresses).toEqual(ADDRESSES);
});

describe('with a search list', () => {
  const RESOLV = 'nameserver 127.0.0.1\nsearch corp.test\noptions timeout:1 attempts:1';
  const table: readonly { own: DnsReply; reason: string; outcome: string }[] = [
    { own: 'servfail', reason: 'server-failure', outcome: 'servfail' },
    { own: 'silent', reason: 'timeout', outcome: 'timeout' },
    { own: 'nxdomain', reason: 'not-found', outcome: 'nxdomain' },
  ];
  test.each(table)(
    'a whole name is judged by itself, not by its expansion: $own',
    async ({ own, reason, outcome }) => {
      const other = own === 'nxdomain' ? 'servfail' : 'nxdomain';
      await using server = await startDnsServer((name) => (name === 'gitlab.test' ? own : other));
      const { finding } = await runOnce({ port: server.port, resolvConf: RESOLV });
      expect(finding).toMatchObject({
        status: 'fail',
        reason,
        detail: `lookup of gitlab.test (tried gitlab.test, gitlab.test.corp.test): 127.0.0.1 ${outcome}`,
      });
    },
  );

  test('a short name is found nowhere only when each of its expansions is', async () => {
    const target = { ...ENDPOINT, url: new URL('https://gitlab/') };
    const says: Record<string, DnsReply> = { gitlab: 'nxdomain', 'gitlab.corp.test': 'nxdomain' };
    await using server = await startDnsServer((name) => says[name] ?? 'garbage');
    const gone = await runOnce({ port: server.port, resolvConf: RESOLV, target });
    expect(gone.finding).toMatchObject({
      status: 'fail',
      reason: 'not-found',
      detail: 'lookup of gitlab (tried gitlab.corp.test, gitlab): 127.0.0.1 nxdomain',
    });
    says['gitlab.corp.test'] = 'servfail';
    const unsure = await runOnce({ port: server.port, resolvConf: RESOLV, target });
    expect(unsure.finding).toMatchObject({ status: 'fail', reason: 'server-failure' });
  });
});

test('no data for one family and a failure for the other is a failure', async () => {
  await using server = await startDnsServer((_name, type) => (type === 'A' ? 'servfail' : []));
  const { finding } = await runOnce({ port: server.port });
  expect(finding).toMatchObject({ status: 'fail', reason: 'server-failure' });
});

describe('servers that fail for different reasons', () => {
  test.each<[DnsReply, DnsReply, string, string]>([
    ['servfail', 'silent', 'server-failure', '127.0.0.1 servfail, 127.0.0.2 timeout'],
    ['refused', 'servfail', 'server-failure', '127.0.0.1 refused, 127.0.0.2 servfail'],
    ['lame', 'notimp', 'server-failure', '127.0.0.1 lame, 127.0.0.2 misbehaving'],
  ])('%s and %s are %s, each with its own outcome', async (one, two, reason, outcomes) => {
    await using first = await startDnsServer(() => one);
    await using second = await startDnsServer(() => two, '127.0.0.2', first.port);
    const resolvConf = `${RESOLV_CONF} attempts:1\nnameserver 127.0.0.2`;
    const { finding } = await runOnce({ port: second.port, resolvConf });
    expect(finding).toMatchObject({
      status: 'fail',
      reason,
      detail: `lookup of gitlab.test: ${outcomes}`,
    });
  });
});

test('a stub that fails on a host without a route is no fault of the stub', async () => {
  await using server = await startDnsServer(() => 'servfail');
  const files = { '/proc/net/route': 'Iface\tDestination\tGateway \tFlags\n' };
  const { finding } = await runOnce({ port: server.port, files });
  expect(finding).toMatchObject({
    status: 'fail',
    reason: 'no-route',
    detail:
      'lookup of gitlab.test: 127.0.0.1 servfail; this host has no usable route to any network',
    facts: { address: '127.0.0.1' },
  });
});

test('servers that are silent until the time is over are a timeout too', async () => {
  await using server = await startDnsServer(() => 'silent');
  using deadline = deadlineOf(0.2);
  const resolvConf = 'nameserver 127.0.0.1\noptions timeout:30';
  const tools = { signal: deadline.signal };
  const { finding } = await runOnce({ port: server.port, resolvConf, tools });
  expect(finding).toMatchObject({
    status: 'fail',
    reason: 'timeout',
    facts: { outcomes: '127.0.0.1 timeout' },
  });
});

test('a name that the runner never looks up is not found, with that reason', async () => {
  await using server = await startDnsServer(() => ['10.0.0.5']);
  const target = { ...ENDPOINT, url: new URL(`https://${'x'.repeat(64)}.test/`) };
  const { finding } = await runOnce({ port: server.port, target });
  expect(finding).toMatchObject({
    status: 'fail',
    reason: 'not-found',
    detail: `${'x'.repeat(64)}.test is not in /etc/hosts, and Go does not query DNS for such a name`,
  });
  expect(server.asked).toEqual([]);
});

test('an error of this host says nothing of the name', async () => {
  // A broadcast address: the kernel forbids it before anything is sent.
  const resolvConf = 'nameserver 127.255.255.255\noptions attempts:1';
  const { finding } = await runOnce({ port: 53, resolvConf });
  expect(finding).toMatchObject({
    status: 'unknown',
    reason: 'resolver-error',
    detail: 'lookup of gitlab.test: 127.255.255.255 local-error',
  });
});

test('an answer that was cut short, and silence over TCP, is a timeout', async () => {
  await using server = await startDnsServer((_name, _type, transport) =>
    transport === 'udp' ? 'truncated' : 'silent',
  );
  const { finding } = await runOnce({ port: server.port });
  expect(finding).toMatchObject({ status: 'fail', reason: 'timeout' });
});

describe('an address that is no other host is a warning', () => {
  test.each([
    ['A', '0.0.0.0'],
    ['A', '127.0.0.53'],
    ['AAAA', '::'],
    ['AAAA', '::1'],
  ])('%s %s', async (type, address) => {
    await using server = await startDnsServer((_name, asked) => (asked === type ? [address] : []));
    const { finding } = await runOnce({ port: server.port });
    expect(finding).toMatchObject({
      status: 'warn',
      reason: 'sinkhole',
      detail: `gitlab.test is ${address} in DNS (127.0.0.1 answer), which is not another host`,
    });
  });

  test('but not when another address is given too, or the hosts file says so', async () => {
    await using server = await startDnsServer((_name, type) =>
      type === 'A' ? ['127.0.0.1', '10.0.0.5'] : [],
    );
    const mixed = await runOnce({ port: server.port });
    const files = { '/etc/hosts': '127.0.1.1 gitlab.test' };
    const pinned = await runOnce({ port: server.port, files });
    expect([mixed.finding.status, pinned.finding.status]).toEqual(['pass', 'pass']);
  });
});
