/** Another source for the name: other servers, or DNS beside the hosts file. */
import { describe, expect, test } from 'vitest';

import type { Finding } from '../../src/core/finding.ts';
import type { GitLabStandIn } from '../../src/demo/gitlab-stand-in.ts';
import { startGitLabStandIn } from '../../src/demo/gitlab-stand-in.ts';
import { dns } from '../../src/probes/dns.ts';
import type { DnsReply, Script } from '../support/dns-server.ts';
import { rootFolder, startDnsServer } from '../support/dns-server.ts';
import { ENDPOINT } from '../support/probes.ts';
import type { MadeCertificate } from '../support/certificates.ts';
import { runProbe, unlimitedBudget } from '../support/run-probe.ts';
import { startTcpServer } from '../support/tcp-server.ts';
import { startTlsServer } from '../support/tls-server.ts';
import type { Failed, Stage } from '../support/cross-check.ts';
import {
  ONE,
  TWO,
  DEAD,
  ALIVE,
  only,
  failed,
  LEAF,
  STRANGE_LEAF,
  startGitLab,
  runOnce,
  ENTRY,
  BOTH,
} from '../support/cross-check.ts';

describe('the address in use does not answer', () => {
  test('and the second server has one where GitLab answers: the servers disagree', async () => {
    await using gitlab = await startGitLab();
    await using one = await startDnsServer(only(DEAD));
    await using two = await startDnsServer(only(ALIVE), '127.0.0.2', one.port);
    const { first, second } = await runOnce({ dnsPort: one.port, port: gitlab.port });
    expect(first.status).toBe('pass');
    expect(second).toEqual({
      status: 'warn',
      reason: 'servers-disagree',
      detail: `127.0.0.1 returns ${DEAD} for gitlab.test, which does not respond; 127.0.0.2 returns ${ALIVE}, where GitLab answers`,
      measures: first.measures,
      facts: {
        ...first.facts,
        factor: 'which name server',
        trial: 'connect',
        wrong: DEAD,
        wrong_does: 'does not respond',
        wrong_source: '127.0.0.1',
        wrong_server: '127.0.0.1',
        wrong_name: 'gitlab.test',
        right: ALIVE,
        right_does: 'where GitLab answers',
        right_source: '127.0.0.2',
        right_name: 'gitlab.test',
      },
    });
    expect(two.asked).toHaveLength(2);
  });

  test('and DNS has one where GitLab answers: the line in the hosts file is stale, and it is named', async () => {
    await using gitlab = await startGitLab();
    await using server = await startDnsServer(only(ALIVE));
    const files = { '/etc/hosts': `127.0.0.1 localhost\n${DEAD} gitlab.test` };
    const stage = { dnsPort: server.port, port: gitlab.port, resolvConf: ONE, files };
    const { first, second } = await runOnce(stage);
    expect(first).toMatchObject({ status: 'pass', facts: { source: 'hosts', addresses: DEAD } });
    expect(second).toMatchObject({
      status: 'warn',
      reason: 'hosts-override',
      detail: `/etc/hosts line 2 returns ${DEAD} for gitlab.test, which does not respond; 127.0.0.1 returns ${ALIVE}, where GitLab answers`,
      facts: { factor: 'hosts file or DNS', wrong: DEAD, right: ALIVE, right_source: '127.0.0.1' },
    });
  });

  test('and another one has a server that is not GitLab: the first finding stays', async () => {
    await using otherServer = await startTlsServer({ chain: [STRANGE_LEAF] });
    await using one = await startDnsServer(only(DEAD));
    await using two = await startDnsServer(only(ALIVE), '127.0.0.2', one.port);
    const { first, second } = await runOnce({ dnsPort: two.port, port: otherServer.port });
    expect(second).toEqual(first);
  });

  test.each<[string, DnsReply]>([
    ['says the same', [DEAD]],
    ['says another that is dead too', ['127.0.0.67']],
    ['does not know the name', 'nxdomain'],
    ['fails', 'servfail'],
    ['is silent', 'silent'],
  ])('and the other server %s: the first finding stays', async (_name, answer) => {
    await using gitlab = await startGitLab();
    await using one = await startDnsServer(only(DEAD));
    await using two = await startDnsServer(
      (_asked, type) => (type === 'A' ? answer : []),
      '127.0.0.2',
      one.port,
    );
    const { first, second } = await runOnce({ dnsPort: two.port, port: gitlab.port });
    expect(second).toEqual(first);
  });
});

