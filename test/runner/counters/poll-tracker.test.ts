import { describe, expect, test } from 'vitest';

import { systemClock } from '../../../src/core/clock.ts';
import { countersOf } from '../../../src/runner/counters/counters.ts';
import { parseExposition } from '../../../src/runner/counters/exposition.ts';
import { PollTracker } from '../../../src/runner/counters/poll-tracker.ts';
import { setClock, START } from '../../support/clock.ts';
import type { CounterValues } from '../../support/runner-counters.ts';
import { pageText } from '../../support/runner-counters.ts';

const RUNNER = 'abc12defg';

function createUpdate() {
  const clock = setClock();
  const tracker = new PollTracker(clock);
  const update = (counted: CounterValues, after = 0, isSecond = false) => {
    clock.advance(after);
    const counters = countersOf(parseExposition(pageText(counted)));
    if (counters === undefined) throw new Error('no page of a runner');
    const { events, ...rest } = tracker.update(counters, isSecond);
    const changes = events.filter(({ kind }) => kind !== 'version');
    return { ...rest, kinds: changes.map(({ kind }) => kind), events: changes };
  };
  return update;
}

const two = (a: number, b: number): CounterValues => ({
  polls: { [RUNNER]: { '204': a }, xyz12defg: { '204': b } },
});

const polls = (own: Readonly<Record<string, number>>): CounterValues => ({
  polls: { [RUNNER]: own },
});

describe('what happened before the first reading', () => {
  const AN_HOUR_AGO = START / 1000 - 3600;
  const since = (counted: CounterValues): CounterValues => ({
    ...counted,
    startedSeconds: AN_HOUR_AGO,
  });

  test('polls of which none has worked since the process has started fail', () => {
    const { events } = createUpdate()(since(polls({ '-1': 700 })));

    expect(events).toMatchObject([
      { kind: 'polls-failed', runner: RUNNER, count: 700, firstAt: (AN_HOUR_AGO + 1) * 1000 },
    ]);
    expect(events[0]?.lastAt).toBe(START);
  });

  test('an entry that was disabled before is told by its health, while it is skipped', () => {
    const update = createUpdate();
    update(since({ ...polls({ '403': 3 }), health: { [RUNNER]: 3 }, feeds: { [RUNNER]: 50 } }));
    const { kinds } = update(
      since({ ...polls({ '403': 3 }), health: { [RUNNER]: 3 }, feeds: { [RUNNER]: 55 } }),
      15,
    );

    expect(kinds).toEqual(expect.arrayContaining(['health-failed', 'feeds-failed']));
  });

  test('of an entry whose polls failed and worked a second reading tells what holds', () => {
    const update = createUpdate();
    const first = update(since(polls({ '204': 9, '502': 400 })));
    const { kinds, events } = update(since(polls({ '204': 9, '502': 401 })), 4, true);

    expect([first.isOpen, first.kinds]).toEqual([true, []]);
    expect(kinds).toEqual(['polls-failed']);
    expect(events[0]?.count).toBe(401);
  });

  test('and one that works by now has no failures', () => {
    const update = createUpdate();
    update(since(polls({ '204': 9, '502': 400 })));

    expect(update(since(polls({ '204': 10, '502': 400 })), 4, true).kinds).toEqual([
      'polls-worked',
    ]);
  });
});

