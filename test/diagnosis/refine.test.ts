/** A broken link, and what else was seen at the same time: which cause is named. */
import { describe, expect, test } from 'vitest';

import type { Fact } from '../../src/core/finding.ts';
import type { ProxyDecision } from '../../src/core/target.ts';
import { diagnose } from '../../src/diagnosis/diagnose.ts';
import { START } from '../support/clock.ts';
import type { FindingSpec } from '../support/snapshots.ts';
import { brokenAt, fail, PROXY, snapshotOf, warn, withDates } from '../support/snapshots.ts';

type Facts = Readonly<Record<string, Fact>>;

function clockBehind(seconds: number): FindingSpec {
  return {
    finding: { ...warn('clock-differs'), measures: { tried: 1, date_skew_seconds: seconds } },
  };
}

function instantBefore(seconds: number): number {
  return START - seconds * 1000;
}

function resultAt(isGood: boolean, address: string, reason = 'bad-gateway') {
  const facts = { address };
  return {
    check: 'http@x' as const,
    startedAt: START,
    durationSeconds: 0.1,
    finding: isGood ? { status: 'pass' as const, facts } : { ...fail(reason), facts },
  };
}

function recentOf(pattern: string, reason?: string) {
  return Array.from(pattern, (letter) =>
    resultAt(letter === '+', letter === '+' ? '10.0.0.3' : '10.0.0.2', reason),
  );
}

function causesOf(
  findings: Readonly<Record<string, FindingSpec>>,
  proxy?: ProxyDecision,
): readonly string[] {
  const { causes } = diagnose(snapshotOf(findings, proxy === undefined ? {} : { proxy }));
  return causes.map(({ id }) => id);
}

const works = (isForRunner: boolean): FindingSpec =>
  warn('known-proxy-works', {
    proxy: 'proxy:3128',
    source: '/etc/x:1',
    is_for_runner: isForRunner,
  });
const direct = (facts: Facts = {}): FindingSpec => warn('direct-works', facts);

test.each([
  ['none', 'tls-client-cert-required'],
  ['used', 'tls-client-cert-invalid'],
  ['unusable', 'tls-client-cert-invalid'],
])('nginx wants another client certificate than the one of state %s', (client_state, id) => {
  const tls = { finding: { status: 'pass' as const, facts: { client_state, client_file: '/c' } } };

  expect(causesOf({ ...brokenAt('http', fail('client-certificate-required')), tls })).toEqual([id]);
});

describe('the direct path is blocked', () => {
  test.each([
    ['and a proxy meant for the runner works', works(true), 'proxy-setting-not-applied'],
    ['and a proxy of another program works', works(false), 'proxy-required-not-set'],
    [
      'and NO_PROXY keeps the runner from its own proxy',
      warn('known-proxy-works', { proxy: 'p:1', is_for_runner: true, is_exempt: true }),
      'proxy-required-not-set',
    ],
    ['and no other path is known', { status: 'pass' } as const, 'tcp-connect-timeout'],
  ])('%s', (_, alternatePath, id) => {
    expect(
      causesOf({ ...brokenAt('connect', fail('timeout')), 'alternate-path': alternatePath }),
    ).toEqual([id]);
  });

  test('and so is the name: a proxy that works explains both', () => {
    expect(
      causesOf({ ...brokenAt('dns', fail('not-found')), 'alternate-path': works(false) }),
    ).toEqual(['proxy-required-not-set']);
  });

  test('because the value of the variable cannot be parsed', () => {
    const proxy: ProxyDecision = {
      kind: 'direct',
      because: 'HTTPS_PROXY cannot be parsed as a URL and is ignored',
      unparsable: 'HTTPS_PROXY',
    };

    expect(causesOf(brokenAt('connect', fail('timeout')), proxy)).toEqual(['proxy-url-invalid']);
  });
});