async function afterTls(
  reason: string,
  leaf: MadeCertificate,
  facts: Finding['facts'] = {},
): Promise<Finding> {
  await using gitlab = await startGitLab(leaf);
  await using one = await startDnsServer(only(DEAD));
  await using two = await startDnsServer(only(ALIVE), '127.0.0.2', one.port);
  const of = failed('tls', reason, facts);
  return (await runOnce({ dnsPort: two.port, port: gitlab.port, of })).second;
}

describe('the address in use has a certificate that the runner rejects, and the second server', () => {
  test.each(['name-mismatch', 'expired', 'unknown-authority', 'handshake-blocked'])(
    'has one that shows GitLab’s, after %s: the servers disagree',
    async (reason) => {
      expect(await afterTls(reason, LEAF)).toMatchObject({
        status: 'warn',
        reason: 'servers-disagree',
        detail: expect.stringContaining(
          `${DEAD} for gitlab.test, which has a certificate that the runner rejects (it is refused); 127.0.0.2 returns ${ALIVE}, where GitLab answers`,
        ),
        facts: { trial: 'tls', wrong: DEAD, right: ALIVE },
      });
    },
  );

  test.each([
    ['has one that is refused too', 'name-mismatch', STRANGE_LEAF, {}],
    ['has GitLab’s, and packets get lost', 'handshake-blocked', LEAF, { is_silent: true }],
    ['has GitLab’s, and the file of the runner is at fault', 'ca-file-missing', LEAF, {}],
  ])('%s: the first finding stays', async (_name, reason, leaf, facts) => {
    expect(await afterTls(reason, leaf, facts)).toMatchObject({ status: 'pass' });
  });
});

async function outcome(
  of: Failed,
  gitlab: GitLabStandIn,
  over: Partial<Stage> = {},
): Promise<Finding> {
  await using server = await startDnsServer(BOTH);
  const stage = { dnsPort: server.port, port: gitlab.port, resolvConf: ONE, of, ...over };
  return (await runOnce(stage)).second;
}

