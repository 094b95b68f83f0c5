/** The report, field by field (docs/http.md#the-report), and the same report cut down to one entry. */
import { describe, expect, test } from 'vitest';

import { reportOf } from '../../src/report/document.ts';
import { exitCodeOf } from '../../src/report/nagios.ts';
import { viewOfRunner } from '../../src/report/one-runner.ts';
import { DOCKER, brokenAt, fail, GITLAB, runner, snapshotOf, warn } from '../support/snapshots.ts';
import { brokenTrustView, viewOf } from '../support/views.ts';

const report = reportOf(brokenTrustView());
const IDS = ['t9WkyjAA1', 't9WkyjAA2', 't9WkyjAA3'];

describe('the document', () => {
  test('has these members and no other', () => {
    expect(report).toMatchObject({
      schema: 1,
      takenAt: '2026-11-24T09:00:00.000Z',
      host: 'ci-07',
      version: '0.1.0',
      verdict: 'broken',
      candidates: [],
    });
    expect(Object.keys(report)).toEqual([
      'schema',
      'takenAt',
      'host',
      'version',
      'verdict',
      'summary',
      'causes',
      'candidates',
      'runners',
      'checks',
    ]);
    expect(report.summary).toBe(
      'docker-1, docker-2, docker-3 get no jobs: the certificate of gitlab.example.com is signed by CN=Example Root CA, a certificate authority this host does not trust. 1 more cause.',
    );
  });

  test('shows a cause with evidence, what was ruled out, what to type and what it explains', () => {
    expect(report.causes[0]).toEqual({
      id: 'tls-unknown-authority',
      severity: 'critical',
      confidence: 'confirmed',
      title: "GitLab's certificate is signed by a certificate authority the runner does not trust",
      summary:
        'The certificate of gitlab.example.com is signed by CN=Example Root CA, a certificate authority this host does not trust.',
      scope: { kind: 'gitlab', id: GITLAB, runners: IDS },
      since: '2026-11-24T08:59:00.000Z',
      evidence: [
        {
          check: `tls@${GITLAB}`,
          at: '2026-11-24T08:59:59.000Z',
          text: 'chain of 2, root CN=Example Root CA, in neither the system bundle nor /etc/gitlab-runner/certs/gitlab.example.com.crt',
        },
      ],
      ruledOut: [
        { id: 'dns-name-not-found', because: 'the name resolves (10.0.0.2)' },
        { id: 'tcp-connect-timeout', because: 'the port accepts connections' },
      ],
      fix: [
        {
          text: 'Get the root certificate CN=Example Root CA in PEM format from its administrator, as root.pem.',
        },
        {
          text: "Add it to the file for this GitLab in the runner's certs directory.",
          command:
            'sudo mkdir -p /etc/gitlab-runner/certs && (echo; cat root.pem) | sudo tee -a /etc/gitlab-runner/certs/gitlab.example.com.crt >/dev/null && sudo chmod a+r /etc/gitlab-runner/certs/gitlab.example.com.crt',
        },
        {
          text: 'Restart the runner, which reads this only once.',
          command: 'sudo systemctl restart gitlab-runner',
        },
      ],
      resolvedWhen: 'the TLS check passes again',
      explains: [`http@${GITLAB}`, `api@${GITLAB}`, ...IDS.map((id) => `token@${id}`)],
      docs: 'docs/causes.md#tls-unknown-authority',
    });
  });

  test('shows each entry with its chain; a link that does not apply is absent, and so is a cause', () => {
    expect(report.runners[0]).toEqual({
      runner: 't9WkyjAA1',
      name: 'docker-1',
      executor: 'docker',
      url: GITLAB,
      chain: {
        dns: 'pass',
        connect: 'pass',
        tls: 'fail',
        http: 'skipped',
        api: 'skipped',
        token: 'skipped',
      },
      connected: false,
      canRunJobs: true,
      cause: 'tls-unknown-authority',
    });
    expect(reportOf(viewOf(snapshotOf())).runners[0]).not.toHaveProperty('cause');
  });

  test('shows each check with its last run and what accounts for it', () => {
    const of = new Map(report.checks.map((check) => [check.id, check]));

    expect(of.get(`dns@${GITLAB}`)).toEqual({
      id: `dns@${GITLAB}`,
      probe: 'dns',
      target: GITLAB,
      status: 'pass',
      measures: { lookup_seconds: 0.004 },
      facts: { addresses: '10.0.0.2' },
      at: '2026-11-24T08:59:59.000Z',
      durationSeconds: 0.25,
      since: '2026-11-24T08:59:00.000Z',
      streak: 3,
    });
    expect(of.get('token@t9WkyjAA3')).toMatchObject({
      status: 'skipped',
      reason: 'earlier-link',
      detail: 'an earlier link failed',
      explainedBy: 'tls-unknown-authority',
    });
    expect(of.get(`tls@${GITLAB}`)?.explainedBy).toBe('tls-unknown-authority');
  });

  test('says nothing about a run that has not been', () => {
    const never = {
      last: undefined,
      finding: { status: 'unknown', reason: 'not-run-yet', detail: 'not yet' },
    } as const;
    const { checks } = reportOf(viewOf(snapshotOf({ dns: never })));
    const dns = checks.find(({ probe }) => probe === 'dns');

    expect(dns).not.toHaveProperty('at');
    expect(dns).not.toHaveProperty('durationSeconds');
  });

  test('goes through JSON unharmed and holds no token', () => {
    const text = JSON.stringify(report);

    expect(JSON.parse(text)).toEqual(report);
    expect(text).not.toMatch(/not-shown|hidden/);
  });
});

