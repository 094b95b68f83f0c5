/** Another source for the name: other servers, or DNS beside the hosts file. */
import { describe, expect, test } from 'vitest';

import type { Finding } from '../../src/core/finding.ts';
import type { Walk } from '../../src/core/probe.ts';
import { dnsCrossCheck } from '../../src/follow-ups/dns-cross-check.ts';
import { dns } from '../../src/probes/dns.ts';
import type { DnsReply, Script } from '../support/dns-server.ts';
import { rootFolder, startDnsServer } from '../support/dns-server.ts';
import { ENDPOINT } from '../support/probes.ts';
import type { MadeCertificate } from '../support/certificates.ts';
import { make, makeRoot } from '../support/certificates.ts';
import { followUp } from '../support/run-follow-up.ts';
import { runProbe } from '../support/run-probe.ts';
import { startTcpServer } from '../support/tcp-server.ts';
import { startTlsServer } from '../support/tls-server.ts';

const ONE = 'nameserver 127.0.0.1\nsearch .\noptions timeout:1 attempts:1';
const TWO = `${ONE}\nnameserver 127.0.0.2`;
/** For documentation only; nothing here dials it. */
const DEAD = '192.0.2.66';
const ALIVE = '127.0.0.1';

const only =
  (address: string): Script =>
  (_name, type) =>
    type === 'A' ? [address] : [];

interface Failed {
  readonly link: string;
  readonly finding: Finding;
}

interface Stage {
  readonly dnsPort: number;
  readonly port: number;
  readonly resolvConf?: string;
  readonly files?: Readonly<Record<string, string>>;
  /** The failure that puts the name in doubt. */
  readonly of?: Failed;
}

interface Outcome {
  /** What dns says, with what is tried when it finds no address. */
  readonly first: Finding;
  /** What takes its place when the address cannot be dialled. */
  readonly second: Finding;
}

const TIMEOUT: Failed = {
  link: 'connect',
  finding: { status: 'fail', reason: 'timeout', detail: 'no answer' },
};

async function runOnce({
  dnsPort,
  port,
  resolvConf = TWO,
  files,
  of = TIMEOUT,
}: Stage): Promise<Outcome> {
  await using root = await rootFolder({ '/etc/resolv.conf': resolvConf, ...files });
  const walk: Walk = {};
  const target = { ...ENDPOINT, url: new URL(`https://gitlab.test:${port}/`) };
  const tools = { paths: root.paths, dnsPort, walk };
  const { attachments: _, ...finding } = await runProbe(dns, target, { tools });
  const first = await followUp(dnsCrossCheck, { link: 'dns', finding, target, tools });
  const second = await followUp(dnsCrossCheck, { ...of, base: first, target, tools });
  return { first, second };
}

describe('the address in use does not answer', () => {
  test('and the second server has one that does: the servers disagree', async () => {
    await using gitlab = await startTcpServer();
    await using one = await startDnsServer(only(DEAD));
    await using two = await startDnsServer(only(ALIVE), '127.0.0.2', one.port);
    const { first, second } = await runOnce({ dnsPort: one.port, port: gitlab.port });
    expect(first.status).toBe('pass');
    expect(second).toEqual({
      status: 'warn',
      reason: 'servers-disagree',
      detail: `127.0.0.1 returns ${DEAD} for gitlab.test, which does not respond; 127.0.0.2 returns ${ALIVE}, which does`,
      measures: first.measures,
      facts: {
        ...first.facts,
        factor: 'which name server',
        trial: 'answer',
        wrong: DEAD,
        wrong_source: '127.0.0.1',
        wrong_server: '127.0.0.1',
        right: ALIVE,
        right_source: '127.0.0.2',
      },
    });
    expect(two.asked).toHaveLength(2);
  });

  test('and DNS has one that does: the line in the hosts file is stale', async () => {
    await using gitlab = await startTcpServer();
    await using server = await startDnsServer(only(ALIVE));
    const files = { '/etc/hosts': `${DEAD} gitlab.test` };
    const stage = { dnsPort: server.port, port: gitlab.port, resolvConf: ONE, files };
    const { first, second } = await runOnce(stage);
    expect(first).toMatchObject({ status: 'pass', facts: { source: 'hosts', addresses: DEAD } });
    expect(second).toMatchObject({
      status: 'warn',
      reason: 'hosts-override',
      detail: `/etc/hosts returns ${DEAD} for gitlab.test, which does not respond; 127.0.0.1 returns ${ALIVE}, which does`,
      facts: { factor: 'hosts file or DNS', wrong: DEAD, right: ALIVE, right_source: '127.0.0.1' },
    });
  });

  test.each<[string, DnsReply]>([
    ['says the same', [DEAD]],
    ['says another that is dead too', ['127.0.0.67']],
    ['does not know the name', 'nxdomain'],
    ['fails', 'servfail'],
    ['is silent', 'silent'],
  ])('and the other server %s: the first finding stays', async (_name, said) => {
    await using gitlab = await startTcpServer();
    await using one = await startDnsServer(only(DEAD));
    await using two = await startDnsServer(
      (_asked, type) => (type === 'A' ? said : []),
      '127.0.0.2',
      one.port,
    );
    const { first, second } = await runOnce({ dnsPort: two.port, port: gitlab.port });
    expect(second).toEqual(first);
  });
});