test.each([['name-not-found'], ['unreachable']])(
  'a value that Go makes another proxy of is the cause, however that one fails: %s',
  (reason) => {
    const proxy = { ...PROXY, host: 'http', isMisread: true } as const;

    expect(causesOf(brokenAt('proxy', fail(reason)), proxy)).toEqual(['proxy-url-invalid']);
  },
);

describe('the proxy is the fault', () => {
  test.each([
    ['denied', direct({ is_internal: true }), 'no-proxy-mismatch'],
    ['upstream-failed', direct({ is_internal: true }), 'no-proxy-mismatch'],
    ['denied', direct({ is_internal: false }), 'proxy-connect-denied'],
    ['denied', direct({ is_internal: false, no_proxy_entry: '10.0.0.0/8' }), 'no-proxy-mismatch'],
    ['auth-required', direct({ is_internal: true }), 'proxy-auth-required'],
    [
      'auth-required',
      direct({ is_internal: true, source: '/etc/x:1' }),
      'proxy-setting-not-applied',
    ],
  ])('%s, with %o it is %s', (reason, alternatePath, id) => {
    expect(
      causesOf({ ...brokenAt('proxy', fail(reason)), 'alternate-path': alternatePath }, PROXY),
    ).toEqual([id]);
  });

  test('and its silence is explained by another proxy that works', () => {
    const silent = { status: 'unknown', reason: 'silent', detail: 'seen' } as const;

    expect(
      causesOf({ ...brokenAt('proxy', silent), 'alternate-path': works(true) }, PROXY),
    ).toEqual(['proxy-setting-not-applied']);
  });

  test('another path that works is evidence of any cause', () => {
    const alternatePath = direct({ is_internal: false });
    const { causes } = diagnose(
      snapshotOf(
        { ...brokenAt('proxy', fail('auth-required')), 'alternate-path': alternatePath },
        { proxy: PROXY },
      ),
    );

    expect(causes[0]?.evidence.map(({ check }) => check.split('@')[0])).toEqual([
      'proxy',
      'alternate-path',
    ]);
  });

  test('it replaces the certificate', () => {
    const findings = {
      ...brokenAt('tls', fail('self-signed')),
      'alternate-path': warn('intercepted'),
    };

    expect(causesOf(findings, PROXY)).toEqual(['proxy-tls-interception']);
  });

  test('its own certificate is judged by the same rules as GitLab’s', () => {
    const refusal = fail('certificate-refused', { problem: 'expired', proxy: 'proxy:3128' });

    expect(causesOf(brokenAt('proxy', refusal), PROXY)).toEqual(['tls-certificate-expired']);
  });
});

describe('a certificate that is refused for its dates', () => {
  const dates = { not_before: '2026-01-01T00:00:00Z', not_after: '2026-11-23T00:00:00Z' };

  test('and would be good by the server’s clock is a matter of the clock', () => {
    const findings = {
      ...brokenAt('tls', withDates(fail('expired', dates), dates)),
      'alternate-path': clockBehind(-5 * 86_400),
    };
    const { causes } = diagnose(snapshotOf(findings));

    expect(causes).toMatchObject([{ id: 'clock-skew', severity: 'critical' }]);
  });

  test('and is expired by both clocks is expired', () => {
    const alternatePath: FindingSpec = {
      status: 'pass',
      measures: { tried: 1, date_skew_seconds: 0 },
    };

    expect(
      causesOf({
        ...brokenAt('tls', withDates(fail('expired', dates), dates)),
        'alternate-path': alternatePath,
      }),
    ).toEqual(['tls-certificate-expired']);
  });
});

