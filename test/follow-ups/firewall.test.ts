/** The firewall check when our requests pass and the runner's fail, by its log. */
import { expect, test } from 'vitest';

import type { Finding } from '../../src/core/finding.ts';
import { reasonOf } from '../../src/core/finding.ts';
import type { Resolution } from '../../src/core/lookup.ts';
import type { LinkTools } from '../../src/core/probe.ts';
import type { RunnerLogReader, RunnerEvent } from '../../src/core/runner-event.ts';
import { createFirewall } from '../../src/follow-ups/firewall.ts';
import { readIptables } from '../../src/host/net/firewall/iptables.ts';
import { readNft } from '../../src/host/net/firewall/nft.ts';
import type { FirewallReading } from '../../src/host/net/firewall/read-rules.ts';
import { setClock, START } from '../support/clock.ts';
import { runnerProcess } from '../support/runner-process.ts';
import { followUp } from '../support/run-follow-up.ts';
import { dataOfPoll, event } from '../support/events.ts';

const RUNNER_UID = 999;

/** As `nft --json list ruleset` prints it: one rule, for one user. */
function rulesetFor(uid: number): string {
  const place = { family: 'inet', table: 'host', chain: 'out' };
  const match = { op: '==', left: { meta: { key: 'skuid' } }, right: uid };
  return JSON.stringify({
    nftables: [
      { chain: { ...place, name: 'out', hook: 'output', prio: 0, policy: 'accept' } },
      { rule: { ...place, handle: 4, expr: [{ match }, { drop: null }] } },
    ],
  });
}

function ruleset(json: string): FirewallReading {
  return { chains: readNft(json).chains, unread: [] };
}

function lineWith(status: string): RunnerEvent {
  const data = dataOfPoll(`Post "x": ${status}`);
  return event('poll-failed', { runner: 'abc12defg', lastAt: START - 5000, data });
}

const LINE = lineWith('dial tcp 10.0.0.2:443: i/o timeout');

async function runOnce(
  lines: readonly RunnerEvent[],
  over: Partial<LinkTools> = {},
  ownUid = RUNNER_UID,
  forUid = RUNNER_UID,
): Promise<Finding> {
  const asked: number[] = [];
  const firewall = createFirewall(async () => {
    asked.push(1);
    return ruleset(rulesetFor(forUid));
  }, ownUid);
  const runnerLog = { events: () => lines } as unknown as RunnerLogReader;
  const findings = new Map<string, Finding>([['connect', { status: 'pass' }]]);
  const walk = { findings, addresses: [{ address: '10.0.0.2', family: 4 as const }] };
  const process = runnerProcess({ uid: RUNNER_UID });
  const tools = { clock: setClock(), runnerLog, walk, process, ...over };
  const pass: Finding = { status: 'pass' };
  const finding = await followUp(firewall, { link: 'connect', finding: pass, tools });
  return { ...finding, facts: { ...finding.facts, asked: asked.length } };
}

test('a rule for the runner’s user is found by the address that the line names', async () => {
  expect(await runOnce([LINE])).toMatchObject({
    status: 'warn',
    reason: 'rule-blocks',
    detail: expect.stringContaining('tcp 10.0.0.2 port 443 of user 999'),
    facts: { by_user: true, rule: 'inet host out handle 4' },
  });
});

test('and by the name server that the line names', async () => {
  const resolution: Resolution = {
    name: 'gitlab.test',
    source: 'dns',
    servers: ['10.0.0.53'],
    isFallback: false,
    addresses: [],
    names: [],
    queries: [],
  };
  const line = lineWith(
    'dial tcp: lookup gitlab.test on 10.0.0.53:53: write: operation not permitted',
  );

  expect(await runOnce([line], { walk: { resolution } })).toMatchObject({
    status: 'warn',
    detail: expect.stringContaining('udp 10.0.0.53 port 53 of user 999'),
  });
});

test.each([
  ['without a line', []],
  ['for a line of long ago', [{ ...LINE, lastAt: START - 121_000 }]],
  ['for a line about another address', [lineWith('dial tcp 10.0.0.3:443: i/o timeout')]],
  ['for a line about a certificate', [lineWith('x509: certificate signed by unknown authority')]],
  [
    'for a line about the limits of this host',
    [lineWith('dial tcp 10.0.0.2:443: connect: cannot assign requested address')],
  ],
])('the rules are not asked for %s', async (_what, lines) => {
  expect(await runOnce(lines)).toEqual({ status: 'pass', facts: { asked: 0 } });
});

const OTHER_UID = 0;

function matchOf(left: object, right: unknown) {
  return { match: { op: '==', left, right } };
}

test('without a line they are asked for where the runner has another user than this process', async () => {
  expect(await runOnce([], {}, OTHER_UID)).toMatchObject({
    status: 'warn',
    reason: 'rule-blocks',
    facts: { by_user: true, address: '10.0.0.2', port: 443, asked: 1 },
  });
});

test('and a rule for another user, or for one of several addresses, is none', async () => {
  expect(await runOnce([], {}, OTHER_UID, 1000)).toMatchObject({ status: 'pass' });
  const place = { family: 'inet', table: 'host', chain: 'out' };
  const expr = [
    matchOf({ meta: { key: 'skuid' } }, RUNNER_UID),
    matchOf({ payload: { protocol: 'ip', field: 'daddr' } }, '10.0.0.2'),
    { drop: null },
  ];
  const json = JSON.stringify({
    nftables: [
      { chain: { ...place, name: 'out', hook: 'output', prio: 0, policy: 'accept' } },
      { rule: { ...place, handle: 4, expr } },
    ],
  });
  const firewall = createFirewall(async () => ruleset(json), OTHER_UID);
  const ask = async (...addresses: readonly string[]) => {
    const walk = { addresses: addresses.map((address) => ({ address, family: 4 as const })) };
    const tools = { walk, process: runnerProcess({ uid: RUNNER_UID }) };
    return (await followUp(firewall, { link: 'connect', finding: { status: 'pass' }, tools }))
      .status;
  };
  expect(await ask('10.0.0.2', '10.0.0.3')).toBe('pass');
  expect(await ask('10.0.0.2')).toBe('warn');
});

