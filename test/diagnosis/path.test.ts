/** One fault on the path: which cause is named, for whom, what it explains and what it rules out. */
import { describe, expect, test } from 'vitest';

import { dataWith } from '../../src/core/finding-data.ts';
import type { Attempt } from '../../src/core/lookup.ts';
import { ATTEMPTS } from '../../src/go/dial/dial-judgement.ts';
import type { CheckId } from '../../src/core/finding.ts';
import { LINKS } from '../../src/core/vocabulary.ts';
import { catalogue } from '../../src/diagnosis/catalogue/index.ts';
import { diagnose } from '../../src/diagnosis/diagnose.ts';
import { brokenAt, fail, GITLAB, PROXY, SKIPPED, snapshotOf, warn } from '../support/snapshots.ts';

const BOTH = ['runnerAA1', 'runnerAA2'];
const WALK = LINKS.filter((link) => link !== 'token' && link !== 'proxy');
const TOKENS: readonly CheckId[] = ['token@runnerAA1', 'token@runnerAA2'];

function reasonsOf(probe: string): readonly (readonly [string, string])[] {
  return catalogue.flatMap(({ id, from }) =>
    from.filter((reason) => reason.startsWith(`${probe}/`)).map((reason) => [reason, id] as const),
  );
}

describe('a link that fails is the cause of all entries behind it, and explains the rest', () => {
  const failing = WALK.flatMap((link) => reasonsOf(link)).filter(
    ([reason]) =>
      !/slow|late|no-answer|expiring-soon|some-addresses|api\/too-many|only-monitor/.test(reason),
  );

  test.each(failing)('%s is %s', (from, id) => {
    const [link = '', reason = ''] = from.split('/');
    const at = WALK.indexOf(link as (typeof WALK)[number]);
    const spec = catalogue.find((one) => one.id === id);
    const { causes, runners, verdict } = diagnose(
      snapshotOf(brokenAt(link as (typeof LINKS)[number], fail(reason))),
    );

    expect(causes).toMatchObject([
      { id, severity: spec?.severity, scope: { kind: spec?.scope, runners: BOTH } },
    ]);
    expect(causes[0]?.evidence.map(({ check }) => check)).toEqual([`${link}@${GITLAB}`]);
    expect(causes[0]?.explains).toEqual([
      ...WALK.slice(at + 1).map((name) => `${name}@${GITLAB}`),
      ...TOKENS,
    ]);
    expect(causes[0]?.ruledOut).toHaveLength(at);
    // Whatever its severity: no entry reaches GitLab, unless some of the requests do.
    const isPartial = spec?.isPartial === true;
    expect(verdict).toBe(isPartial ? 'degraded' : 'broken');
    expect(runners.map((one) => [one.cause, one.connected])).toEqual([
      [id, isPartial],
      [id, isPartial],
    ]);
  });

  test('later links read skipped, and links that do not apply are absent', () => {
    const { runners } = diagnose(snapshotOf(brokenAt('tls', fail('expired'))));

    expect(runners[0]?.chain).toEqual({
      dns: 'pass',
      connect: 'pass',
      tls: 'fail',
      http: 'skipped',
      api: 'skipped',
      token: 'skipped',
    });
  });

  test('what passed before is ruled out, with the addresses that the name gave', () => {
    const { causes } = diagnose(
      snapshotOf({
        ...brokenAt('tls', fail('unknown-authority', { root: 'CN=Root' })),
        dns: { status: 'pass', facts: { addresses: '10.0.0.2, 10.0.0.3' } },
      }),
    );

    expect(causes[0]?.ruledOut).toEqual([
      { id: 'dns-name-not-found', because: 'the name resolves (10.0.0.2, 10.0.0.3)' },
      { id: 'tcp-connect-timeout', because: 'the port accepts connections' },
    ]);
  });
});

test('an address in url is no name: nothing about names is ruled out', () => {
  const facts = { address: '10.0.0.2', source: 'literal', addresses: '10.0.0.2' };
  const { causes } = diagnose(
    snapshotOf({ ...brokenAt('tls', fail('unknown-authority')), dns: { status: 'pass', facts } }),
  );

  expect(causes[0]?.ruledOut.map(({ id }) => id)).toEqual(['tcp-connect-timeout']);
});

