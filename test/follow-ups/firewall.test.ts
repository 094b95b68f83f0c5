/** The firewall check where our way is open and the runner's own log says that its is not. */
import { expect, test } from 'vitest';

import type { Finding } from '../../src/core/finding.ts';
import type { LinkTools } from '../../src/core/probe.ts';
import type { RunnerLogReader, RunnerEvent } from '../../src/core/runner-event.ts';
import { createFirewall } from '../../src/follow-ups/firewall.ts';
import { setClock, START } from '../support/clock.ts';
import { ENDPOINT } from '../support/probes.ts';
import { followUp } from '../support/run-follow-up.ts';
import { event } from '../support/events.ts';

const RUNNER_UID = 999;

/** As `nft --json list ruleset` tells it: one rule, for one user. */
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

const LINE = event('poll-failed', {
  runner: 'abc12defg',
  cause: 'tcp-connect-timeout',
  lastAt: START - 5000,
  text: 'WARNING: Checking for jobs... failed status=Post "x": dial tcp 10.0.0.2:443: i/o timeout',
});

async function look(
  lines: readonly RunnerEvent[],
  over: Partial<LinkTools> = {},
): Promise<Finding> {
  const asked: number[] = [];
  const firewall = createFirewall(async () => {
    asked.push(1);
    return { kind: 'rules', json: rulesetFor(RUNNER_UID) };
  });
  const runnerLog = { events: () => lines } as unknown as RunnerLogReader;
  const findings = new Map<string, Finding>([['connect', { status: 'pass' }]]);
  const walk = { findings, addresses: [{ address: '10.0.0.2', family: 4 as const }] };
  const tools = { clock: setClock(), runnerLog, walk, ...over };
  const target = { ...ENDPOINT, uid: RUNNER_UID };
  const pass: Finding = { status: 'pass' };
  const finding = await followUp(firewall, { link: 'connect', finding: pass, target, tools });
  return { ...finding, facts: { ...finding.facts, asked: asked.length } };
}

test('a rule for the runner’s user is found by the address that the line names', async () => {
  expect(await look([LINE])).toMatchObject({
    status: 'warn',
    reason: 'rule-blocks',
    detail: expect.stringContaining('tcp 10.0.0.2 port 443 of user 999'),
    facts: { by_user: true, rule: 'inet host out handle 4' },
  });
});

test('and by the name server that the line names', async () => {
  const text = 'dial tcp: lookup gitlab.test on 10.0.0.53:53: write: operation not permitted';
  const findings = new Map<string, Finding>([
    ['dns', { status: 'pass', facts: { servers: '10.0.0.53' } }],
  ]);
  const line = { ...LINE, cause: 'firewall-local-block', text };

  expect(await look([line], { walk: { findings } })).toMatchObject({
    status: 'warn',
    detail: expect.stringContaining('udp 10.0.0.53 port 53 of user 999'),
  });
});

test.each([
  ['without a line', []],
  ['for a line of long ago', [{ ...LINE, lastAt: START - 121_000 }]],
  [
    'for a line about another address',
    [{ ...LINE, text: LINE.text.replace('10.0.0.2', '10.0.0.3') }],
  ],
  ['for a line about a certificate', [{ ...LINE, cause: 'tls-unknown-authority' }]],
])('the rules are not asked for %s', async (_what, lines) => {
  expect(await look(lines)).toEqual({ status: 'pass', facts: { asked: 0 } });
});