const ofTls = (reason: string): Failed => ({
  link: 'tls',
  finding: { status: 'fail', reason, detail: 'refused' },
});

describe('the address in use has a certificate that the runner rejects', () => {
  const root = makeRoot({ name: 'Public Root' });
  const leaf = make({ name: 'gitlab.test', dns: ['gitlab.test'], isAuthority: false }, root);
  const files = { '/etc/ssl/certs/ca-certificates.crt': root.pem };
  async function second(reason: string, made: MadeCertificate): Promise<Finding> {
    await using gitlab = await startTlsServer({ chain: [made] });
    await using one = await startDnsServer(only(DEAD));
    await using two = await startDnsServer(only(ALIVE), '127.0.0.2', one.port);
    const stage = { dnsPort: two.port, port: gitlab.port, files, of: ofTls(reason) };
    return (await runOnce(stage)).second;
  }

  test('and the second server has one that shows GitLab’s: the servers disagree', async () => {
    expect(await second('name-mismatch', leaf)).toMatchObject({
      status: 'warn',
      reason: 'servers-disagree',
      detail: expect.stringContaining(
        `${DEAD} for gitlab.test, which has a certificate that the runner rejects; 127.0.0.2 returns ${ALIVE}, which has one that it accepts`,
      ),
      facts: { trial: 'certificate', wrong: DEAD, right: ALIVE },
    });
  });

  test.each([
    ['the other one is refused too', 'name-mismatch', makeRoot({ name: 'gitlab.test' })],
    ['it is refused for its age, which speaks of GitLab itself', 'expired', leaf],
  ])('and %s: the first finding stays', async (_name, reason, made) => {
    expect(await second(reason, made)).toMatchObject({ status: 'pass' });
  });
});

test('the same address from another server is no difference, also when it answers again', async () => {
  await using gitlab = await startTcpServer();
  await using one = await startDnsServer(only(ALIVE));
  await using two = await startDnsServer(only(ALIVE), '127.0.0.2', one.port);
  const { first, second } = await runOnce({ dnsPort: two.port, port: gitlab.port });
  expect(second).toEqual(first);
});

test('no other source is asked while the address has not failed', async () => {
  await using one = await startDnsServer(only(DEAD));
  await using two = await startDnsServer(only(ALIVE), '127.0.0.2', one.port);
  await using root = await rootFolder({ '/etc/resolv.conf': TWO });
  const finding = await runProbe(dns, ENDPOINT, {
    tools: { paths: root.paths, dnsPort: one.port, walk: {} },
  });
  expect([finding.status, two.asked]).toEqual(['pass', []]);
});

test('with one server and no line in the hosts file there is no other source to ask', async () => {
  await using server = await startDnsServer(only('10.0.0.5'));
  const { first, second } = await runOnce({ dnsPort: server.port, port: 443, resolvConf: ONE });
  expect(second).toEqual(first);
  expect(server.asked).toHaveLength(2);
});

describe('an address that is no other host is a warning', () => {
  test.each([
    ['A', '0.0.0.0'],
    ['A', '127.0.0.53'],
    ['AAAA', '::'],
    ['AAAA', '::1'],
  ])('%s %s', async (type, address) => {
    await using server = await startDnsServer((_name, asked) => (asked === type ? [address] : []));
    const { first } = await runOnce({ dnsPort: server.port, port: 443, resolvConf: ONE });
    expect(first).toMatchObject({
      status: 'warn',
      reason: 'sinkhole',
      detail: `gitlab.test is ${address} in DNS (127.0.0.1 answer), which is not another host`,
    });
  });

  test('but not when another address is given too, or the hosts file says so', async () => {
    await using server = await startDnsServer((_name, type) =>
      type === 'A' ? ['127.0.0.1', '10.0.0.5'] : [],
    );
    const mixed = await runOnce({ dnsPort: server.port, port: 443, resolvConf: ONE });
    const files = { '/etc/hosts': '127.0.1.1 gitlab.test' };
    const pinned = await runOnce({ dnsPort: server.port, port: 443, resolvConf: ONE, files });
    expect([mixed.first.status, pinned.first.status]).toEqual(['pass', 'pass']);
  });
});

test('the first server knows no such name and the second does: the servers disagree', async () => {
  await using one = await startDnsServer(() => 'nxdomain');
  await using two = await startDnsServer(only('10.0.0.5'), '127.0.0.2', one.port);
  const { first } = await runOnce({ dnsPort: two.port, port: 443 });
  expect(first).toMatchObject({
    status: 'fail',
    reason: 'servers-disagree',
    detail: 'lookup of gitlab.test: 127.0.0.1 nxdomain; 127.0.0.2 returns 10.0.0.5',
    facts: {
      factor: 'which name server',
      wrong: 'no address',
      wrong_source: '127.0.0.1',
      wrong_server: '127.0.0.1',
      right: '10.0.0.5',
      right_source: '127.0.0.2',
    },
  });
});

test('a name that no server knows is not found, with the answer of each', async () => {
  await using one = await startDnsServer(() => 'nxdomain');
  await using two = await startDnsServer(() => 'refused', '127.0.0.2', one.port);
  const { first } = await runOnce({ dnsPort: two.port, port: 443 });
  expect(first).toMatchObject({
    status: 'fail',
    reason: 'not-found',
    facts: { outcomes: '127.0.0.1 nxdomain, 127.0.0.2 refused' },
  });
});