describe('at a proxy', () => {
  // Another server behind it is found by a link that fails there, and of one name.
  const own = reasonsOf('proxy').filter(([from]) => from !== 'proxy/other-server');

  test.each(own)('%s is %s, once for the proxy', (from, id) => {
    const facts = { proxy: 'proxy.example.com:3128', variable: 'HTTPS_PROXY', status: 403 };
    const found = diagnose(
      snapshotOf(brokenAt('proxy', fail(from.slice('proxy/'.length), facts)), { proxy: PROXY }),
    );

    expect(found.causes).toMatchObject([
      { id, severity: 'critical', scope: { kind: 'host', id: 'proxy.example.com:3128' } },
    ]);
    expect(found.runners[0]?.chain).toMatchObject({
      connect: 'pass',
      proxy: 'fail',
      tls: 'skipped',
    });
  });

  test.each([
    ['dns', 'not-found', 'name-not-found', 'proxy-name-not-found'],
    ['connect', 'refused', 'unreachable', 'proxy-unreachable'],
  ] as const)('%s/%s of the proxy is the proxy’s own fault', (link, reason, atProxy, id) => {
    const findings = { ...brokenAt(link, fail(reason)), proxy: fail(atProxy, { proxy: 'p:1' }) };
    const { causes } = diagnose(snapshotOf(findings, { proxy: PROXY }));

    expect(causes.map((cause) => cause.id)).toEqual([id]);
    expect(causes[0]?.explains).toContain(`${link}@${GITLAB}`);
  });

  test.each([
    ['dns', 'timeout', 'name-not-found', 'dns-timeout'],
    ['dns', 'no-route', 'name-not-found', 'network-no-route'],
    ['connect', 'no-route', 'unreachable', 'network-no-route'],
    ['connect', 'no-local-port', 'unreachable', 'ephemeral-ports-exhausted'],
  ] as const)('%s/%s is no fault of the proxy: %s', (link, reason, atProxy, id) => {
    const findings = { ...brokenAt(link, fail(reason)), proxy: fail(atProxy, { proxy: 'p:1' }) };
    const { causes } = diagnose(snapshotOf(findings, { proxy: PROXY }));

    expect(causes.map((cause) => cause.id)).toEqual([id]);
    expect(causes[0]?.explains).toContain(`proxy@${GITLAB}`);
  });
});

describe('a link that only warns', () => {
  test.each([
    ['dns', 'slow', 'dns-slow', 'notice'],
    ['tls', 'expiring-soon', 'tls-expiring-soon', 'notice'],
    ['http', 'slow', 'gitlab-slow', 'notice'],
    ['api', 'too-many-requests', 'monitor-throttled', 'notice'],
    ['http', 'only-monitor-refused', 'monitor-blocked', 'notice'],
    ['api', 'only-monitor-refused', 'monitor-blocked', 'notice'],
    ['token', 'expiring-soon', 'token-expiring-soon', 'notice'],
  ])(
    '%s/%s is %s, explains nothing and leaves the entries connected',
    (link, reason, id, severity) => {
      const { causes, runners, verdict } = diagnose(snapshotOf({ [link]: warn(reason) }));

      expect(causes).toMatchObject([{ id, severity, explains: [] }]);
      expect(verdict).toBe('degraded');
      expect(runners.map(({ connected }) => connected)).toEqual([true, true]);
    },
  );

  test('stays beside a later link that fails: slow names do not refuse connections', () => {
    const { causes } = diagnose(
      snapshotOf({ ...brokenAt('connect', fail('refused')), dns: warn('slow') }),
    );

    expect(causes.map(({ id }) => id)).toEqual(['tcp-connection-refused', 'dns-slow']);
  });

  test.each([
    [
      '10.0.0.2 ECONNREFUSED after 0.00 s, 10.0.0.3 ok after 0.01 s',
      '10.0.0.3',
      'gitlab-partial-outage',
      'notice',
    ],
    [
      '2001:db8::1 ENETUNREACH after 0.00 s, 10.0.0.3 ok after 0.01 s',
      '10.0.0.3',
      'ipv6-path-broken',
      'notice',
    ],
    [
      '10.0.0.2 timeout after 3.00 s, 2001:db8::1 ok after 0.01 s',
      '2001:db8::1',
      'gitlab-partial-outage',
      'notice',
    ],
    [
      '2001:db8::1 timeout after 3.00 s, 2001:db8::2 ok after 0.01 s',
      '2001:db8::2',
      'gitlab-partial-outage',
      'notice',
    ],
  ])('%s', (attempts, address, id, severity) => {
    const finding = {
      ...warn('some-addresses-failed', { attempts, address }),
      data: dataWith(ATTEMPTS, attemptsIn(attempts)),
    };

    expect(diagnose(snapshotOf({ connect: finding })).causes).toMatchObject([{ id, severity }]);
  });
});

