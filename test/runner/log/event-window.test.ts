import { describe, expect, test } from 'vitest';

import type { EventKind } from '../../../src/core/runner-event.ts';
import type { LogEvent } from '../../../src/runner/log/classify.ts';
import { classify } from '../../../src/runner/log/classify.ts';
import { EventWindow } from '../../../src/runner/log/event-window.ts';
import type { DatedEvent } from '../../../src/runner/log/event-window.ts';
import { jobEndOf, kindOfEnd } from '../../../src/runner/log/job-ends.ts';
import { START } from '../../support/clock.ts';

function windowWith(...events: readonly DatedEvent[]): EventWindow {
  const window = new EventWindow();
  window.setRunners(['abc12defg', 'xyz12defg']);
  for (const event of events) window.add(event);
  return window;
}

function event(kind: EventKind, seconds: number, over: Partial<DatedEvent> = {}): DatedEvent {
  return { kind, facts: {}, at: START + seconds * 1000, text: `line ${seconds}`, ...over };
}

const OWN = { runner: 'abc12defg' };
const REFUSED = { ...OWN, cause: 'token-rejected' };
const OFF = {
  cause: 'runner-disabled-unhealthy',
  facts: { name: 'https://gitlab.test/abc12defg', disabled_for: '1h0m0s' },
};

function kindsAt(window: EventWindow, seconds: number): readonly string[] {
  return window.events(START + seconds * 1000).map(({ kind }) => kind);
}

test('events of one kind, cause and entry are one event, with its times', () => {
  const window = windowWith(event('poll-failed', 0, REFUSED), event('poll-failed', 3, REFUSED));

  expect(window.events(START + 5000)).toEqual([
    {
      kind: 'poll-failed',
      ...REFUSED,
      firstAt: START,
      lastAt: START + 3000,
      count: 2,
      runAt: START,
      marks: [
        { at: START, count: 1 },
        { at: START + 3000, count: 2 },
      ],
      text: 'line 3',
      facts: {},
    },
  ]);
});

describe('it ends', () => {
  test('when it is older than its kind allows', () => {
    const window = windowWith(event('poll-failed', 0, REFUSED));

    expect(kindsAt(window, 600)).toEqual(['poll-failed']);
    expect(kindsAt(window, 601)).toEqual([]);
  });

  test.each<[EventKind, readonly EventKind[]]>([
    ['config-loaded', ['disabled', 'config-not-loaded', 'config-not-saved', 'stopping', 'stopped']],
    ['started', ['disabled', 'config-not-saved', 'stopping', 'stopped', 'setting']],
  ])('%s takes back what was true of the process before', (kind, cleared) => {
    const window = windowWith(
      ...cleared.map((one) => event(one, 0)),
      event('fatal', 1),
      event(kind, 2),
    );

    expect(kindsAt(window, 3)).toEqual(['fatal', kind]);
  });

  test('a poll that worked takes back the failures of its own entry alone', () => {
    const other = { runner: 'xyz12defg', cause: 'token-rejected' };
    const window = windowWith(
      event('poll-failed', 0, REFUSED),
      event('poll-failed', 0, other),
      event('disabled', 1, OFF),
      event('poll-worked', 2, OWN),
    );

    expect(window.events(START + 3000).map(({ kind, runner }) => [kind, runner])).toEqual([
      ['poll-failed', 'xyz12defg'],
      ['poll-worked', 'abc12defg'],
    ]);
  });

  test('the forced check takes the penalty back', () => {
    const forced = { facts: { name: 'https://gitlab.test/abc12defg' } };
    const window = windowWith(event('disabled', 0, OFF), event('forced', 3600, forced));

    expect(kindsAt(window, 3601)).toEqual(['forced']);
  });
});

function untilOf(...events: readonly DatedEvent[]): number {
  const found = windowWith(...events, event('disabled', 100, OFF))
    .events(START + 101_000)
    .find(({ kind }) => kind === 'disabled');
  return (Number(found?.facts['until_milliseconds']) - START) / 1000;
}