describe('502', () => {
  const before = [
    {
      check: 'http@x',
      startedAt: instantBefore(90),
      durationSeconds: 0.1,
      finding: { status: 'pass' },
    },
  ] as const;

  test.each([
    ['for ten seconds after it was fine', 'bad-gateway', 10, before, 'gitlab-booting'],
    ['for two minutes after it was fine', 'bad-gateway', 120, before, 'gitlab-bad-gateway'],
    ['from the first result on', 'bad-gateway', 10, [], 'gitlab-bad-gateway'],
    ['with the boot page for a minute', 'booting', 60, [], 'gitlab-booting'],
    ['with the boot page for an hour', 'booting', 3600, [], 'gitlab-bad-gateway'],
  ])('%s', (_, reason, seconds, recent, id) => {
    const http: FindingSpec = { finding: fail(reason), since: instantBefore(seconds), recent };

    expect(causesOf(brokenAt('http', http))).toEqual([id]);
  });

  test('after it was fine is suspected at first sight, and may be a restart', () => {
    const http: FindingSpec = {
      finding: fail('bad-gateway'),
      since: START,
      streak: 1,
      recent: before,
    };

    expect(diagnose(snapshotOf(brokenAt('http', http))).causes).toMatchObject([
      { confidence: 'suspected', summary: expect.stringContaining('may be restarting') },
    ]);
  });

  test.each([
    ['bad-gateway', [], 'gitlab-bad-gateway'],
    ['unavailable', before, 'gitlab-unavailable'],
  ] as const)('"%s" is only suspected in its first minute', (reason, recent, id) => {
    const causeAfter = (seconds: number) => {
      const first = { ...resultAt(false, '10.0.0.2', reason), startedAt: instantBefore(seconds) };
      const http: FindingSpec = {
        finding: fail(reason),
        since: first.startedAt,
        streak: 2,
        recent: [...recent, first, resultAt(false, '10.0.0.2', reason)],
      };
      return diagnose(snapshotOf(brokenAt('http', http))).causes;
    };

    expect(causeAfter(50)).toMatchObject([
      { id, confidence: 'suspected', summary: expect.stringContaining('may be restarting') },
    ]);
    expect(causeAfter(62)).toMatchObject([
      { confidence: 'confirmed', summary: expect.not.stringContaining('restarting') },
    ]);
  });
});

describe('good and bad answers in turn', () => {
  test('are one of several backends, named by its address, also while the last answer is good', () => {
    const http: FindingSpec = { finding: { status: 'pass' }, recent: recentOf('+-+-+-+-+-') };

    expect(diagnose(snapshotOf({ http })).causes).toMatchObject([
      {
        id: 'gitlab-partial-outage',
        severity: 'warning',
        confidence: 'confirmed',
        summary: expect.stringContaining(
          '10.0.0.3: 0 of 5 requests fail, 10.0.0.2: 5 of 5 requests fail',
        ),
      },
    ]);
  });

  test('one request in three is enough at the third sight, and names the share', () => {
    const http: FindingSpec = { finding: fail('bad-gateway'), recent: recentOf('++-++-++-') };

    expect(diagnose(snapshotOf(brokenAt('http', http))).causes).toMatchObject([
      {
        id: 'gitlab-partial-outage',
        summary: expect.stringContaining('10.0.0.2: 3 of 3 requests fail'),
      },
    ]);
  });

  test('failures that lie hours apart are none', () => {
    const results = recentOf('++-++-++-').map((one, index) => ({
      ...one,
      startedAt: START - (9 - index) * 900_000,
    }));
    const api: FindingSpec = { finding: fail('bad-gateway'), recent: results };

    expect(causesOf(brokenAt('api', api))).not.toContain('gitlab-partial-outage');
  });

  test.each([
    ['two certificates are those of two servers', 'AA', 'gitlab-partial-outage'],
    ['one certificate is cut by something else', 'BB', 'tls-certificate-expired'],
  ])('%s', (_, good, id) => {
    const results = recentOf('+-+-+-+-+-').map((one) => {
      const isGood = one.finding.status === 'pass';
      const facts = { fingerprint_sha256: isGood ? good : 'BB' };
      return {
        ...one,
        finding: isGood ? { status: 'pass' as const, facts } : fail('expired', facts),
      };
    });
    const tls: FindingSpec = { finding: fail('expired'), recent: results };

    expect(causesOf(brokenAt('tls', tls))).toEqual([id]);
  });

  test.each([
    ['one bad answer among good ones', '+++++-++++'],
    ['an outage that is over', '+++---++++'],
    ['a second outage that is over', '++--++--++'],
    ['one request in three, seen twice', '++-++-++'],
  ])('%s is none', (_, pattern) => {
    expect(causesOf({ http: { finding: { status: 'pass' }, recent: recentOf(pattern) } })).toEqual(
      [],
    );
  });
});

