/** /health: the status of a verdict and of a check, the groups of the draft, the line for monitoring plug-ins. */
import { describe, expect, test } from 'vitest';

import { healthOf, httpStatusOf } from '../../src/report/health.ts';
import { nagiosLine } from '../../src/report/nagios.ts';
import { brokenAt, fail, GITLAB, runner, SKIPPED, snapshotOf, warn } from '../support/snapshots.ts';
import { brokenTrustView, viewOf } from '../support/views.ts';

const UNKNOWN = { status: 'unknown', reason: 'overdue', detail: 'no end in time' } as const;

describe('the status', () => {
  test.each([
    ['healthy', {}, 'pass', 200],
    ['degraded', { tls: warn('expiring-soon') }, 'warn', 200],
    ['unsure', { dns: UNKNOWN }, 'warn', 200],
    ['broken', brokenAt('dns', fail('timeout')), 'fail', 503],
  ] as const)('of a %s host', (verdict, findings, status, code) => {
    const view = viewOf(snapshotOf(findings));
    const health = healthOf(view);

    expect([view.diagnosis.verdict, health.status, httpStatusOf(health)]).toEqual([
      verdict,
      status,
      code,
    ]);
    expect(health.output).toBe(status === 'pass' ? undefined : view.diagnosis.summary);
  });

  test.each([
    ['pass', { status: 'pass' }, 'pass'],
    ['warn', warn('slow'), 'warn'],
    ['fail', fail('timeout'), 'fail'],
    ['unknown', UNKNOWN, 'warn'],
    ['skipped', SKIPPED, 'warn'],
  ] as const)('of a check that says %s', (_status, finding, status) => {
    const { checks } = healthOf(viewOf(snapshotOf({ dns: finding })));

    expect(checks['dns:responseTime']).toMatchObject([{ componentId: GITLAB, status }]);
  });
});

describe('the checks', () => {
  const health = healthOf(brokenTrustView());

  test('are in groups named component:measurement, one item for each target', () => {
    for (const key of Object.keys(health.checks)) expect(key).toMatch(/^[a-z-]+:[a-zA-Z]+$/);
    expect(health.checks['token:validity']?.map(({ componentId }) => componentId)).toEqual([
      't9WkyjAA1',
      't9WkyjAA2',
      't9WkyjAA3',
    ]);
    expect(Object.values(health.checks).flat()).toHaveLength(
      brokenTrustView().snapshot.checks.length,
    );
  });

  test('show value and unit, time, and what suppresses them; the evidence itself is not suppressed', () => {
    expect(health.checks['dns:responseTime']?.[0]).toEqual({
      componentId: GITLAB,
      componentType: 'component',
      status: 'pass',
      time: '2026-11-24T08:59:59.000Z',
      observedValue: 0.004,
      observedUnit: 'seconds',
    });
    expect(health.checks['disk:utilization']?.[0]).toMatchObject({
      componentType: 'system',
      observedValue: 0.04,
      observedUnit: 'ratio',
      output: '/ has 3.1 GiB (4 %) free',
      reason: 'nearly-full',
    });
    expect(health.checks['token:validity']?.[0]?.suppressedBy).toBe('tls-unknown-authority');
    expect(health.checks['tls:responseTime']?.[0]).not.toHaveProperty('suppressedBy');
  });

  test('come after the causes, which are in the order of blame', () => {
    expect(health.causes.map(({ id }) => id)).toEqual([
      'tls-unknown-authority',
      'disk-space-exhausted',
    ]);
    expect(Object.keys(health).indexOf('causes')).toBeLessThan(
      Object.keys(health).indexOf('checks'),
    );
  });

  test('a demo says so', () => {
    expect(health).not.toHaveProperty('notes');
    expect(healthOf(brokenTrustView({ demo: true })).notes?.[0]).toMatch(/^This is a demo/);
  });
});

describe('the line of a plug-in', () => {
  test('is state, summary and performance data', () => {
    expect(nagiosLine(viewOf(snapshotOf()))).toBe(
      `RUNNERWATCH OK - 2 runners reach ${GITLAB}; no problem found. | causes=0;;;0 critical=0;;;0 connected=2;;;0;2 working=2;;;0;2`,
    );
    expect(nagiosLine(brokenTrustView())).toMatch(
      /^RUNNERWATCH CRITICAL - docker-1, .* \| causes=2;;;0 critical=1;;;0 connected=0;;;0;3 /,
    );
  });

  test.each([
    [{ tls: warn('expiring-soon') }, 'WARNING'],
    [{ dns: UNKNOWN }, 'UNKNOWN'],
  ])('%j is %s', (findings, word) => {
    expect(nagiosLine(viewOf(snapshotOf(findings)))).toMatch(new RegExp(`^RUNNERWATCH ${word} - `));
  });

  test.each(['a | evil=1', 'two\nlines', 'a\rb', 'a\u2028b', '\u001B[31mred'])(
    'cannot be broken by an entry named %j',
    (name) => {
      const runners = [runner('runnerAA1', { name })];
      const line = nagiosLine(viewOf(snapshotOf({ token: fail('rejected') }, { runners })));

      expect(line.split('|')).toHaveLength(2);
      expect(line).toMatch(/^[^\p{Cc}\p{Zl}\p{Zp}]+$/u);
      expect(line).toMatch(/ \| causes=1;;;0 critical=1;;;0 connected=0;;;0;1 working=0;;;0;1$/);
    },
  );
});
