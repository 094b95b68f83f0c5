/** A real walk over real peers: the result for a name whose address is dead, in one round. */
import { expect, test } from 'vitest';

import { systemClock } from '../../src/core/clock.ts';
import type { ProbeResult } from '../../src/core/finding.ts';
import { reasonOf } from '../../src/core/finding.ts';
import type { Probe } from '../../src/core/probe.ts';
import { connect } from '../../src/probes/connect.ts';
import { dns } from '../../src/probes/dns.ts';
import { dnsCrossCheck } from '../../src/follow-ups/dns-cross-check.ts';
import { withFollowUps } from '../../src/core/follow-up.ts';
import type { FollowUp } from '../../src/core/follow-up.ts';
import { startGitLabStandIn } from '../../src/demo/gitlab-stand-in.ts';
import { createWalk } from '../../src/checks/walk.ts';
import { rootFolder, startDnsServer } from '../support/dns-server.ts';
import { contextsAt } from '../support/places.ts';
import { check, ENDPOINT } from '../support/probes.ts';
import { unlimitedBudget } from '../support/run-probe.ts';
import { startTcpServer } from '../support/tcp-server.ts';
import { patient } from '../support/until.ts';

/** The dns link, with name servers on a port that is free here. */
function dnsAt(dnsPort: number): Probe {
  const run: typeof dns.run = (target, options, tools) =>
    dns.run(target, options, { ...tools, dnsPort });
  return { ...dns, run };
}

function crossCheckAt(dnsPort: number): FollowUp {
  const run: FollowUp['run'] = (target, tools) => dnsCrossCheck.run(target, { ...tools, dnsPort });
  return { ...dnsCrossCheck, run };
}

async function walkOnce(dnsPort: number, port: number, hosts: string): Promise<readonly string[]> {
  const resolvConf = 'nameserver 127.0.0.1\nsearch .\noptions timeout:1 attempts:1';
  await using root = await rootFolder({ '/etc/resolv.conf': resolvConf, '/etc/hosts': hosts });
  const target = { ...ENDPOINT, url: new URL(`http://gitlab.test:${port}/`) };
  const probes = withFollowUps([dnsAt(dnsPort), connect], [crossCheckAt(dnsPort)]);
  const checks = probes.map((probe) => check(probe, target));
  const results: ProbeResult[] = [];
  const deps = {
    clock: systemClock,
    contexts: contextsAt(root.paths),
    budget: unlimitedBudget,
    known: () => undefined,
    restore: () => {},
  };
  const walk = createWalk('walk', checks, deps);
  await walk.run(patient(), (result) => results.push(result), true);
  return results.map(({ check: id, finding }) =>
    [id.split('@')[0], finding.status, reasonOf(finding) ?? ''].join(' ').trim(),
  );
}

test('a pinned address that is dead is reported once, with the address that works', async () => {
  await using gitlab = await startGitLabStandIn();
  await using server = await startDnsServer((_name, type) => (type === 'A' ? ['127.0.0.1'] : []));
  const reported = await walkOnce(server.port, gitlab.port, '127.0.0.66 gitlab.test');
  expect(reported).toEqual(['dns warn hosts-override', 'connect fail refused']);
});

test('a pinned address that answers is no fault, and DNS is not asked', async () => {
  await using gitlab = await startTcpServer();
  await using server = await startDnsServer(() => ['10.0.0.5']);
  const reported = await walkOnce(server.port, gitlab.port, '127.0.0.1 gitlab.test');
  expect([reported, server.asked]).toEqual([['dns pass', 'connect pass'], []]);
});

test('when DNS has no better address DNS passes', async () => {
  await using gitlab = await startTcpServer();
  await using server = await startDnsServer(() => 'nxdomain');
  const reported = await walkOnce(server.port, gitlab.port, '127.0.0.66 gitlab.test');
  expect(reported).toEqual(['dns pass', 'connect fail refused']);
});
