/** An entry whose token was not asked about yet is not unjudged when its own poll has just worked. */
import { describe, expect, test } from 'vitest';

import type { Finding } from '../../src/core/finding.ts';
import { diagnose } from '../../src/diagnosis/diagnose.ts';
import { START } from '../support/clock.ts';
import { MINUTE, showing, event, TALKING } from '../support/events.ts';
import { snapshotOf } from '../support/snapshots.ts';

const RUNNER = 'runnerAA2';
const TOKEN = `token@${RUNNER}`;

function unknown(reason: string): Finding {
  return { status: 'unknown', reason, detail: 'x' };
}

const worked = (agoMinutes: number, runner = RUNNER) =>
  event('polls-worked', { runner, lastAt: START - agoMinutes * MINUTE });
const failedPoll = (agoMinutes: number) =>
  event('polls-failed', { runner: RUNNER, lastAt: START - agoMinutes * MINUTE });

function verdictOf(reason: string, ...events: readonly ReturnType<typeof worked>[]) {
  const findings = { [TOKEN]: unknown(reason), 'runner-metrics': showing(...events) };
  return diagnose(snapshotOf(findings, TALKING)).verdict;
}

describe('a token that was not asked about', () => {
  test.each(['not-run-yet', 'request-budget', 'verify-not-due'])(
    'is proven by a poll that worked: %s',
    (reason) => {
      expect(verdictOf(reason)).toBe('unsure');
      expect(verdictOf(reason, worked(1))).toBe('healthy');
    },
  );

  test('is not proven by an old poll, another entry, or one before a failure', () => {
    expect(verdictOf('not-run-yet', worked(6))).toBe('unsure');
    expect(verdictOf('not-run-yet', worked(1, 'runnerAA1'))).toBe('unsure');
    expect(verdictOf('not-run-yet', worked(2), failedPoll(1))).not.toBe('healthy');
  });
});

test('a token that was asked about in vain stays unjudged', () => {
  expect(verdictOf('token-error', worked(1))).toBe('unsure');
});
