import { describe, expect, test } from 'vitest';

import type { Snapshot } from '../../src/core/check.ts';
import type { Cause, Diagnosis, RunnerVerdict } from '../../src/core/diagnosis.ts';
import type { HostContext } from '../../src/core/host-context.ts';
import { Store } from '../../src/checks/store.ts';
import { CauseTracker } from '../../src/diagnosis/cause-tracker.ts';
import { PACKAGED_PLACE } from '../../src/host/place/packaged.ts';
import { setClock, START } from '../support/clock.ts';
import { contextIn } from '../support/places.ts';
import { check, ENDPOINT, failingFinding, probe } from '../support/probes.ts';

/** Every 10 s; so a cause is the same incident when it returns within 50 s. */
const connect = check(probe({ id: 'connect' }));

const SURROUNDINGS: HostContext = {
  host: 'ci-07',
  contexts: [contextIn(PACKAGED_PLACE, { endpoints: [ENDPOINT] })],
};

function cause(over: Partial<Cause> = {}): Cause {
  return {
    id: 'tcp-connect-timeout',
    severity: 'critical',
    confidence: 'suspected',
    title: 'The connection to GitLab times out: packets are dropped',
    summary: 'No answer comes.',
    scope: { kind: 'gitlab', id: ENDPOINT.id, runners: [] },
    since: START,
    evidence: [{ check: connect.id, at: START, text: 'timeout' }],
    ruledOut: [],
    fix: [],
    resolvedWhen: 'the connect check passes again',
    explains: [],
    ...over,
  };
}

function diagnosis(...causes: readonly Cause[]): Diagnosis {
  const verdict = causes.length === 0 ? 'healthy' : 'broken';
  return { verdict, summary: `${causes.length} causes`, causes, candidates: [], runners: [] };
}

/** Settles one judgement after another, ten seconds apart, as the daemon does. */
function story() {
  const clock = setClock();
  const tracker = new CauseTracker();
  const store = new Store(clock);
  store.adopt([connect]);
  return (...causes: readonly Cause[]): Diagnosis => {
    clock.advance(10);
    const finding = causes.length === 0 ? ({ status: 'pass' } as const) : failingFinding();
    store.record({ check: connect.id, startedAt: clock.wall(), durationSeconds: 0, finding });
    const snapshot: Snapshot = {
      takenAt: clock.wall(),
      hostContext: SURROUNDINGS,
      checks: store.states(),
    };
    return tracker.settle(diagnosis(...causes), snapshot);
  };
}

describe('a cause that lasts', () => {
  test('is passed on as it is', () => {
    const judge = story();
    const [only] = judge(cause()).causes;

    expect(only).toEqual(cause());
  });

  test('keeps its beginning and its confirmation when the evidence starts anew', () => {
    const judge = story();
    judge(cause({ confidence: 'confirmed' }));
    const [only] = judge(cause({ since: START + 10_000 })).causes;

    expect(only).toMatchObject({ since: START, confidence: 'confirmed' });
    expect(only).not.toHaveProperty('flapping');
  });

  test('is gone at the first judgement without it', () => {
    const judge = story();
    judge(cause());

    expect(judge()).toEqual(diagnosis());
  });
});

describe('a cause that comes and goes', () => {
  test('is one incident since its first appearance, and stays on the list while it is away', () => {
    const judge = story();
    judge(cause());
    judge();
    judge(cause({ since: START + 20_000 }));
    const away = judge();

    expect(away.causes).toEqual([
      cause({
        summary: 'No answer comes. It comes and goes: 2 times so far, gone at the moment.',
        flapping: { episodes: 2, isGone: true },
      }),
    ]);
    // What is gone stops nothing at the moment.
    expect(away.verdict).toBe('degraded');
    expect(away.summary).toBe(away.causes[0]?.summary);
  });

  test('clears by itself once it has stayed away for five intervals', () => {
    const judge = story();
    judge(cause());
    judge();
    judge(cause());
    const counts = Array.from({ length: 7 }, () => judge().causes.length);

    expect(counts).toEqual([1, 1, 1, 1, 1, 1, 0]);
  });

  test('begins a new incident when it returns later than that', () => {
    const judge = story();
    judge(cause());
    for (let round = 0; round < 7; round += 1) judge();
    const [only] = judge(cause({ since: START + 90_000 })).causes;

    expect(only).toEqual(cause({ since: START + 90_000 }));
  });

  test('does not hide another cause, and is not hidden by one', () => {
    const judge = story();
    const evidence = [{ check: 'disk@/', at: START, text: 'full' }] as const;
    const other = cause({ id: 'disk-space-exhausted', severity: 'warning', evidence });
    judge(cause());
    judge(other);
    judge(cause(), other);

    expect(judge(other).causes.map(({ id }) => id)).toEqual([
      'disk-space-exhausted',
      'tcp-connect-timeout',
    ]);
  });

  test('is off the list once its checks have got another name for sure', () => {
    const judge = story();
    const refined = cause({
      id: 'gitlab-partial-outage',
      severity: 'warning',
      confidence: 'confirmed',
    });
    judge(cause());
    judge();
    judge(cause());

    expect(judge().causes).toHaveLength(1);
    expect(judge(refined).causes).toMatchObject([{ id: 'gitlab-partial-outage' }]);
  });

  test('toggled every three rounds for five minutes is announced twice and no more', () => {
    const judge = story();
    const isShown = Array.from({ length: 30 }, (_, round) => {
      const isFailing = Math.floor(round / 3) % 2 === 0;
      return (isFailing ? judge(cause()) : judge()).causes.length > 0;
    });
    const announced = isShown.filter((isNow, round) => isNow && isShown[round - 1] !== true);

    expect(announced).toHaveLength(2);
  });
});

