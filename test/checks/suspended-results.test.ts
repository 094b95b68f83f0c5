import { expect, test } from 'vitest';

import type { ProbeResult } from '../../src/core/finding.ts';
import { dropSuspendedResults } from '../../src/checks/run.ts';
import { check, failingFinding, PASS, probe } from '../support/probes.ts';

const CHECKS = ['dns', 'tls'].map((id) => check(probe({ id, timeoutSeconds: 5 })));

function resultOf(id: string, durationSeconds: number, finding = failingFinding()): ProbeResult {
  return { check: `${id}@host`, startedAt: 0, durationSeconds, finding };
}

function filterResults(...results: readonly ProbeResult[]): readonly string[] {
  const reported: string[] = [];
  const tell = dropSuspendedResults(
    CHECKS,
    ({ check: id, finding }) => reported.push(`${id} ${finding.status}`),
    () => reported.push('dropped'),
  );
  for (const result of results) tell(result);
  return reported;
}

test('a result within its deadline is reported', () => {
  expect(filterResults(resultOf('dns', 5.4), resultOf('tls', 0))).toEqual([
    'dns@host fail',
    'tls@host fail',
  ]);
});

test('what took longer than it can, and what came after it, is no failure', () => {
  expect(filterResults(resultOf('dns', 9.5), resultOf('tls', 0))).toEqual(['dropped', 'dropped']);
});

test('a late result that passes is reported', () => {
  expect(filterResults(resultOf('dns', 9.5, PASS), resultOf('tls', 0))).toEqual([
    'dns@host pass',
    'dropped',
  ]);
});
