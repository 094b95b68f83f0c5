/** The state file: what is written is read again, what is odd in it is forgotten, what is old is not believed. */
import { describe, expect, test } from 'vitest';

import type { ProbeResult } from '../../src/core/finding.ts';
import { EMPTY_BUDGET } from '../../src/checks/request-budget.ts';
import {
  paidMemoryOf,
  savedPaid,
  stateDocument,
  savedStateOf,
  stillValid,
} from '../../src/checks/saved-state.ts';
import { dataOf } from '../../src/core/finding-data.ts';
import { TRIED_RUNNERS } from '../../src/go/dns/address-difference.ts';
import { setClock, START } from '../support/clock.ts';
import { check, failingFinding, PASS, probe, runnerTarget } from '../support/probes.ts';

const token = check(
  probe({ id: 'token', kind: 'runner', requests: { token: 'budgeted' }, intervalSeconds: 900 }),
  runnerTarget('runnerAA1'),
);
const dns = check(probe({ id: 'dns' }));
const STATE = {
  budget: {
    sentAt: [START - 60_000, START],
    reserveSentAt: [START - 20_000],
    onceAt: { 'verify:runnerAA1': START },
    pausedUntil: { 'https://gitlab.test/': START + 60_000 },
  },
  results: [result()],
  paid: [
    {
      key: 'dns-cross-check https://gitlab.test/ token/rejected []',
      until: START + 60_000,
      found: failingFinding('servers-disagree'),
      data: { 'tried-runners': ['runnerAA1'] },
    },
  ],
};

function result(over: Partial<ProbeResult> = {}): ProbeResult {
  return {
    check: token.id,
    startedAt: START - 60_000,
    durationSeconds: 0.2,
    finding: PASS,
    ...over,
  };
}

test('what is written is read again, through JSON', () => {
  expect(savedStateOf(JSON.parse(JSON.stringify(stateDocument(STATE))))).toEqual(STATE);
});

describe('a file of any origin', () => {
  test.each([
    [undefined],
    [null],
    ['text'],
    [[]],
    [{}],
    [{ schema: 2, ...STATE }],
    [{ schema: 1 }],
    [{ schema: 1, budget: 'x', results: 'y' }],
    [{ schema: 1, budget: [], results: {} }],
  ])('%j is an empty state', (document) => {
    expect(savedStateOf(document)).toEqual({ budget: EMPTY_BUDGET, results: [], paid: [] });
  });

  test.each([
    ['no check', { ...result(), check: 7 }],
    ['a check without a target', { ...result(), check: 'token' }],
    ['no time', { ...result(), startedAt: 'yesterday' }],
    ['no finding', { ...result(), finding: undefined }],
    [
      'an unheard-of status',
      { ...result(), finding: { status: 'great', reason: 'x', detail: 'y' } },
    ],
    ['a failure without a reason', { ...result(), finding: { status: 'fail' } }],
    [
      'what was never checked',
      { ...result(), finding: { status: 'skipped', reason: 'x', detail: 'y' } },
    ],
  ])('a result with %s is forgotten, the others stay', (_what, odd) => {
    expect(
      savedStateOf({ schema: 1, budget: STATE.budget, results: [odd, result()] }).results,
    ).toEqual([result()]);
  });

  test('times that are no numbers are forgotten', () => {
    const budget = {
      sentAt: [1, 'two', null],
      reserveSentAt: ['three', 3],
      onceAt: { a: 1, b: 'two' },
      pausedUntil: { c: 2, d: {} },
    };

    expect(savedStateOf({ schema: 1, budget, results: [] }).budget).toEqual({
      sentAt: [1],
      reserveSentAt: [3],
      onceAt: { a: 1 },
      pausedUntil: { c: 2 },
    });
  });
});

test('a file of a version that did not write the quiet that was asked for is read', () => {
  const { sentAt, onceAt } = STATE.budget;

  expect(savedStateOf({ schema: 1, budget: { sentAt, onceAt }, results: [] }).budget).toEqual({
    sentAt,
    reserveSentAt: [],
    onceAt,
    pausedUntil: {},
  });
});

describe('a remembered result still speaks', () => {
  test.each([
    ['within its interval', result(), true],
    ['a millisecond before its end', result({ startedAt: START - 899_999 }), true],
    ['not at its end', result({ startedAt: START - 900_000 }), false],
    ['not from the future', result({ startedAt: START + 1 }), false],
    ['with a reason that the probe still has', result({ finding: failingFinding('broken') }), true],
    ['not with one that it has no more', result({ finding: failingFinding('forgotten') }), false],
    ['not of a check that is gone', result({ check: 'token@other' }), false],
    ['not of a check that is asked freely', result({ check: dns.id }), false],
  ])('%s', (_when, remembered, speaks) => {
    expect(stillValid([remembered], [token, dns], START)).toEqual(speaks ? [remembered] : []);
  });
});

describe('what a follow-up found with requests of the hourly budget', () => {
  const REASONS = new Set(['servers-disagree']);

  test('is known again after a restart, with its data, until its time is over', () => {
    const clock = setClock();
    const memory = paidMemoryOf(STATE.paid, REASONS, clock);
    const [[key, remembered] = []] = [...memory];

    expect(key).toBe(STATE.paid[0]?.key);
    expect(dataOf(remembered?.found ?? {}, TRIED_RUNNERS)).toEqual(['runnerAA1']);
    expect(savedPaid(memory, clock)).toEqual(STATE.paid);
    clock.advance(60);
    expect(savedPaid(memory, clock)).toEqual([]);
    expect(paidMemoryOf(STATE.paid, REASONS, clock).size).toBe(0);
  });

  test.each([
    ['of a reason that this version does not know', new Set(['other']), 60],
    ['of another clock', REASONS, 86_400],
  ])('%s is forgotten', (_what, reasons, seconds) => {
    const saved = STATE.paid.map((one) => ({ ...one, until: START + seconds * 1000 }));

    expect(paidMemoryOf(saved, reasons, setClock()).size).toBe(0);
  });
});