describe('the end of a penalty', () => {
  test('is counted from the first refusal in a row, not from the line', () => {
    const failed = [80, 90, 100].map((at) => event('poll-failed', at, REFUSED));

    expect(untilOf(...failed)).toBe(3680);
  });

  test('a fault that is no refusal counts as healthy, and begins the row anew', () => {
    const other = { ...OWN, cause: 'dns-timeout' };
    const failed = [event('poll-failed', 70, REFUSED), event('poll-failed', 80, other)];

    expect(untilOf(...failed, event('poll-failed', 90, REFUSED))).toBe(3690);
  });

  test('without a refusal that was seen it is counted from the line', () => {
    expect(untilOf()).toBe(3700);
  });

  test('is as long as the line says', () => {
    const short = { ...OFF, facts: { ...OFF.facts, disabled_for: '5m30s' } };
    const [one] = windowWith(event('disabled', 0, short)).events(START);

    expect(one).toMatchObject({
      runner: 'abc12defg',
      facts: { until_milliseconds: START + 330_000 },
    });
  });

  test('an entry that is not known is named by the last nine characters', () => {
    const facts = { name: 'https://other.test/q1w2e3r4t', disabled_for: '1h0m0s' };
    const [one] = windowWith(event('disabled', 0, { facts })).events(START);

    expect(one?.runner).toBe('q1w2e3r4t');
  });
});

test('it is bounded, with any log', () => {
  const window = windowWith();
  for (let index = 0; index < 5000; index += 1) {
    window.add(event('waiting', 0, { runner: `runner${index}` }));
  }

  expect(window.events(START)).toHaveLength(400);
});

test('an event is new when none of its kind was written for a while', () => {
  const window = windowWith();
  const isNew = [0, 3, 59, 240].map((at) => window.add(event('poll-failed', at, REFUSED)));

  expect(isNew).toEqual([true, false, false, true]);
});

test('events are counted by the cause that they point at', () => {
  const window = windowWith(event('poll-failed', 0, REFUSED), event('poll-failed', 1, REFUSED));

  expect(window.counts().filter(({ count }) => count > 0)).toEqual([
    { cause: 'token-rejected', count: 2 },
  ]);
});

test('a wall clock that is set moves the times with it', () => {
  const window = windowWith(event('poll-failed', 0, REFUSED));
  window.shift(6 * 3_600_000);

  expect(window.events(START + 6 * 3_600_000)).toMatchObject([
    { firstAt: START + 6 * 3_600_000, marks: [{ at: START + 6 * 3_600_000, count: 1 }] },
  ]);
});

describe('a later line of the runner takes an earlier one back', () => {
  test.each([
    ['error', 'Verifying runner... is removed', 'Verifying runner... is alive'],
    ['error', 'Verifying runner... is removed', 'Verifying runner... is valid'],
    [
      'error',
      'Resetting runner authentication token... failed',
      'Resetting runner authentication token... succeeded',
    ],
    ['warning', 'Appending trace to coordinator... failed', 'Appending trace to coordinator...ok'],
    ['warning', 'Submitting job to coordinator... failed', 'Submitting job to coordinator...ok'],
    ['warning', 'Checking for jobs... failed', 'Checking for jobs... received'],
    ['error', 'Checking for jobs... forbidden', 'Checking for jobs... no content'],
    ['warning', 'Preparation failed: mkdir /x/y: permission denied', 'Job succeeded'],
    ['error', 'Failed to load config stat /x: no such file or directory', 'Configuration loaded'],
    ['error', 'Failed to load config open /x: too many open files', 'Configuration loaded'],
  ] as const)('%s: %s, then %s', (level, message, next) => {
    const known = (line: Parameters<typeof classify>[0]): LogEvent => {
      const end = jobEndOf(line);
      const kind = end === undefined ? undefined : kindOfEnd(end);
      const found = kind === undefined ? classify(line) : { kind, ...OWN, facts: {} };
      if (found === undefined) throw new Error(`the runner does not say ${line.message}`);
      return found;
    };
    const fields = { runner: OWN.runner };
    const first = { ...known({ level, message, fields }), at: START, text: message };
    const second = { ...known({ level: 'info', message: next, fields }), at: START, text: next };

    expect(kindsAt(windowWith(first), 1)).toEqual([first.kind]);
    expect(kindsAt(windowWith(first, second), 1)).toEqual([second.kind]);
  });
});
