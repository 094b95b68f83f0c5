/** A step of the wall clock and a suspended process make no result outdated and no cause flap. */
import { describe, expect, test } from 'vitest';

import { ClockWatch } from '../../src/checks/clock-steps.ts';
import { createLog } from '../../src/log.ts';
import { Store } from '../../src/checks/store.ts';
import { CauseTracker } from '../../src/diagnosis/cause-tracker.ts';
import { diagnose } from '../../src/diagnosis/diagnose.ts';
import { START } from '../support/clock.ts';
import { check, failingFinding, PASS, probe } from '../support/probes.ts';
import { fail, snapshotOf } from '../support/snapshots.ts';
import { requestBudget } from '../support/request-budget.ts';

const SIX_HOURS = 6 * 3600;

/** Two hands that can be moved one by one. */
function twoClocks() {
  let wall = START;
  let seconds = 100;
  return {
    wall: () => wall,
    seconds: () => seconds,
    pass: (by: number) => {
      wall += by * 1000;
      seconds += by;
    },
    set: (by: number) => {
      wall += by * 1000;
    },
  };
}

function followed() {
  const clock = twoClocks();
  const lines: string[] = [];
  const sink = { write: (line: string) => lines.push(line) };
  const log = createLog({ level: 'info', format: 'logfmt', sink });
  const store = new Store(clock);
  const dns = check(probe({ id: 'dns' }));
  store.adopt([dns]);
  const watch = new ClockWatch(clock);
  return {
    clock,
    lines,
    store,
    watch,
    record: (finding = PASS) =>
      store.record({ check: dns.id, startedAt: clock.wall(), durationSeconds: 0, finding }),
    follow: () => watch.follow(log, store, []),
    state: () => store.states()[0],
  };
}

describe('the watch', () => {
  test('sees nothing in time that passes, nor in a clock that drifts', () => {
    const clock = twoClocks();
    const watch = new ClockWatch(clock);
    for (let tick = 0; tick < 100; tick += 1) {
      clock.pass(3);
      clock.set(0.1);
      expect(watch.measure()).toEqual({ stepSeconds: 0, pausedSeconds: 0 });
    }
    expect(watch.lastStep).toBeUndefined();
  });

  test.each([SIX_HOURS, -SIX_HOURS, 5, -5])('sees that the clock was set by %i s, once', (by) => {
    const clock = twoClocks();
    const watch = new ClockWatch(clock);
    clock.pass(3);
    clock.set(by);

    expect(watch.measure().stepSeconds).toBeCloseTo(by);
    expect(watch.measure().stepSeconds).toBe(0);
    expect(watch.lastStep).toEqual({ at: clock.wall(), seconds: expect.closeTo(by) });
  });

  test('sees that the process was suspended', () => {
    const clock = twoClocks();
    const watch = new ClockWatch(clock);
    clock.pass(3600);

    expect(watch.measure()).toEqual({ stepSeconds: 0, pausedSeconds: 3600 });
    clock.pass(3);
    expect(watch.measure().pausedSeconds).toBe(0);
  });
});

describe('what is known', () => {
  test.each([SIX_HOURS, -SIX_HOURS])(
    'is as young as before when the clock is set by %i s',
    (by) => {
      const { clock, record, follow, state, lines } = followed();
      record(failingFinding());
      clock.pass(3);
      clock.set(by);
      follow();

      expect(state()).toMatchObject({
        finding: failingFinding(),
        since: START + by * 1000,
        streak: 1,
      });
      expect(lines.join('')).toContain(`msg="the wall clock was set" seconds=${by}`);
      clock.pass(30);
      expect(state()?.finding).toMatchObject({ status: 'unknown', reason: 'stale' });
    },
  );

  test('is not old before the next measurement, since its age is of the monotonic clock', () => {
    const { clock, record, state } = followed();
    record();
    clock.set(SIX_HOURS);

    expect(state()?.finding).toEqual(PASS);
  });

  test('is as young as before when the clock was set during a run', () => {
    const { clock, store, state } = followed();
    const startedAt = clock.wall();
    clock.pass(2);
    clock.set(SIX_HOURS);
    store.record({ check: 'dns@host', startedAt, durationSeconds: 2, finding: PASS });

    expect(state()?.finding).toEqual(PASS);
  });

  test('is as young as before when the process was suspended, and grows old from then on', () => {
    const { clock, record, follow, state, lines } = followed();
    record();
    follow();
    clock.pass(3600);
    follow();

    expect(state()?.finding).toEqual(PASS);
    expect(lines.join('')).toContain('msg="the process was suspended" seconds=3600');
    clock.pass(40);
    expect(state()?.finding).toMatchObject({ reason: 'stale' });
  });

  test('of a result that came after the process was suspended is no younger than it is', () => {
    const { clock, record, follow, state } = followed();
    clock.pass(3600);
    record();
    follow();

    expect(state()?.finding).toEqual(PASS);
    clock.pass(60);
    expect(state()?.finding).toMatchObject({ reason: 'stale' });
  });

  test('of a result that a failed link hides is as young as before', () => {
    const { clock, record, store, follow } = followed();
    record(failingFinding());
    record({ status: 'skipped', reason: 'earlier-link', detail: 'x' });
    clock.set(SIX_HOURS);
    follow();
    store.restore('dns@host');

    expect(store.known('dns@host')).toMatchObject({
      masked: false,
      result: { startedAt: START + SIX_HOURS * 1000 },
    });
  });
});

test('an hour of requests stays an hour', () => {
  const clock = twoClocks();
  const budget = requestBudget(clock, 2);
  budget.take('api', 'x');
  budget.take('api', 'x');
  budget.pause('y', 60);
  budget.once('verify', 3600);
  clock.set(SIX_HOURS);
  budget.shift(SIX_HOURS * 1000);

  expect(budget.allows('api', 'x')).toBe(false);
  expect(budget.allows('verify', 'y')).toBe(false);
  expect(budget.once('verify', 3600)).toBe(false);
  clock.pass(3601);
  expect(budget.allows('api', 'x')).toBe(true);
});

test('an incident keeps its beginning, in the new time', () => {
  const tracker = new CauseTracker();
  const first = snapshotOf({ disk: fail('read-only') });
  const before = tracker.settle(diagnose(first), first);
  tracker.shift(SIX_HOURS * 1000);
  const later = { ...first, takenAt: first.takenAt + SIX_HOURS * 1000 };
  const moved = {
    ...later,
    checks: later.checks.map((state) => ({ ...state, since: later.takenAt })),
  };
  const after = tracker.settle(diagnose(moved), moved);

  expect(after.causes[0]?.since).toBe((before.causes[0]?.since ?? 0) + SIX_HOURS * 1000);
});
