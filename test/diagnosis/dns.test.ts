/** DNS together with the later links: an address is the cause only when DNS is not. */
import { describe, expect, test } from 'vitest';

import type { Finding, ProbeResult } from '../../src/core/finding.ts';
import { dataWith } from '../../src/core/finding-data.ts';
import { TRIED_RUNNERS } from '../../src/go/dns/address-difference.ts';
import { diagnose } from '../../src/diagnosis/diagnose.ts';
import { START } from '../support/clock.ts';
import { brokenAt, fail, GITLAB, PROXY, runner, snapshotOf, warn } from '../support/snapshots.ts';
import { PASS } from '../support/probes.ts';

const FACTS = {
  name: 'gitlab.example.com',
  addresses: '10.200.0.77',
  servers: '10.0.0.2, 10.0.0.3',
  first_server: '10.0.0.2',
  wrong: '10.200.0.77',
  wrong_source: '10.0.0.2',
  wrong_server: '10.0.0.2',
  wrong_does: 'does not respond',
  right: '10.200.0.5',
  right_does: 'where GitLab answers',
  right_source: '10.0.0.3',
  host_server: '10.0.0.3',
  host_file: '/etc/resolv.conf',
  outcomes: '10.0.0.2 timeout',
};

describe('a doubted name and a dead address are one cause, and it is the name', () => {
  test.each([
    ['servers-disagree', 'host-unreachable', 'dns-wrong-answer'],
    ['servers-disagree', 'refused', 'dns-wrong-answer'],
    ['hosts-override', 'timeout', 'dns-hosts-override-stale'],
    ['hosts-override', 'no-route', 'dns-hosts-override-stale'],
    ['sinkhole', 'refused', 'dns-wrong-answer'],
    ['outdated-copy', 'timeout', 'dns-container-copy-outdated'],
  ])('%s and %s: %s', (doubt, fault, id) => {
    const findings = { ...brokenAt('connect', fail(fault)), dns: warn(doubt, FACTS) };
    const { causes, verdict, runners } = diagnose(snapshotOf(findings));
    expect(causes).toMatchObject([{ id, severity: 'critical', confidence: 'confirmed' }]);
    expect(causes[0]?.evidence.map(({ check }) => check)).toEqual([
      `connect@${GITLAB}`,
      `dns@${GITLAB}`,
    ]);
    expect(causes[0]?.explains).toContain(`tls@${GITLAB}`);
    expect(verdict).toBe('broken');
    expect(runners[0]).toMatchObject({ cause: id, chain: { dns: 'warn', connect: 'fail' } });
  });
});

describe('the cause says which factor flips the result', () => {
  test('which name server', () => {
    const findings = {
      ...brokenAt('connect', fail('refused')),
      dns: warn('servers-disagree', FACTS),
    };
    const [cause] = diagnose(snapshotOf(findings)).causes;
    expect(cause?.summary).toBe(
      'Name server 10.0.0.2 returns 10.200.0.77 for gitlab.example.com, which does not respond; 10.0.0.3 returns 10.200.0.5, where GitLab answers.',
    );
    expect(cause?.fix[0]?.command).toBe(
      'dig +short @10.0.0.2 gitlab.example.com; dig +short @10.0.0.3 gitlab.example.com',
    );
  });

  test('hosts file or DNS', () => {
    const facts = { ...FACTS, wrong_source: '/etc/hosts line 2' };
    const findings = {
      ...brokenAt('connect', fail('timeout')),
      dns: warn('hosts-override', facts),
    };
    const [cause] = diagnose(snapshotOf(findings)).causes;
    expect(cause?.summary).toBe(
      '/etc/hosts line 2 maps gitlab.example.com to 10.200.0.77, which does not respond; DNS returns 10.200.0.5, where GitLab answers.',
    );
  });
});

test('an address of this host may meet a program that is not GitLab: the name is still the cause', () => {
  const findings = {
    ...brokenAt('tls', fail('hostname-mismatch')),
    dns: warn('sinkhole', { name: 'gitlab.example.com', addresses: '127.0.0.1' }),
  };
  const { causes } = diagnose(snapshotOf(findings));
  expect(causes).toMatchObject([
    {
      id: 'dns-wrong-answer',
      severity: 'critical',
      summary: 'DNS returns 127.0.0.1 for gitlab.example.com, which is this host itself.',
    },
  ]);
});

