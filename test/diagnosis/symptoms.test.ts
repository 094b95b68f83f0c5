/** Symptoms are removed from the list, but one cause always remains, for any result of the rules. */
import { describe, expect, test } from 'vitest';

import type { Cause } from '../../src/core/diagnosis.ts';
import type { CheckId } from '../../src/core/finding.ts';
import { catalogue, causeSpec } from '../../src/diagnosis/catalogue/index.ts';
import { diagnose } from '../../src/diagnosis/diagnose.ts';
import { indexSnapshot } from '../../src/diagnosis/snapshot-index.ts';
import { withoutSymptoms } from '../../src/diagnosis/symptoms.ts';
import { event, showing, TALKING } from '../support/events.ts';
import type { FindingSpec, World } from '../support/snapshots.ts';
import { fail, snapshotOf } from '../support/snapshots.ts';

function causeOf(id: string, check: CheckId, explains: readonly CheckId[] = []): Cause {
  const spec = causeSpec(id);
  return {
    id,
    severity: spec?.severity ?? 'critical',
    confidence: 'confirmed',
    title: '',
    summary: '',
    scope: { kind: 'host', id: 'host', runners: [] },
    since: 0,
    evidence: [{ check, at: 0, text: '' }],
    ruledOut: [],
    fix: [],
    resolvedWhen: '',
    explains,
  };
}

const idsOf = (...causes: readonly Cause[]): readonly string[] =>
  withoutSymptoms(causes, indexSnapshot(snapshotOf())).map(({ id }) => id);

test('two causes that explain each other leave one of them', () => {
  const first = causeOf('disk-read-only', 'disk@/', ['memory@host']);
  const second = causeOf('cpu-saturated', 'memory@host', ['disk@/']);

  expect(idsOf(first, second)).toEqual(['disk-read-only']);
  expect(idsOf(second, first)).toEqual(['cpu-saturated']);
});

test('three that explain each other in a ring leave one of them, with all their checks', () => {
  const ring = [
    causeOf('disk-read-only', 'disk@/', ['memory@host']),
    causeOf('cpu-saturated', 'memory@host', ['cpu@host']),
    causeOf('clock-skew', 'cpu@host', ['disk@/']),
  ];
  const left = withoutSymptoms(ring, indexSnapshot(snapshotOf()));

  expect(left).toHaveLength(1);
  const [root] = left;
  expect(
    new Set([...(root?.evidence.map(({ check }) => check) ?? []), ...(root?.explains ?? [])]),
  ).toEqual(new Set(['disk@/', 'memory@host', 'cpu@host']));
});

test('a cause that nothing accounts for stays', () => {
  expect(idsOf(causeOf('disk-read-only', 'disk@/'), causeOf('clock-skew', 'cpu@host'))).toEqual([
    'disk-read-only',
    'clock-skew',
  ]);
});

describe('two Docker engines, each of one entry', () => {
  const ENGINES = { 'unix:///a.sock': ['runnerAA1'], 'unix:///b.sock': ['runnerAA2'] };
  const causesOf = (findings: Readonly<Record<string, FindingSpec>>, world: World = {}) => {
    const { causes } = diagnose(snapshotOf(findings, { executors: ENGINES, ...world }));
    return new Set(causes.map(({ id, scope }) => `${id} of ${scope.runners.join(' and ')}`));
  };

  test('a full one does not account for the outage of the other', () => {
    const findings = {
      'executor@unix:///a.sock': fail('root-full', { root: '/a' }),
      'executor@unix:///b.sock': fail('daemon-down'),
    };

    expect(causesOf(findings)).toEqual(
      new Set(['disk-docker-root-full of runnerAA1', 'docker-daemon-down of runnerAA2']),
    );
  });

  test('nor when the file system of its images is what is full', () => {
    const findings = {
      'disk@/a': fail('full'),
      'executor@unix:///a.sock': fail('root-full', { root: '/a' }),
      'executor@unix:///b.sock': fail('daemon-down'),
    };

    expect(causesOf(findings, { mounts: ['/a'], roles: ['Docker root'] })).toEqual(
      new Set(['disk-docker-root-full of runnerAA1', 'docker-daemon-down of runnerAA2']),
    );
  });

  test.each([
    [
      'on this host is down for a full file system here',
      'unix:///b.sock',
      ['disk-space-exhausted of runnerAA1 and runnerAA2'],
    ],
    [
      'elsewhere is not',
      'tcp://192.0.2.7:2376',
      ['disk-space-exhausted of runnerAA1 and runnerAA2', 'docker-daemon-down of runnerAA2'],
    ],
  ])('one %s', (_what, engine, expected) => {
    const findings = { disk: fail('full'), [`executor@${engine}`]: fail('daemon-down') };
    const executors = { 'unix:///a.sock': ['runnerAA1'], [engine]: ['runnerAA2'] };

    expect(causesOf(findings, { executors })).toEqual(new Set(expected));
  });

  test('a full one accounts for its own', () => {
    const findings = { 'executor@unix:///a.sock': fail('root-full', { root: '/a' }) };
    const line = event('not-prepared', {
      runner: 'runnerAA1',
      cause: 'docker-image-pull-failed',
      count: 2,
    });

    expect(causesOf({ ...findings, 'runner-log': showing(line) }, TALKING)).toEqual(
      new Set(['disk-docker-root-full of runnerAA1']),
    );
  });
});

const ofEntry = (cause: Cause, runner: string): Cause => ({
  ...cause,
  scope: { kind: 'executor', id: runner, runners: [runner] },
});

test.each(
  catalogue.flatMap(({ id, scope, suppresses = [] }) =>
    scope === 'executor' ? suppresses.map((symptom) => [id, symptom] as const) : [],
  ),
)('%s of one entry does not hide %s of another with the same GitLab', (id, symptom) => {
  const root = ofEntry(causeOf(id, 'executor@a'), 'runnerAA1');

  expect(idsOf(root, ofEntry(causeOf(symptom, 'executor@b'), 'runnerAA2'))).toEqual([id, symptom]);
  expect(idsOf(root, ofEntry(causeOf(symptom, 'executor@b'), 'runnerAA1'))).toEqual([id]);
});