const idsOf = ({ causes }: Diagnosis): readonly string[] => causes.map(({ id }) => id);

test('one that comes and goes is replaced by another cause at the same place', () => {
  const judge = story();
  const unsure = cause({ id: 'gitlab-not-responding' });
  const other = cause({
    id: 'gitlab-partial-outage',
    severity: 'warning',
    confidence: 'confirmed',
  });
  const elsewhere = cause({
    id: 'disk-nearly-full',
    scope: { kind: 'mount', id: '/', runners: [] },
    evidence: [{ check: 'disk@/', at: 0, text: 'x' }],
  });
  judge(cause());
  judge();
  judge(cause());

  expect(idsOf(judge(elsewhere))).toEqual(['disk-nearly-full', 'tcp-connect-timeout']);
  expect(idsOf(judge(unsure))).toEqual(['gitlab-not-responding', 'tcp-connect-timeout']);
  judge(cause());
  expect(idsOf(judge(other))).toEqual(['gitlab-partial-outage']);
});

/** Judged after a broken one, while the check says this. */
function after(verdict: Diagnosis['verdict'], finding: Record<string, string>) {
  const clock = setClock();
  const tracker = new CauseTracker();
  const store = new Store(clock);
  store.adopt([connect]);
  const settle = (judged: Diagnosis, found = {}): Diagnosis => {
    const checks = store.states().map((state) => ({ ...state, ...found }));
    return tracker.settle(judged, {
      takenAt: clock.wall(),
      hostContext: SURROUNDINGS,
      checks,
    });
  };
  settle({ ...diagnosis(cause()), runners: [entry('runnerAA1')] });
  const judge = (seconds: number, runners = [entry('runnerAA1')]): Diagnosis => {
    clock.advance(seconds);
    return settle({ ...diagnosis(), verdict, runners }, { finding });
  };
  const shift = (milliseconds: number): void => {
    clock.advance(milliseconds / 1000);
    tracker.shift(milliseconds);
  };
  return { judge, shift };
}

function entry(runner: string): RunnerVerdict {
  return {
    runner,
    name: runner,
    executor: 'shell',
    url: ENDPOINT.id,
    chain: {},
    connected: undefined,
    canRunJobs: undefined,
  };
}

describe('a better verdict', () => {
  const NOT_RUN = { status: 'unknown', reason: 'not-run-yet', detail: 'the check has not run yet' };
  const SILENT = { status: 'unknown', reason: 'overdue', detail: 'no end in time' };
  test.each(['unsure', 'degraded'] as const)('%s waits for checks that are to run', (verdict) => {
    const { judge } = after(verdict, NOT_RUN);

    expect([judge(1), judge(10), judge(29)].map((one) => one.verdict)).toEqual([
      'broken',
      'broken',
      'broken',
    ]);
  });

  test('waits no longer than a walk may take', () => {
    const { judge } = after('unsure', NOT_RUN);

    expect([judge(1), judge(41), judge(1)].map((one) => one.verdict)).toEqual([
      'broken',
      'unsure',
      'unsure',
    ]);
  });

  test.each([
    ['another entry took the place of the broken one', ['runnerBB1']],
    ['an entry was added', ['runnerAA1', 'runnerBB1']],
    ['the last entry was removed', []],
  ])('does not wait when %s', (_what, ids) => {
    const { judge } = after('unsure', NOT_RUN);
    const judged = judge(1, ids.map(entry));

    expect(judged.verdict).toBe('unsure');
    expect(judged.runners.map(({ runner }) => runner)).toEqual(ids);
  });

  test('that waits has the times of the new clock once that is set', () => {
    const { judge, shift } = after('unsure', NOT_RUN);
    const before = judge(1).causes;
    shift(3_600_000);
    const [only] = judge(1).causes;

    expect(before).toMatchObject([{ since: START, evidence: [{ at: START }] }]);
    expect(only).toMatchObject({
      since: START + 3_600_000,
      evidence: [{ at: START + 3_600_000 }],
    });
  });

  test('waits for no check that could not find out, nor for one that passes', () => {
    expect(after('unsure', SILENT).judge(1).verdict).toBe('unsure');
    expect(after('healthy', { status: 'pass' }).judge(1).verdict).toBe('healthy');
  });

  test.each(['healthy', 'unsure'] as const)('nothing is held after %s', (verdict) => {
    const { judge } = after(verdict, { status: 'pass' });
    judge(1);

    expect(judge(1).verdict).toBe(verdict);
  });
});
