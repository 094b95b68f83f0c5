/** Which findings of the linter are causes, of which entries, and when an ignored key is the root. */
import { describe, expect, test } from 'vitest';

import type { Diagnosis } from '../../src/core/diagnosis.ts';
import { diagnose } from '../../src/diagnosis/diagnose.ts';
import { twoEntries, withLint } from '../support/lint-findings.ts';
import type { FindingSpec } from '../support/snapshots.ts';
import { brokenAt, changeContext, fail, snapshotOf } from '../support/snapshots.ts';

const DOCKER =
  '  executor = "docker"\n  [runners.docker]\n    image = "alpine"\n    volumes = ["/cache"]\n';
const UNTRUSTED = brokenAt('tls', fail('unknown-authority', { root: 'CN=Root' }));

function diagnoseText(
  text: string,
  findings: Readonly<Record<string, FindingSpec>> = {},
): Diagnosis {
  return diagnose(withLint(snapshotOf(findings), text));
}

const short = ({ causes }: Diagnosis): readonly string[] =>
  causes.map(({ id, severity, scope }) => `${id} ${severity} ${scope.runners.join(' ')}`);

test('a silent file is no cause', () => {
  expect(diagnoseText(twoEntries(''))).toMatchObject({ verdict: 'healthy', causes: [] });
});

test('notes are no cause', () => {
  expect(diagnoseText(twoEntries('').replaceAll('request_concurrency = 2', ''))).toMatchObject({
    verdict: 'healthy',
  });
});

test('an executor that does not exist is critical, for its own entry', () => {
  const diagnosis = diagnoseText(twoEntries(DOCKER.replace('"docker"', '"dokcer"')));

  expect(short(diagnosis)).toEqual(['config-executor-unknown critical runnerAA1']);
  expect(diagnosis.causes[0]).toMatchObject({
    confidence: 'confirmed',
    evidence: [
      {
        text: 'line 7: unknown executor "dokcer" (X01); write executor = "docker"',
      },
    ],
    fix: [
      {
        text: 'Correct line 7: executor = "docker"',
        command: 'sudoedit /etc/gitlab-runner/config.toml',
      },
      { command: 'sudo runnerwatch lint /etc/gitlab-runner/config.toml' },
    ],
  });
});

test('a table that is missing is a warning', () => {
  expect(short(diagnoseText(twoEntries('  executor = "docker"\n')))).toEqual([
    'config-executor-section-missing warning runnerAA1',
  ]);
});

test('a system id that came with an image is a clash, for all entries', () => {
  const snapshot = withLint(snapshotOf(), twoEntries(''));
  const { lint } = snapshot.hostContext.contexts[0];
  const copied = {
    rule: 'F11',
    name: 'system-id-older-than-host',
    severity: 'warning',
    file: '/etc/gitlab-runner/config.toml',
    message: '.runner_system_id is older than /etc/machine-id, and was not made here',
    consequence: 'One.',
    fix: 'Another.',
  } as const;
  const report = lint === undefined ? {} : { lint: { ...lint, findings: [copied] } };
  const { causes } = diagnose(changeContext(snapshot, report));

  expect(causes).toMatchObject([
    {
      id: 'system-id-clash',
      severity: 'warning',
      summary: expect.stringContaining('is from an image'),
      scope: { runners: ['runnerAA1', 'runnerAA2'] },
    },
  ]);
});

test('too few slots are a notice for all entries', () => {
  expect(short(diagnoseText(twoEntries('', 'concurrent = 1\n')))).toEqual([
    'config-concurrency-starvation notice runnerAA1 runnerAA2',
  ]);
});

describe('an ignored key', () => {
  const text = twoEntries(`  tls_ca_file = "/etc/ca.pem"\n${DOCKER}`);

  test('is a notice while all is well', () => {
    expect(short(diagnoseText(text))).toEqual(['config-unknown-key notice runnerAA1']);
  });

  test('is the root where it would have given the trust that is missing', () => {
    const { causes } = diagnoseText(text, UNTRUSTED);

    expect(causes.map(({ id, severity }) => [id, severity])).toEqual([
      ['config-unknown-key', 'critical'],
    ]);
    expect(causes[0]?.scope.runners).toEqual(['runnerAA1', 'runnerAA2']);
    expect(causes[0]?.explains).toContain('tls@https://gitlab.example.com/');
  });

  test.each([
    ['ca-file = "/etc/ca.pem"', 'tls-ca-file, in [[runners]]'],
    ['tls_ca_path = "/etc/ca.pem"', 'tls-ca-file, in [[runners]]'],
    ['cacert = "/etc/ca.pem"', 'tls-ca-file, in [[runners]]'],
  ])('may have any name that says authority: %s', (line, corrected) => {
    const { causes } = diagnoseText(twoEntries(`  ${line}\n${DOCKER}`), UNTRUSTED);

    expect(causes.map(({ id, severity }) => [id, severity])).toEqual([
      ['config-unknown-key', 'critical'],
    ]);
    expect(causes[0]?.fix[0]?.text).toContain(corrected);
  });

  test('explains no other failure', () => {
    const { causes } = diagnoseText(text, brokenAt('connect', fail('refused')));

    expect(causes.map(({ id, severity }) => [id, severity])).toContainEqual([
      'config-unknown-key',
      'notice',
    ]);
    expect(causes.some(({ id }) => id.startsWith('tcp-'))).toBe(true);
  });

  test('another one does not explain missing trust', () => {
    const { causes } = diagnoseText(twoEntries(`  tags = ["a"]\n${DOCKER}`), UNTRUSTED);

    expect(causes.map(({ id, severity }) => [id, severity])).toEqual([
      ['config-unknown-key', 'notice'],
      ['tls-unknown-authority', 'critical'],
    ]);
  });
});

describe('a setting that does nothing', () => {
  const text = twoEntries(`${DOCKER}    tls_verify = false\n`);

  test('is no cause while GitLab is trusted', () => {
    expect(short(diagnoseText(text))).toEqual([]);
  });

  test.each(['unknown-authority', 'name-mismatch', 'expired'])(
    'is a notice while GitLab is refused: %s',
    (reason) => {
      const { causes } = diagnoseText(text, brokenAt('tls', fail(reason)));

      expect(causes.map(({ id }) => id)).toContain('config-setting-ineffective');
      expect(causes.find(({ id }) => id === 'config-setting-ineffective')?.severity).toBe('notice');
      expect(causes.some(({ severity }) => severity === 'critical')).toBe(true);
    },
  );
});

test('a key that was to turn verification off, in a table that has no such key, is reported once', () => {
  const { causes } = diagnoseText(twoEntries(`  tls_verify = false\n${DOCKER}`), UNTRUSTED);

  expect(causes.map(({ id, severity }) => [id, severity])).toEqual([
    ['config-setting-ineffective', 'notice'],
    ['tls-unknown-authority', 'critical'],
  ]);
});

test('findings of a file that does not load are left to the cause that says so', () => {
  const findings = { config: fail('type-error', { line: 1 }) };
  const diagnosis = diagnoseText(twoEntries(DOCKER.replace('"docker"', '"dokcer"')), findings);

  expect(diagnosis.causes.map(({ id }) => id)).toEqual(['config-changed-not-loaded']);
});