describe('of several addresses the one in use', () => {
  const tokenFault = failed('token', 'rejected');

  test.each(['http', 'api'])('does not serve GitLab at the %s link: it is named', async (link) => {
    await using gitlab = await startGitLab();
    expect(await outcome(failed(link, 'forbidden'), gitlab)).toMatchObject({
      status: 'warn',
      reason: 'mixed-addresses',
      facts: { trial: link, wrong: DEAD, right: ALIVE, wrong_server: '127.0.0.1' },
    });
  });

  test('rejects the token, and the other one accepts it: the address is named', async () => {
    await using gitlab = await startGitLab();
    gitlab.tokens.add(ENTRY.token.reveal());
    expect(await outcome(tokenFault, gitlab)).toMatchObject({
      status: 'warn',
      reason: 'mixed-addresses',
      detail: expect.stringMatching(/rejects the token; .* where GitLab accepts the token/),
      facts: { trial: 'token', wrong: DEAD, right: ALIVE, is_answered: true },
    });
  });

  test('rejects the token, and so does the other one: the token is at fault', async () => {
    await using gitlab = await startGitLab();
    expect((await outcome(tokenFault, gitlab)).status).toBe('pass');
    expect(gitlab.requests.filter(({ hasToken }) => hasToken)).toHaveLength(1);
  });

  test.each<[string, Failed]>([
    ['asks for fewer requests', failed('http', 'too-many-requests')],
    ['only warns', { ...failed('http', 'login-gateway'), ...warning('login-gateway') }],
    ['was not even asked about the token', failed('token', 'missing')],
  ])('%s: nothing is tried', async (_what, of) => {
    await using gitlab = await startGitLab();
    gitlab.tokens.add(ENTRY.token.reveal());
    expect((await outcome(of, gitlab)).status).toBe('pass');
    expect(gitlab.requests).toEqual([]);
  });

  test('rejects the token, and the budget is spent: nothing is sent, and nothing is proven', async () => {
    await using gitlab = await startGitLab();
    gitlab.tokens.add(ENTRY.token.reveal());
    const budget = { ...unlimitedBudget, take: () => false, allows: () => false };
    expect((await outcome(tokenFault, gitlab, { tools: { budget } })).status).toBe('pass');
    expect(gitlab.requests).toEqual([]);
  });

  test('rejects the token, and the other one does not prove its name: it is not sent there', async () => {
    await using otherServer = await startGitLab(STRANGE_LEAF);
    otherServer.tokens.add(ENTRY.token.reveal());
    expect((await outcome(tokenFault, otherServer)).status).toBe('pass');
    expect(otherServer.requests).toEqual([]);
  });

  test('is that of an old GitLab, which is asked by verify, once an hour for each address', async () => {
    const tls = { certificatePem: LEAF.pem, privateKeyPem: LEAF.keyPem };
    await using gitlab = await startGitLabStandIn({ tls, profile: 'gl18' });
    gitlab.tokens.add(ENTRY.token.reveal());
    expect(await outcome(tokenFault, gitlab)).toMatchObject({ reason: 'mixed-addresses' });
    const used = { ...unlimitedBudget, once: () => false };
    expect((await outcome(tokenFault, gitlab, { tools: { budget: used } })).status).toBe('pass');
    const verified = gitlab.requests.filter(({ path }) => path.endsWith('/verify'));
    expect(verified.map(({ systemId }) => systemId)).toEqual([ENTRY.systemId]);
  });
});

function warning(reason: string): Pick<Failed, 'finding'> {
  return { finding: { status: 'warn', reason, detail: 'a page wants a login' } };
}

/** A wildcard of the first domain. */
const wildcard =
  (right: string): Script =>
  (name, type) => {
    if (type !== 'A') return [];
    if (name.endsWith('corp.example')) return [DEAD];
    return name === right ? [ALIVE] : 'nxdomain';
  };

describe('a search domain', () => {
  const SEARCH = `${ONE.replace('search .', 'search corp.example lab.example')} ndots:5`;
  test.each([
    ['the name as written', 'gitlab.test'],
    ['another domain of the list', 'gitlab.test.lab.example'],
  ])('makes another name of it, and %s is right', async (_what, right) => {
    await using gitlab = await startGitLab();
    await using server = await startDnsServer(wildcard(right));
    const of = failed('tls', 'name-mismatch');
    const stage = { dnsPort: server.port, port: gitlab.port, resolvConf: SEARCH, of };
    expect((await runOnce(stage)).second).toMatchObject({
      status: 'warn',
      reason: 'search-domain',
      detail: expect.stringContaining(`${DEAD} for gitlab.test as gitlab.test.corp.example`),
      facts: { wrong_name: 'gitlab.test.corp.example', right_name: right, right: ALIVE },
    });
  });

  test('comes after the name as written: its other answers are not asked', async () => {
    await using gitlab = await startGitLab();
    await using server = await startDnsServer(only(DEAD));
    const resolvConf = SEARCH.replace('ndots:5', 'ndots:1');
    const of = failed('tls', 'name-mismatch');
    const { second } = await runOnce({ dnsPort: server.port, port: gitlab.port, resolvConf, of });
    expect(second.status).toBe('pass');
    expect(server.asked).toHaveLength(2);
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