test.each([
  ['healthy', {}, 0],
  ['degraded', { tls: warn('expiring-soon') }, 1],
  ['broken', brokenAt('dns', fail('timeout')), 2],
  ['unsure', { dns: { status: 'unknown', reason: 'overdue', detail: 'no end' } }, 3],
] as const)('%s ends a check with its own code', (verdict, findings, code) => {
  const { diagnosis } = viewOf(snapshotOf(findings));

  expect([diagnosis.verdict, exitCodeOf(diagnosis.verdict)]).toEqual([verdict, code]);
});

describe('one entry', () => {
  const OTHER = 'https://gitlab.other.example/';
  const runners = [
    runner('runnerAA1', { name: 'first' }),
    runner('runnerBB1', { name: 'second', url: OTHER }),
  ];
  const view = viewOf(
    snapshotOf(
      {
        ...brokenAt('tls', fail('expired'), GITLAB, ['runnerAA1']),
        [`dns@${OTHER}`]: warn('slow'),
      },
      { runners },
    ),
  );

  test.each(['runnerAA1', 'first'])(
    'is found as %s, with its own causes and checks alone',
    (wanted) => {
      const own = viewOfRunner(view, wanted);

      expect(own?.diagnosis).toMatchObject({
        verdict: 'broken',
        causes: [{ id: 'tls-certificate-expired' }],
        runners: [{ runner: 'runnerAA1' }],
      });
      expect(new Set(own?.snapshot.checks.map(({ check }) => check.target.id))).toEqual(
        new Set([GITLAB, 'runnerAA1', DOCKER]),
      );
    },
  );

  test('has its own verdict beside a broken neighbour', () => {
    expect(viewOfRunner(view, 'second')?.diagnosis).toMatchObject({
      verdict: 'degraded',
      causes: [{ id: 'dns-slow' }],
    });
  });

  test('speaks of its worst cause first', () => {
    const findings = { 'token@runnerAA1': fail('orphaned'), dns: warn('slow') };
    const own = viewOfRunner(viewOf(snapshotOf(findings)), 'runnerAA1');

    expect(own?.diagnosis.summary).toMatch(/was deleted/);
  });

  test('is healthy, or unsure, when nothing is known against it', () => {
    const unknown = { status: 'unknown', reason: 'overdue', detail: 'no end' } as const;
    const fine = viewOfRunner(viewOf(snapshotOf()), 'runnerAA1')?.diagnosis;
    const open = viewOfRunner(
      viewOf(snapshotOf({ 'token@runnerAA1': unknown })),
      'runnerAA1',
    )?.diagnosis;

    expect([fine?.verdict, fine?.summary]).toEqual([
      'healthy',
      `docker-1 reaches ${GITLAB}; no problem found.`,
    ]);
    expect(open?.verdict).toBe('unsure');
  });

  test('that is not there is none', () => {
    expect(viewOfRunner(view, 'third')).toBeUndefined();
  });
});
