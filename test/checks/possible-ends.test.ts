/** When there is a sign that a fault is over, so that its check is asked again. */
import { describe, expect, test } from 'vitest';

import { contradictionsOf } from '../../src/checks/contradictions.ts';
import { possibleEndsOf } from '../../src/checks/possible-ends.ts';
import type { Finding } from '../../src/core/finding.ts';
import { dataWith } from '../../src/core/finding-data.ts';
import type { RunnerEvent } from '../../src/core/runner-event.ts';
import { RESPONSE_STATUS } from '../../src/runner/log/line-data.ts';
import { POLL_WAIT } from '../../src/runner/log/poll-wait.ts';
import { START } from '../support/clock.ts';
import { event, showing, TALKING, timesUntil } from '../support/events.ts';
import type { World } from '../support/snapshots.ts';
import { GITLAB, snapshotOf } from '../support/snapshots.ts';

const OWN = { runner: 'runnerAA1' };
const REFUSED = { status: 'fail', reason: 'rejected', detail: '403 Forbidden' } as const;
const DOWN = { status: 'fail', reason: 'server-error', detail: '500' } as const;
const TOKEN = 'token@runnerAA1';
const API = `api@${GITLAB}`;

interface Asked {
  /** What the check found, and so many seconds ago. */
  readonly found?: Finding;
  readonly askedAgo: number;
  readonly check?: string;
  readonly world?: World;
}

/** So many seconds ago there was the sign; undefined where there is none. */
function signAgo(said: readonly RunnerEvent[], asked: Asked): number | undefined {
  const { found = REFUSED, askedAgo, check: id = TOKEN, world = {} } = asked;
  const findings = { 'runner-log': showing(...said), [id.replace(/@.*/, '')]: found };
  const snapshot = snapshotOf(findings, { ...TALKING, ...world });
  const { hostContext } = snapshot;
  const startedAt = START - askedAgo * 1000;
  const checks = snapshot.checks.map((one) => ({
    ...one,
    last: { check: one.check.id, startedAt, durationSeconds: 0.1, finding: one.finding },
  }));
  const watched = { contexts: hostContext.contexts, logAt: () => undefined };
  const state = checks.find((one) => one.check.id === id);
  if (state === undefined) throw new Error(`there is no ${id}`);
  const contradictions = contradictionsOf(checks, watched, START);
  const at = possibleEndsOf(checks, watched, contradictions, START)(state.check, state.last);
  return at === undefined ? undefined : (START - at) / 1000;
}

/** Polls that failed every so many seconds, the last one so long ago. */
function failed(status: number, ago: number, every = 5, times = 3): RunnerEvent {
  return failedAt(status, timesUntil(ago, times, every));
}

function failedAt(status: number, times: readonly number[]): RunnerEvent {
  const cause = status === 403 ? { cause: 'token-rejected' } : {};
  return event('poll-failed', { ...OWN, ...cause, data: dataWith(RESPONSE_STATUS, status), times });
}

function said(kind: RunnerEvent['kind'], ago: number, over: Partial<RunnerEvent> = {}) {
  return event(kind, { lastAt: START - ago * 1000, times: [START - ago * 1000], ...over });
}

const lockOut = (minutes: number): RunnerEvent =>
  said('disabled', 40, { ...OWN, facts: { until_milliseconds: START + minutes * 60_000 } });

describe('silence', () => {
  test.each([
    ['of 20 s, where polls fail every few seconds', failed(403, 21), 1],
    ['of less', failed(403, 19), undefined],
    ['of three turns, where they fail more slowly', failed(403, 40, 12), 4],
    ['of fewer turns', failed(403, 35, 12), undefined],
    ['of 100 s, where they fail very slowly', failed(403, 101, 70), 1],
    ['of 100 s, where one has failed', failed(403, 101, 5, 1), 1],
    ['of less, where one has failed', failed(403, 99, 5, 1), undefined],
  ])('%s', (_what, line, ago) => {
    expect(signAgo([line], { askedAgo: 110 })).toBe(ago);
  });

  test('is a sign once: a refusal from after it is believed', () => {
    expect(signAgo([failed(403, 60)], { askedAgo: 39 })).toBeUndefined();
    expect(signAgo([failed(403, 60)], { askedAgo: 41 })).toBe(40);
  });

  test('is none where there was no complaint, of a runner that does not run, or that polls no more', () => {
    expect(signAgo([], { askedAgo: 110 })).toBeUndefined();
    expect(
      signAgo([failed(403, 60)], { askedAgo: 110, world: { process: undefined } }),
    ).toBeUndefined();
    expect(signAgo([failed(403, 60), lockOut(30)], { askedAgo: 110 })).toBeUndefined();
    expect(signAgo([failed(403, 60), lockOut(-2)], { askedAgo: 110 })).toBe(20);
  });

  test('begins anew when the entries poll anew, and the pause before that is no distance of polls', () => {
    const line = failedAt(403, [...timesUntil(90, 3, 5), START - 25_000]);

    expect(signAgo([line], { askedAgo: 60 })).toBeUndefined();
    for (const kind of ['config-loaded', 'started', 'forced'] as const) {
      expect(signAgo([line, said(kind, 27)], { askedAgo: 60 })).toBe(5);
      expect(signAgo([failed(403, 300), said(kind, 27)], { askedAgo: 60 })).toBe(7);
    }
  });

  test('of a runner that waits as it was asked to, or whose slots are all in use, is none', () => {
    const wait = { url: new URL(`${GITLAB}api/v4/jobs/request`), seconds: 60 };
    const waits = said('poll-waits', 40, { data: dataWith(POLL_WAIT, wait) });

    expect(signAgo([failed(500, 41), waits], { askedAgo: 60, found: DOWN })).toBeUndefined();
    expect(signAgo([failed(500, 101), said('at-capacity', 0)], { askedAgo: 110 })).toBe(1);
    expect(signAgo([failed(500, 41), said('at-capacity', 0)], { askedAgo: 60 })).toBeUndefined();
  });

  test('of any complaint is one for an API that failed, but that of a refused token says nothing of it', () => {
    const api = { askedAgo: 60, found: DOWN, check: API };

    for (const status of [500, 502, 404]) expect(signAgo([failed(status, 30)], api)).toBe(10);
    expect(signAgo([failed(403, 30)], api)).toBeUndefined();
  });

  test('is one for a pass that the complaint contradicts, and none for any other', () => {
    const passed = { found: { status: 'pass' }, askedAgo: 60 } as const;

    expect(signAgo([failed(500, 30)], passed)).toBe(10);
    expect(signAgo([failed(500, 30)], { ...passed, askedAgo: 35 })).toBeUndefined();
    expect(signAgo([failed(500, 30)], { ...passed, check: `http@${GITLAB}` })).toBeUndefined();
  });
});

function worked(ago: number, runner = 'runnerAA1'): RunnerEvent {
  return said('polls-worked', ago, { runner });
}

test('a poll of the entry that worked is a sign for its refused token', () => {
  expect(signAgo([worked(10)], { askedAgo: 60 })).toBe(10);
  expect(signAgo([worked(50)], { askedAgo: 60 })).toBeUndefined();
  expect(signAgo([worked(10, 'runnerAA2')], { askedAgo: 60 })).toBeUndefined();
});
