/** What the cross-check of addresses sends GitLab: counted, within the budget, and nothing during a pause. */
import { describe, expect, test } from 'vitest';

import type { FollowUpMemory } from '../../src/checks/follow-up.ts';
import { paidOf } from '../../src/checks/follow-up.ts';
import type { Fault } from '../../src/demo/gitlab-faults.ts';
import { startGitLabStandIn } from '../../src/demo/gitlab-stand-in.ts';
import { setClock } from '../support/clock.ts';
import { startDnsServer } from '../support/dns-server.ts';
import { ENDPOINT } from '../support/probes.ts';
import { requestBudget } from '../support/request-budget.ts';
import { unlimitedBudget } from '../support/run-probe.ts';
import type { Failed } from '../support/cross-check.ts';
import {
  ALIVE,
  DEAD,
  ONE,
  only,
  TIMEOUT,
  failed,
  LEAF,
  startGitLab,
  runOnce,
  ENTRY,
  BOTH,
} from '../support/cross-check.ts';

test('a request with a side effect that may not be sent marks no hour as used', async () => {
  const tls = { certificatePem: LEAF.pem, privateKeyPem: LEAF.keyPem };
  await using gitlab = await startGitLabStandIn({ tls, profile: 'gl18' });
  await using server = await startDnsServer(BOTH);
  const marked: string[] = [];
  const budget = {
    ...unlimitedBudget,
    allows: (kind: string) => kind !== 'verify',
    take: (kind: string) => kind !== 'verify',
    once: (key: string) => marked.push(key) > 0,
  };
  const of = failed('token', 'rejected');
  const stage = { dnsPort: server.port, port: gitlab.port, resolvConf: ONE, of, tools: { budget } };
  await runOnce(stage);

  expect(gitlab.requests.filter(({ hasToken }) => hasToken)).toHaveLength(1);
  expect(marked.filter((key) => key.startsWith('verify'))).toEqual([]);
});

/** After this failure, with a second address of a GitLab in this state. */
async function after(of: Failed, fault: Fault, isPaused = false) {
  await using gitlab = await startGitLab();
  await using server = await startDnsServer(BOTH);
  gitlab.fault = fault;
  gitlab.tokens.add(ENTRY.token.reveal());
  const budget = requestBudget(setClock(), 20);
  if (isPaused) budget.pause(ENDPOINT.id, 60);
  const common = { resolvConf: ONE, of, tools: { budget } };
  const { second } = await runOnce({ dnsPort: server.port, port: gitlab.port, ...common });
  return { second, budget, sent: gitlab.requests.length };
}

describe('requests of the trial', () => {
  const LINKS: readonly Failed[] = [
    failed('http', 'forbidden'),
    failed('api', 'forbidden'),
    failed('token', 'rejected'),
  ];

  test.each(LINKS)('after $link are counted, each of them', async (of) => {
    const { second, budget, sent } = await after(of, 'none');
    const counted = budget.counts().map(({ count }) => count);

    expect(second).toMatchObject({ reason: 'mixed-addresses' });
    expect(sent).toBeGreaterThan(0);
    expect(counted.reduce((sum, count) => sum + count, 0)).toBe(sent);
  });

  // GitLab exempts its health page from the limit.
  const LIMITED = LINKS.filter(({ link }) => link !== 'http');

  test.each(LIMITED)('after $link keep the pause that an answer asks for', async (of) => {
    const { second, budget, sent } = await after(of, 'rate-limited');

    expect(budget.isPaused(ENDPOINT.id)).toBe(true);
    expect([second.status, sent]).toEqual(['pass', 1]);
  });

  test.each([...LINKS, TIMEOUT])('after $link are none during a pause', async (of) => {
    expect(await after(of, 'none', true)).toMatchObject({ second: { status: 'pass' }, sent: 0 });
  });
});

test('no request is sent after a lookup without an address, so that a pause does not hold it back', async () => {
  await using one = await startDnsServer(() => 'nxdomain');
  await using two = await startDnsServer(only('10.0.0.5'), '127.0.0.2', one.port);
  const budget = { ...unlimitedBudget, isPaused: () => true };
  const { first } = await runOnce({ dnsPort: two.port, port: 443, tools: { budget } });

  expect(first).toMatchObject({ status: 'fail', reason: 'servers-disagree' });
});

/** What three rounds find, of a GitLab that accepts the token or not. */
async function rounds(link: string, isAccepted: boolean, isNewPlan = false) {
  await using gitlab = await startGitLab();
  if (isAccepted) gitlab.tokens.add(ENTRY.token.reveal());
  else if (link === 'api') gitlab.fault = 'bad-gateway';
  let more: readonly string[] = [];
  await using server = await startDnsServer((_name, type) =>
    type === 'A' ? [DEAD, ALIVE, ...more] : [],
  );
  const budget = requestBudget(setClock(), 20);
  let memory: FollowUpMemory = new Map();
  const reasons: unknown[] = [];
  for (const next of [[], ['192.0.2.7'], ['192.0.2.8']]) {
    more = next;
    const of = failed(link, link === 'token' ? 'rejected' : 'forbidden');
    const common = { resolvConf: ONE, of, tools: { budget }, memory };
    const { second } = await runOnce({ dnsPort: server.port, port: gitlab.port, ...common });
    reasons.push(second.status === 'pass' ? 'pass' : second.reason);
    if (isNewPlan) memory = paidOf(memory);
  }
  return { reasons, sent: gitlab.requests.length };
}

describe('a name that answers with other addresses each time', () => {
  test.each(['api', 'token'])(
    'is tried once an hour after the %s, and keeps what was found',
    async (link) => {
      expect(await rounds(link, true)).toEqual({
        reasons: Array(3).fill('mixed-addresses'),
        sent: 1,
      });
    },
  );

  test.each(['api', 'token'])(
    'is tried once an hour after the %s where nothing is found',
    async (link) => {
      expect(await rounds(link, false)).toEqual({ reasons: Array(3).fill('pass'), sent: 1 });
    },
  );

  test('keeps what was found over a new plan', async () => {
    expect(await rounds('token', true, true)).toEqual({
      reasons: Array(3).fill('mixed-addresses'),
      sent: 1,
    });
  });
});