test('an address of this host where everything works is only worth a note', () => {
  const { causes, verdict } = diagnose(snapshotOf({ dns: warn('sinkhole', FACTS) }));
  expect(causes).toMatchObject([{ id: 'dns-wrong-answer', severity: 'notice' }]);
  expect(verdict).toBe('degraded');
});

test('DNS is not the cause of a failure after its address was dialled', () => {
  const findings = { ...brokenAt('tls', fail('expired')), dns: warn('servers-disagree', FACTS) };
  expect(diagnose(snapshotOf(findings)).causes[0]?.id).toBe('tls-certificate-expired');
});

test('a proxy that is reached by the wrong address is a matter of names too', () => {
  const facts = { ...FACTS, name: 'proxy.example.com' };
  const findings = {
    ...brokenAt('connect', fail('refused')),
    dns: warn('hosts-override', facts),
    proxy: fail('unreachable', { proxy: 'proxy.example.com:3128' }),
  };
  const { causes } = diagnose(snapshotOf(findings, { proxy: PROXY }));
  expect(causes.map(({ id }) => id)).toEqual(['dns-hosts-override-stale']);
});

describe('a lookup without an address is', () => {
  test.each([
    ['servers-disagree', 'dns-wrong-answer'],
    ['outdated-copy', 'dns-container-copy-outdated'],
    ['nss-mismatch', 'dns-nss-mismatch'],
    ['no-route', 'network-no-route'],
  ])('%s: %s', (reason, id) => {
    const findings = brokenAt(
      'dns',
      fail(reason, { ...FACTS, address: '10.0.0.2', libc: '10.0.0.9', libc_address: '10.0.0.9' }),
    );
    expect(diagnose(snapshotOf(findings)).causes).toMatchObject([{ id, severity: 'critical' }]);
  });

  test('not found: with every name that was tried', () => {
    const facts = {
      name: 'gitlab',
      tried: 'gitlab.corp.test, gitlab',
      outcomes: '10.0.0.2 nxdomain',
    };
    const [cause] = diagnose(snapshotOf(brokenAt('dns', fail('not-found', facts)))).causes;
    expect(cause?.summary).toBe(
      'The name gitlab.example.com does not resolve (tried gitlab.corp.test, gitlab: 10.0.0.2 nxdomain).',
    );
  });
});

const lookups = (...seconds: readonly number[]): readonly ProbeResult[] =>
  seconds.map((lookup_seconds) => ({
    check: `dns@${GITLAB}`,
    startedAt: START,
    durationSeconds: lookup_seconds,
    finding: { status: 'pass', measures: { lookup_seconds } } satisfies Finding,
  }));

describe('slow lookups are a cause when the median of the last five is slow', () => {
  test.each([
    ['the only one so far', [5], ['dns-slow']],
    ['one of two', [0.1, 5], []],
    ['one of many', [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 5], []],
    ['two of five', [0.1, 5, 0.1, 0.1, 5], []],
    ['three of five', [5, 0.1, 5, 0.1, 5], ['dns-slow']],
    ['all since it began', [0.1, 0.1, 0.1, 5, 5, 5, 5, 5], ['dns-slow']],
  ])('%s', (_name, seconds, ids) => {
    const recent = lookups(...seconds);
    const { causes } = diagnose(snapshotOf({ dns: { finding: warn('slow'), recent } }));
    expect(causes.map(({ id }) => id)).toEqual(ids);
  });
});

const doubt = (reason: string, tried: readonly string[]): Finding => ({
  ...warn(reason, {
    ...FACTS,
    trial: 'token',
    is_answered: true,
    wrong_does: 'rejects the token',
    wrong_name: FACTS.name,
    right_name: FACTS.name,
  }),
  data: dataWith(TRIED_RUNNERS, tried),
});

function summaryBehindSearch(facts: Readonly<Record<string, string>>): string | undefined {
  const found = doubt('search-domain', ['AAAAAAAAA']);
  const dns = { ...found, facts: { ...found.facts, ...facts } };
  const rejected = fail('rejected', { runner: 'AAAAAAAAA', name: 'docker-A', line: 7 });
  const runners = [runner('AAAAAAAAA')];
  return diagnose(snapshotOf({ dns, 'token@AAAAAAAAA': rejected }, { runners })).causes[0]?.summary;
}