describe('polls', () => {
  test('that existed at the first reading are no events', () => {
    expect(createUpdate()(polls({ '204': 100, '403': 3 }))).toEqual({
      isOpen: true,
      workedPolls: 0,
      failedPolls: 0,
      flatSeconds: 0,
      kinds: [],
      events: [],
    });
  });

  test('that worked and that failed are reported by status, with the cause that it indicates', () => {
    const update = createUpdate();
    update(polls({ '204': 100 }));

    expect(update(polls({ '204': 101, '429': 2, '-1': 1 }), 15)).toMatchObject({
      workedPolls: 1,
      failedPolls: 3,
      flatSeconds: 0,
      events: [
        { kind: 'polls-worked', runner: RUNNER, count: 1, facts: { status: '204' } },
        { kind: 'polls-failed', cause: 'gitlab-rate-limited', count: 2, facts: { status: '429' } },
        { kind: 'polls-failed', count: 1, lastAt: START + 15_000, facts: { status: '-1' } },
      ],
    });
  });

  test('that work take the failures back', () => {
    const update = createUpdate();
    update(polls({ '204': 1 }));
    update(polls({ '204': 1, '502': 5 }), 15);

    expect(update(polls({ '204': 2, '502': 5 }), 15).kinds).toEqual(['polls-worked']);
  });

  test('that do not end are flat since the last one of any entry', () => {
    const update = createUpdate();
    update(two(1, 1));
    update(two(2, 1), 60);

    expect(update(two(2, 1), 60)).toMatchObject({ flatSeconds: 60, kinds: ['polls-worked'] });
    expect(update(two(2, 1), 600)).toMatchObject({
      flatSeconds: 660,
      kinds: ['polls-frozen', 'polls-frozen'],
    });
  });

  test('of a process that was started anew begin anew', () => {
    const update = createUpdate();
    update(polls({ '204': 100 }));

    expect(update({ ...polls({ '204': 5 }), startedSeconds: 2000 }, 15)).toMatchObject({
      kinds: [],
      flatSeconds: 0,
    });
    expect(update({ ...polls({ '204': 3 }), startedSeconds: 2000 }, 15).kinds).toEqual([]);
  });

  test('that are not counted at all are not flat', () => {
    expect(createUpdate()({}).flatSeconds).toBeUndefined();
  });
});

test('refusals of health, of feeds, of output and of files are reported when they rise', () => {
  const update = createUpdate();
  update({ health: { [RUNNER]: 0 }, feeds: { [RUNNER]: 4 }, traces: { [RUNNER]: { '202': 1 } } });
  const after = {
    health: { [RUNNER]: 3 },
    feeds: { [RUNNER]: 9 },
    traces: { [RUNNER]: { '202': 9, '413': 2 } },
    loadErrors: 1,
  };

  expect(update(after, 15).events.map(({ kind, count }) => [kind, count])).toEqual([
    ['traces-refused', 2],
    ['feeds-failed', 5],
    ['health-failed', 3],
    ['config-load-errors', 1],
  ]);
});

describe('room for jobs', () => {
  test.each<[string, CounterValues, unknown]>([
    ['none by concurrent', { jobs: { [RUNNER]: 4 } }, { by: 'concurrent', jobs: 4, allowed: 4 }],
    [
      'none by limit',
      { jobs: { [RUNNER]: 2 }, limits: { [RUNNER]: 2 } },
      { by: 'limit', jobs: 2, allowed: 2 },
    ],
    ['some', { jobs: { [RUNNER]: 3 }, limits: { [RUNNER]: 0 } }, undefined],
  ])('%s', (_what, counted, facts) => {
    const [full] = createUpdate()(counted).events;

    expect(full?.facts).toEqual(facts);
  });
});

describe('the page', () => {
  test.each([
    [
      'of an old runner',
      'ci_runner_version_info{version="9.5"} 1\nci_runner_builds{runner="a"} 2\n',
      '9.5',
      2,
    ],
    [
      'with odd lines',
      'odd line\ngitlab_runner_concurrent 3 1795510800\n# TYPE x gauge\n{} 1\n',
      undefined,
      undefined,
    ],
  ])('%s is understood as far as it goes', (_which, text, version, jobs) => {
    expect(countersOf(parseExposition(text))).toMatchObject({ version, jobs });
  });

  test('of another program is none', () => {
    expect(countersOf(parseExposition('node_load1 0.5\n'))).toBeUndefined();
  });

  test('may quote anything in a label', () => {
    const [one] = parseExposition(String.raw`a{x="q\"u,o}te\\\n",y="2"} 1e3`);

    expect(one).toEqual({ name: 'a', labels: { x: 'q"u,o}te\\\n', y: '2' }, value: 1000 });
  });
});

test.each([
  ['running', []],
  ['graceful-shutdown', ['stopping']],
  ['forceful-shutdown', ['stopping']],
])('a process in state %s counts as %j', (state, kinds) => {
  const counters = countersOf(parseExposition(pageText({ state })));
  if (counters === undefined) throw new Error('no page of a runner');
  const { events } = new PollTracker(systemClock).update(counters);

  expect(events.map(({ kind }) => kind).filter((kind) => kind !== 'version')).toEqual(kinds);
});
