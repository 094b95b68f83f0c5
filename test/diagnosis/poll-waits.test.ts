/** The runner says how long it waits before it sends a poll again: when that is a limit of GitLab, and when it is not. */
import { describe, expect, test } from 'vitest';

import type { RunnerEvent } from '../../src/core/runner-event.ts';
import { diagnose } from '../../src/diagnosis/diagnose.ts';
import { classify } from '../../src/runner/log/classify.ts';
import { START } from '../support/clock.ts';
import { event, showing, TALKING } from '../support/events.ts';
import type { FindingSpec, World } from '../support/snapshots.ts';
import {
  brokenAt,
  fail,
  GITLAB,
  runner,
  RUNNER_PROCESS,
  snapshotOf,
} from '../support/snapshots.ts';

const WORDINGS = ['Waiting before making the next call', 'Sleeping due to rate limit'] as const;
const USUAL: string = WORDINGS[0];
const ALONE: World = { ...TALKING, runners: [runner('runnerAA1')] };
const MINUTE = '1m0s';

/** The last wait began so many seconds ago, and the ones before it at these distances. */
function waits(
  duration: string,
  secondsAgo: readonly number[],
  { message = USUAL, path = 'api/v4/jobs/request', method = 'POST' } = {},
): RunnerEvent {
  const fields = { url: `${GITLAB}${path}`, method, duration };
  const line = classify({ level: 'info', message, fields });
  if (line === undefined) throw new Error(`the runner does not say ${message}`);
  return event(line.kind, { ...line, times: secondsAgo.map((ago) => START - ago * 1000) });
}

function judged(one: RunnerEvent, said: Readonly<Record<string, FindingSpec>> = {}, world = ALONE) {
  return diagnose(snapshotOf({ 'runner-log': showing(one), ...said }, world));
}

const idsOf = (...given: Parameters<typeof judged>) => judged(...given).causes.map(({ id }) => id);

describe.each(WORDINGS)('%s', (message) => {
  test.each([MINUTE, '60000000000', '59.730391234s'])(
    'twice for %s is a limit of GitLab',
    (text) => {
      expect(judged(waits(text, [65, 1], { message })).causes).toMatchObject([
        {
          id: 'gitlab-rate-limited',
          severity: 'warning',
          scope: { id: GITLAB, runners: ['runnerAA1'] },
          summary: expect.stringContaining('the runner waits 1m before it sends a poll again'),
        },
      ]);
    },
  );

  test('one entry that waits a minute for each poll is named within two', () => {
    const line = waits(MINUTE, [115, 1], { message });

    expect(idsOf(line)).toEqual(['gitlab-rate-limited']);
  });

  test('one wait that lasts longer than a minute is named in it, and not before', () => {
    expect(idsOf(waits('1h0m0s', [61], { message }))).toEqual(['gitlab-rate-limited']);
    expect(idsOf(waits('1h0m0s', [50], { message }))).toEqual([]);
  });
});

test('two short waits are told, and warn of nothing', () => {
  expect(judged(waits('15s', [16, 1])).causes).toMatchObject([{ severity: 'notice' }]);
});

describe('it is no limit', () => {
  test.each([
    ['short waits, however many', waits('1.46s', [60, 45, 30, 15, 1])],
    ['a single wait', waits(MINUTE, [1])],
    ['two within a moment', waits(MINUTE, [3, 1])],
    [
      'waits for the output of a job',
      waits(MINUTE, [65, 1], { method: 'PATCH', path: 'api/v4/jobs/7/trace' }),
    ],
    ['a poll of another GitLab', { ...waits(MINUTE, [65, 1]), data: {} }],
    ['waits that are long over', waits(MINUTE, [300, 170])],
  ])('%s', (_what, line) => {
    expect(idsOf(line)).toEqual([]);
  });

  test('of several entries one wait each at about the same time', () => {
    const two = { ...TALKING, runners: [runner('runnerAA1'), runner('runnerAA2')] };

    expect(idsOf(waits(MINUTE, [31, 1]), {}, two)).toEqual([]);
    expect(idsOf(waits(MINUTE, [65, 1]), {}, two)).toEqual(['gitlab-rate-limited']);
  });

  test('of a process that has ended since', () => {
    const process = { ...RUNNER_PROCESS, startedAt: START - 500 };

    expect(idsOf(waits(MINUTE, [65, 1]), {}, { ...ALONE, process })).toEqual([]);
  });

  test('when polls work again after the last wait', () => {
    const worked = event('polls-worked', {
      runner: 'runnerAA1',
      times: [START - 20_000, START - 1000],
    });

    expect(idsOf(waits('20s', [60, 41]), { 'runner-metrics': showing(worked) })).toEqual([]);
  });

  test('while the path is closed: that is the cause', () => {
    const broken = brokenAt('http', fail('unavailable'), undefined, ['runnerAA1']);

    expect(idsOf(waits(MINUTE, [65, 1]), broken)).toEqual(['gitlab-unavailable']);
  });
});

test('a runner that waits as it was told is not hung', () => {
  const flat = {
    'runner-metrics': { status: 'pass', measures: { without_poll_seconds: 600 } },
  } as const;

  expect(idsOf(waits('20m0s', [600]), flat)).toEqual(['gitlab-rate-limited']);
});
