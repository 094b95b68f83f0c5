/** Symptoms are removed from the list, but one cause always remains, for any result of the rules. */
import { expect, test } from 'vitest';

import type { Cause } from '../../src/core/diagnosis.ts';
import type { CheckId } from '../../src/core/finding.ts';
import { causeSpec } from '../../src/diagnosis/catalogue/index.ts';
import { indexSnapshot } from '../../src/diagnosis/snapshot-index.ts';
import { withoutSymptoms } from '../../src/diagnosis/symptoms.ts';
import { snapshotOf } from '../support/snapshots.ts';

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