/** `10.0.0.2 ok after 0.01 s, 2001:db8::1 timeout after 3.00 s` as connect measured it. */
function attemptsIn(text: string): readonly Attempt[] {
  return text.split(', ').map((attempt) => {
    const [address = '', outcome = '', , seconds] = attempt.split(' ');
    return {
      address: { address, family: address.includes(':') ? 6 : 4 },
      outcome,
      seconds: Number(seconds),
    };
  });
}

test('an IPv6 address without a route is a missing route of this host', () => {
  const attempts = '2001:db8::1 ENETUNREACH after 0.00 s';
  const finding = {
    ...fail('no-route', { attempts, address: '2001:db8::1' }),
    data: dataWith(ATTEMPTS, attemptsIn(attempts)),
  };
  const [cause] = diagnose(snapshotOf(brokenAt('connect', finding))).causes;

  expect(cause).toMatchObject({ id: 'network-no-route', severity: 'critical' });
  expect(cause?.summary).toContain('no IPv6 route to 2001:db8::1');
});

test.each([
  ['2001:db8::1 timeout after 5.00 s', 'ipv6-path-broken'],
  ['2001:db8::1 timeout after 5.00 s, 10.0.0.2 timeout after 5.00 s', 'tcp-connect-timeout'],
])('a path that is closed to %s alone is %s', (attempts, id) => {
  const finding = { ...fail('timeout'), data: dataWith(ATTEMPTS, attemptsIn(attempts)) };

  expect(diagnose(snapshotOf(brokenAt('connect', finding))).causes).toMatchObject([
    { id, severity: 'critical' },
  ]);
});

describe('short evidence', () => {
  const odd = { status: 'fail', reason: 'never-heard-of', detail: 'odd' } as const;

  test('a failure without a known reason is unknown, with candidates and the next test of each', () => {
    const { causes, candidates, verdict } = diagnose(snapshotOf(brokenAt('tls', odd)));

    expect(causes).toMatchObject([{ id: 'unknown', severity: 'critical' }]);
    expect(verdict).toBe('broken');
    expect(candidates).toHaveLength(5);
    for (const { id, missing, nextTest } of candidates) {
      expect(catalogue.find((spec) => spec.id === id)?.from.join(' ')).toContain('tls/');
      expect([missing, nextTest]).toEqual([
        expect.stringMatching(/\.$/),
        `runnerwatch explain ${id}`,
      ]);
    }
  });

  test('a warning without a known reason does not say that a runner is cut off', () => {
    const { causes, verdict } = diagnose(snapshotOf({ cpu: { ...odd, status: 'warn' } }));

    expect([causes[0]?.id, causes[0]?.severity, verdict]).toEqual([
      'unknown',
      'warning',
      'degraded',
    ]);
  });

  test('a link with an unknown result hides nothing and is no cause', () => {
    const blind = { status: 'unknown', reason: 'overdue', detail: 'no end in time' } as const;

    expect(diagnose(snapshotOf({ connect: blind })).causes).toEqual([]);
    expect(diagnose(snapshotOf({ connect: blind })).verdict).toBe('unsure');
    const above = snapshotOf({ connect: blind, ...brokenAt('tls', fail('expired')) });
    expect(diagnose(above).causes.map(({ id }) => id)).toEqual(['tls-certificate-expired']);
  });

  test('what was skipped without a failure before it is unsure', () => {
    expect(diagnose(snapshotOf({ api: SKIPPED })).verdict).toBe('unsure');
  });
});
