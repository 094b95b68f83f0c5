/** Entries of two GitLabs on one host: what is one fault for both, and what is not. */
import { describe, expect, test } from 'vitest';

import { diagnose } from '../../src/diagnosis/diagnose.ts';
import { brokenAt, fail, GITLAB, runner, snapshotOf } from '../support/snapshots.ts';

describe('two GitLabs', () => {
  const OTHER = 'https://gitlab.other.example/';
  const runners = [runner('runnerAA1'), runner('runnerBB1', { url: OTHER })];
  const both = (link: 'dns' | 'tls' | 'connect', reason: string) => ({
    ...brokenAt(link, fail(reason, { servers: '10.0.0.53' }), GITLAB, ['runnerAA1']),
    ...brokenAt(link, fail(reason, { servers: '10.0.0.53' }), OTHER, ['runnerBB1']),
  });

  test('a fault of the host’s resolver is one cause for both', () => {
    const { causes } = diagnose(snapshotOf(both('dns', 'timeout'), { runners }));

    expect(causes).toMatchObject([
      { id: 'dns-timeout', scope: { kind: 'host', runners: ['runnerAA1', 'runnerBB1'] } },
    ]);
    expect(causes[0]?.evidence).toHaveLength(2);
  });

  test('one more run at either of them confirms it', () => {
    const findings = both('dns', 'timeout');
    const once = { finding: fail('timeout', { servers: '10.0.0.53' }), streak: 1 };
    const { causes } = diagnose(snapshotOf({ ...findings, [`dns@${GITLAB}`]: once }, { runners }));

    expect(causes[0]?.confidence).toBe('confirmed');
  });

  test('two certificates are two causes, each with its own entries', () => {
    const { causes, runners: judged } = diagnose(snapshotOf(both('tls', 'expired'), { runners }));

    expect(causes.map(({ id, scope }) => [id, scope.id, scope.runners])).toEqual([
      ['tls-certificate-expired', GITLAB, ['runnerAA1']],
      ['tls-certificate-expired', OTHER, ['runnerBB1']],
    ]);
    expect(judged.map(({ cause }) => cause)).toEqual([
      'tls-certificate-expired',
      'tls-certificate-expired',
    ]);
  });

  test('a host without a route makes the timeout of the resolver a symptom, also for other entries', () => {
    const findings = {
      ...brokenAt('connect', fail('no-route', { address: '10.0.0.2' }), GITLAB, ['runnerAA1']),
      ...brokenAt('dns', fail('timeout'), OTHER, ['runnerBB1']),
    };
    const { causes, runners: judged } = diagnose(snapshotOf(findings, { runners }));

    expect(causes.map(({ id }) => id)).toEqual(['network-no-route']);
    expect(causes[0]?.explains).toContain(`dns@${OTHER}`);
    expect(judged.map(({ cause }) => cause)).toEqual(['network-no-route', 'network-no-route']);
  });

  test('a CA file of one GitLab explains nothing at the other', () => {
    const findings = {
      ...brokenAt('tls', fail('ca-file-missing', { ca_file: '/a.crt' }), GITLAB, ['runnerAA1']),
      ...brokenAt('tls', fail('unknown-authority'), OTHER, ['runnerBB1']),
    };

    expect(diagnose(snapshotOf(findings, { runners })).causes.map(({ id }) => id)).toEqual([
      'tls-ca-file-missing',
      'tls-unknown-authority',
    ]);
  });
});