describe('a token that another address of the name accepts', () => {
  const [one, two, three] = [runner('AAAAAAAAA'), runner('BBBBBBBBB'), runner('CCCCCCCCC')];
  const rejected = fail('rejected', { runner: 'AAAAAAAAA', name: 'docker-A', line: 7 });
  test.each([
    ['hosts-override', 'dns-hosts-override-stale'],
    ['servers-disagree', 'dns-wrong-answer'],
    ['search-domain', 'dns-search-domain-wrong'],
    ['mixed-addresses', 'dns-address-outdated'],
  ])('after %s is no fault of the token: %s', (reason, id) => {
    const findings = { dns: doubt(reason, [one.id]), 'token@AAAAAAAAA': rejected };
    const { causes, verdict, runners } = diagnose(snapshotOf(findings, { runners: [one] }));
    expect(causes).toMatchObject([
      { id, severity: 'critical', confidence: 'confirmed', explains: ['token@AAAAAAAAA'] },
    ]);
    expect(causes[0]?.fix.at(-1)?.command).toBe('sudo touch /etc/gitlab-runner/config.toml');
    expect([verdict, runners[0]?.connected]).toEqual(['broken', false]);
  });

  test('behind a search domain is that of the name as written, or of another one', () => {
    const facts = {
      name: 'git.corp',
      wrong_name: 'git.corp.example.net',
      wrong: '10.0.0.9',
      wrong_source: '10.0.0.1',
      right: '10.0.0.2',
      right_does: 'where GitLab accepts the token',
    };
    expect(summaryBehindSearch({ ...facts, right_name: 'git.corp' })).toBe(
      'The search list makes git.corp into git.corp.example.net, which is 10.0.0.9 (rejects the token) on name server 10.0.0.1; git.corp itself is 10.0.0.2 (GitLab accepts the token).',
    );
    expect(summaryBehindSearch({ ...facts, right_name: 'git.corp.example.org' })).toContain(
      '; git.corp.example.org is 10.0.0.2 (',
    );
  });

  test('now and then is a warning: the addresses take turns, and part of the polls succeed', () => {
    const doubted = { finding: doubt('mixed-addresses', [one.id]), since: START - 60_000 };
    const accepted = {
      check: `token@${one.id}`,
      startedAt: START - 30_000,
      durationSeconds: 0,
      finding: PASS,
    } as const;
    const said = {
      dns: doubted,
      [`token@${one.id}`]: { finding: rejected, recent: [accepted] },
    };
    const { causes, verdict, runners } = diagnose(snapshotOf(said, { runners: [one] }));
    expect(causes).toMatchObject([{ id: 'dns-address-outdated', severity: 'warning' }]);
    expect([verdict, runners[0]?.connected]).toEqual(['degraded', true]);
  });

  test('concerns the entries whose tokens fail there, not those that work', () => {
    const findings = {
      dns: doubt('hosts-override', [one.id, two.id]),
      'token@AAAAAAAAA': rejected,
      'token@BBBBBBBBB': fail('rejected', { runner: 'BBBBBBBBB', name: 'docker-B', line: 9 }),
    };
    const { causes, runners } = diagnose(snapshotOf(findings, { runners: [one, two, three] }));
    expect(causes.map(({ id, scope }) => [id, scope.runners])).toEqual([
      ['dns-hosts-override-stale', [one.id, two.id]],
    ]);
    expect(runners.map(({ connected }) => connected)).toEqual([false, false, true]);
  });
});

const restarting = (link: 'http', reason: string, since: number, dnsReason = 'hosts-override') => ({
  ...brokenAt(link, fail(reason)),
  [link]: {
    finding: fail(reason, { status: 502, responder: 'nginx' }),
    since,
    recent: [
      { check: `${link}@${GITLAB}`, startedAt: since - 1, durationSeconds: 0, finding: PASS },
    ] as const,
  },
  dns: warn(dnsReason, { ...FACTS, trial: link, wrong_name: FACTS.name }),
});

describe('a doubt of the name', () => {
  test('waits while the machine may restart, which the cause says alone', () => {
    const { causes } = diagnose(snapshotOf(restarting('http', 'bad-gateway', START - 20_000)));
    expect(causes.map(({ id }) => id)).toEqual(['gitlab-booting']);
    expect(causes[0]?.explains).toContain(`dns@${GITLAB}`);
  });

  test.each([
    ['hosts-override', 'dns-hosts-override-stale'],
    ['mixed-addresses', 'dns-address-outdated'],
  ])('is the cause after that: %s', (reason, id) => {
    const { causes } = diagnose(
      snapshotOf(restarting('http', 'bad-gateway', START - 90_000, reason)),
    );
    expect(causes.map((cause) => cause.id)).toEqual([id]);
  });
});
