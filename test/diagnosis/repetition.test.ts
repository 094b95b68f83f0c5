/** A law over all checks and causes: what was seen within one moment, however often, is seen once. */
import { describe, expect, test } from 'vitest';

import type { CheckState } from '../../src/core/check.ts';
import { catalogue } from '../../src/diagnosis/catalogue/index.ts';
import { diagnose } from '../../src/diagnosis/diagnose.ts';
import { START } from '../support/clock.ts';
import { PROXY, fail, snapshotOf, warn } from '../support/snapshots.ts';

const WORLD = { proxy: PROXY };
const AT_ONCE = new Set(
  catalogue.filter(({ confirm }) => confirm?.results === 1).map(({ id }) => id),
);
/** Read from the token itself, without a request. */
const NEEDS_NO_REPETITION = 'token/checksum-mismatch';
const PAIRS = catalogue.flatMap(({ from }) => from);
const LOOKS = 5;

/** Five equal results in a row, the last of them just now. */
function stateOf(finding: CheckState['finding'], check: string, apartSeconds: number) {
  const recent = Array.from({ length: LOOKS }, (_none, index) => ({
    check: check as CheckState['check']['id'],
    startedAt: START - (LOOKS - 1 - index) * apartSeconds * 1000,
    durationSeconds: 0.1,
    finding,
  }));
  const since = recent[0]?.startedAt ?? START;
  const [last] = recent.slice(-1);
  return { finding, recent, last, since, streak: LOOKS };
}

function confidences(apartSeconds: number) {
  return PAIRS.flatMap((pair) => {
    const [probe = '', reason = ''] = pair.split('/');
    return [fail(reason), warn(reason)].flatMap((finding) => {
      const state = snapshotOf({}, WORLD).checks.find(({ check }) => check.probe.id === probe);
      if (state === undefined) return [];
      const { id } = state.check;
      const snapshot = snapshotOf({ [id]: stateOf(finding, id, apartSeconds) }, WORLD);
      return diagnose(snapshot)
        .causes.filter(({ evidence }) => evidence.some(({ check }) => check === id))
        .map((cause) => ({ pair, id: cause.id, confidence: cause.confidence }));
    });
  });
}

describe('five looks', () => {
  test('within a second confirm nothing that needs to be repeated', () => {
    const wrong = confidences(0.2).filter(
      ({ pair, id, confidence }) =>
        confidence === 'confirmed' && !AT_ONCE.has(id) && pair !== NEEDS_NO_REPETITION,
    );

    expect(wrong.map(({ pair, id }) => `${pair} ${id}`)).toEqual([]);
  });

  test('at five turns confirm what they show', () => {
    const all = confidences(30);
    const confirmed = all.filter(({ confidence }) => confidence === 'confirmed');

    expect(all.length).toBeGreaterThan(100);
    expect(confirmed.length).toBeGreaterThan(all.length * 0.9);
  });
});