test.each([
  ['connect', 'refused', ['gitlab-partial-outage']],
  ['tls', 'expired', ['gitlab-partial-outage']],
  ['connect', 'timeout', []],
  ['tls', 'handshake-blocked', []],
])(
  'at %s, "%s" in turn with good ones is the answer of a backend, or a lost packet',
  (link, reason, ids) => {
    const finding: FindingSpec = {
      finding: { status: 'pass' },
      recent: recentOf('+-+-+-+-+-', reason),
    };

    expect(causesOf({ [link]: finding })).toEqual(ids);
  },
);

describe('a login or a redirect before the health page', () => {
  test.each([
    ['login-gateway', 'edge-auth-gateway'],
    ['redirected', 'url-redirect-breaks-post'],
  ])('%s is only a cause while the API is open', (reason, id) => {
    const { causes, verdict } = diagnose(snapshotOf({ http: warn(reason) }));

    expect(causes).toMatchObject([{ id, severity: 'info' }]);
    expect(verdict).toBe('healthy');
  });

  test.each(['login-gateway', 'redirected'])('%s of us alone is of runnerwatch', (reason) => {
    const alone = { http: warn(reason), api: warn('only-monitor-refused') };

    expect(diagnose(snapshotOf(alone)).causes.map(({ id }) => id)).toEqual(['monitor-blocked']);
  });
});

describe('what GitLab says of itself in answer to a token', () => {
  const day = 86_400_000;

  test.each([
    ['read-only', 0, 'gitlab-maintenance-mode', 'warning'],
    ['read-only', 2 * day, 'gitlab-read-only-site', 'critical'],
  ])('%s for %d ms is %s', (reason, age, id, severity) => {
    const state: FindingSpec = { finding: fail(reason), since: START - age };

    expect(diagnose(snapshotOf({ 'token@runnerAA1': state })).causes).toMatchObject([
      { id, severity },
    ]);
  });

  test.each([
    ['too-many-requests', 'gitlab-rate-limited', 'warning'],
    ['migrations', 'gitlab-migration-backoff', 'notice'],
  ])('%s is a cause although the token was not judged', (reason, id, severity) => {
    const state: FindingSpec = {
      finding: { status: 'unknown', reason, detail: 'seen' },
      streak: 4,
    };

    expect(diagnose(snapshotOf({ 'token@runnerAA1': state })).causes).toMatchObject([
      { id, severity },
    ]);
  });

  test('a 429 or two are only noticed', () => {
    const finding = { status: 'unknown', reason: 'too-many-requests', detail: 'seen' } as const;
    const { causes } = diagnose(snapshotOf({ 'token@runnerAA1': { finding, streak: 2 } }));

    expect(causes).toMatchObject([{ id: 'gitlab-rate-limited', severity: 'notice' }]);
  });
});

test('an entry whose path is not checked is not healthy', () => {
  const { checks, ...snapshot } = snapshotOf();
  const ofTheHost = checks.filter(
    ({ check }) => !['endpoint', 'runner'].includes(check.target.kind),
  );

  expect(diagnose({ ...snapshot, checks: ofTheHost })).toMatchObject({
    verdict: 'unsure',
    summary:
      'No problem found, but it is not known whether docker-1 works: its path to GitLab is not checked.',
  });
});