/** As nft 1.0.6 prints a rule made by `iptables -A OUTPUT -d 10.0.0.2 -p tcp --dport 443 -m comment … -j REJECT`. */
function rejectOfIptables(more: readonly object[] = []): string {
  const place = { family: 'ip', table: 'filter', chain: 'OUTPUT' };
  const address = {
    op: '==',
    left: { payload: { protocol: 'ip', field: 'daddr' } },
    right: '10.0.0.2',
  };
  const port = { op: '==', left: { payload: { protocol: 'tcp', field: 'dport' } }, right: 443 };
  const expr = [
    { match: address },
    { match: port },
    { xt: { type: 'match', name: 'comment' } },
    ...more,
    { counter: { packets: 0, bytes: 0 } },
    { xt: { type: 'target', name: 'REJECT' } },
  ];
  return JSON.stringify({
    nftables: [
      { chain: { ...place, name: 'OUTPUT', hook: 'output', prio: 0, policy: 'accept' } },
      { rule: { ...place, handle: 2, expr } },
    ],
  });
}

test.each([
  ['is named', [], 'rule-blocks'],
  // nft shows of such a match its name alone.
  [
    'that depends on what nft does not show is not',
    [{ xt: { type: 'match', name: 'owner' } }],
    undefined,
  ],
])('a REJECT of iptables %s', async (_what, more, reason) => {
  const firewall = createFirewall(async () => ruleset(rejectOfIptables(more)));
  const finding: Finding = {
    status: 'fail',
    reason: 'refused',
    detail: 'gitlab.test port 443: 10.0.0.2 ECONNREFUSED after 0.00 s',
    facts: { port: 443 },
  };
  const walk = { addresses: [{ address: '10.0.0.2', family: 4 as const }] };
  const found = await followUp(firewall, { link: 'connect', finding, tools: { walk } });
  expect(found).toMatchObject(
    reason === undefined ? { status: 'pass' } : { reason, facts: { verdict: 'reject' } },
  );
});

const REFUSED: Finding = {
  status: 'fail',
  reason: 'refused',
  detail: 'gitlab.test port 443: 10.0.0.2 ECONNREFUSED after 0.00 s',
  facts: { port: 443 },
};

test.each(['not-allowed', 'no-program', 'unreadable'] as const)(
  'rules that were not read are not fine: %s',
  async (kind) => {
    const detail = 'why not';
    const firewall = createFirewall(async () => ({ chains: [], unread: [{ kind, detail }] }));
    const walk = { addresses: [{ address: '10.0.0.2', family: 4 as const }] };

    const found = await followUp(firewall, { link: 'connect', finding: REFUSED, tools: { walk } });
    expect(found).toMatchObject({ status: 'unknown', reason: kind, detail });
  },
);

test('a rule that was read counts, whatever else was not', async () => {
  const unread = [{ kind: 'no-program', detail: 'why not' }] as const;
  const { chains } = ruleset(rejectOfIptables());
  const firewall = createFirewall(async () => ({ chains, unread }));
  const walk = { addresses: [{ address: '10.0.0.2', family: 4 as const }] };

  const found = await followUp(firewall, { link: 'connect', finding: REFUSED, tools: { walk } });
  expect(reasonOf(found)).toBe('rule-blocks');
});

test.each([
  ['icmp-net-unreachable', 'rule-blocks'],
  ['icmp-port-unreachable', undefined],
])('where no route is reported, a rule that rejects with %s gives %s', async (kind, reason) => {
  const text = `*filter\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -j REJECT --reject-with ${kind}\nCOMMIT\n`;
  const chains = readIptables(text, 'iptables-legacy');
  const firewall = createFirewall(async () => ({ chains, unread: [] }));
  const walk = { addresses: [{ address: '10.0.0.2', family: 4 as const }] };
  const finding: Finding = { ...REFUSED, reason: 'no-route' };

  const found = await followUp(firewall, { link: 'connect', finding, tools: { walk } });
  expect(reasonOf(found)).toBe(reason);
});

test('a rule for our own user, and none for that of the runner, blocks us alone', async () => {
  const own = 0;
  const firewall = createFirewall(async () => ruleset(rulesetFor(own)), own);
  const walk = { addresses: [{ address: '10.0.0.2', family: 4 as const }] };
  const ask = async (uid: number) => {
    const tools = { walk, process: runnerProcess({ uid }) };
    return await followUp(firewall, { link: 'connect', finding: REFUSED, tools });
  };

  expect(await ask(RUNNER_UID)).toMatchObject({
    reason: 'only-monitor-blocked',
    facts: { uid: own, by_user: true },
  });
  expect(await ask(own)).toMatchObject({ reason: 'rule-blocks' });
});

test('a rule for everyone blocks the runner too', async () => {
  const { chains } = ruleset(rejectOfIptables());
  const firewall = createFirewall(async () => ({ chains, unread: [] }), 0);
  const walk = { addresses: [{ address: '10.0.0.2', family: 4 as const }] };
  const tools = { walk, process: runnerProcess({ uid: RUNNER_UID }) };

  const found = await followUp(firewall, { link: 'connect', finding: REFUSED, tools });
  expect(reasonOf(found)).toBe('rule-blocks');
});
