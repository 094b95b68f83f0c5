/** Rules that the kernel itself keeps, and which of them stops a packet of the runner. Needs root. */
import { afterEach, beforeAll, afterAll, describe, expect, test } from 'vitest';

import { findBlockingRule } from '../../src/host/net/firewall/blocking-rule.ts';
import { readNft } from '../../src/host/net/firewall/nft.ts';
import type { Packet } from '../../src/host/net/firewall/ruleset.ts';
import type { Network } from '../support/network-namespace.ts';
import { createNetwork } from '../support/network-namespace.ts';

const GITLAB: Packet = { address: '10.200.0.2', protocol: 'tcp', port: 443, uid: 999 };
let network: Network;

beforeAll(async () => {
  network = await createNetwork();
});
afterEach(async () => await network.runner.unfilter());
afterAll(async () => await network[Symbol.asyncDispose]());

/** The verdict of the kernel's own list on a packet, after these commands. */
async function findStoppingRule(commands: readonly string[], packet: Partial<Packet> = {}) {
  for (const command of commands) await network.runner.exec('nft', command);
  const json = await network.runner.exec('nft', '--json', 'list', 'ruleset');
  return findBlockingRule(readNft(json).chains, { ...GITLAB, ...packet });
}

const OUTPUT = [
  'add table inet host',
  'add chain inet host out { type filter hook output priority 0; policy accept; }',
  'add chain inet host extra',
  'add set inet host banned { type ipv4_addr; flags interval; elements = { 10.200.0.0/24 } ; }',
];
const rule = (text: string, chain = 'out'): string => `add rule inet host ${chain} ${text}`;

describe('a rule that stops the connection', () => {
  test.each([
    ['by address and port', [rule('ip daddr 10.200.0.2 tcp dport 443 drop')], 'drop'],
    ['by network', [rule('ip daddr 10.0.0.0/8 drop')], 'drop'],
    ['by a list of ports', [rule('tcp dport { 80, 440-450 } reject with tcp reset')], 'reject'],
    ['by a named set', [rule('ip daddr @banned drop')], 'drop'],
    ['by what it is not', [rule('tcp dport != { 22, 53 } drop')], 'drop'],
    ['for new connections', [rule('ct state new counter log drop')], 'drop'],
    ['of any kind', [rule('reject with icmpx admin-prohibited')], 'reject'],
    ['in a chain that is jumped to', [rule('jump extra'), rule('drop', 'extra')], 'drop'],
    [
      'after a rule that does not match',
      [rule('oifname "lo" tcp dport 80 accept'), rule('drop')],
      'drop',
    ],
  ])('%s', async (_, rules, verdict) => {
    expect(await findStoppingRule([...OUTPUT, ...rules])).toMatchObject({
      verdict,
      isByUser: false,
    });
  });

  test('is named as nft names it, with its comment', async () => {
    const found = await findStoppingRule([
      ...OUTPUT,
      rule('tcp dport 443 drop comment "egress lockdown"'),
    ]);

    expect(found?.location).toMatch(/^inet host out handle \d+$/);
    expect(found?.comment).toBe('egress lockdown');
  });

  test('only for the user of the runner', async () => {
    const rules = [...OUTPUT, rule('meta skuid 999 tcp dport 443 drop')];

    expect(await findStoppingRule(rules)).toMatchObject({ verdict: 'drop', isByUser: true });
    await network.runner.unfilter();
    expect(await findStoppingRule(rules, { uid: 0 })).toBeUndefined();
  });

  test('is the policy of the chain, when no rule accepts', async () => {
    const closed = OUTPUT.map((line) => line.replace('policy accept', 'policy drop'));

    expect(await findStoppingRule([...closed, rule('udp dport 53 accept')])).toEqual({
      location: 'inet host out',
      program: 'nft',
      chain: ['inet', 'host', 'out'],
      copies: 1,
      verdict: 'policy drop',
      saysNoRoute: false,
      isByUser: false,
      ofAnswer: false,
    });
  });
});

describe('rules that do not stop it', () => {
  test.each([
    ['another port', [rule('tcp dport 80 drop')]],
    ['another address', [rule('ip daddr 10.9.9.9 drop')]],
    ['another protocol', [rule('udp dport 443 drop')]],
    ['the other family', [rule('ip6 daddr fd00::/8 drop')]],
    ['established connections', [rule('ct state established drop')]],
    ['an accept before the drop', [rule('tcp dport 443 accept'), rule('drop')]],
    ['an accept that may hold before the drop', [rule('oifname "eth9" accept'), rule('drop')]],
    ['a drop that may not hold', [rule('oifname "eth9" drop')]],
    [
      'a drop in a chain that is perhaps jumped to',
      [rule('oifname "eth9" jump extra'), rule('drop', 'extra')],
    ],
    [
      'a return before the drop',
      [rule('jump extra'), rule('return', 'extra'), rule('drop', 'extra')],
    ],
    ['a rate limit', [rule('limit rate over 1/second drop')]],
    ['no rule at all', []],
  ])('%s', async (_, rules) => {
    expect(await findStoppingRule([...OUTPUT, ...rules])).toBeUndefined();
  });
});

test('chains of forward do not matter to a packet of this host', async () => {
  const forward = 'add chain inet host on { type filter hook forward priority 0; policy drop; }';

  expect(await findStoppingRule([...OUTPUT, forward])).toBeUndefined();
});

describe('the answer to it', () => {
  const input = 'add chain inet host in { type filter hook input priority 0; policy accept; }';
  const closed = input.replace('policy accept', 'policy drop');

  test.each([
    ['by its port', [input, rule('tcp sport 443 drop', 'in')], 'drop'],
    ['by its address', [input, rule('ip saddr 10.200.0.2 counter drop', 'in')], 'drop'],
    ['by the policy', [closed, rule('iifname "lo" accept', 'in')], 'policy drop'],
    [
      'where it was not tracked yet',
      [input.replace('hook input', 'hook prerouting'), rule('ip saddr 10.0.0.0/8 drop', 'in')],
      'drop',
    ],
  ])('is stopped %s', async (_, rules, verdict) => {
    expect(await findStoppingRule([...OUTPUT, ...rules], { leavesHost: true })).toMatchObject({
      verdict,
      ofAnswer: true,
    });
  });

  test.each([
    ['established connections pass', [rule('ct state established,related accept', 'in')]],
    ['a map of verdicts decides', [rule('ct state vmap { established : accept }', 'in')]],
    ['the interface may pass', [rule('iifname "eth9" accept', 'in')]],
  ])('passes where %s', async (_, rules) => {
    expect(
      await findStoppingRule([...OUTPUT, closed, ...rules], { leavesHost: true }),
    ).toBeUndefined();
  });
});

test('what goes to another host does not take the loopback interface', async () => {
  const closed = OUTPUT.map((line) => line.replace('policy accept', 'policy drop'));
  const rules = [...closed, rule('oifname "lo" accept')];

  expect(await findStoppingRule(rules, { leavesHost: true })).toMatchObject({
    verdict: 'policy drop',
  });
  await network.runner.unfilter();
  expect(await findStoppingRule(rules)).toBeUndefined();
});
