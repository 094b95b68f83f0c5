/** A failure that had a cause when it happened does not come back without one when the cause is over. */
import { describe, expect, test } from 'vitest';

import type { Snapshot } from '../../src/core/check.ts';
import type { Finding } from '../../src/core/finding.ts';
import type { RunnerEvent } from '../../src/core/runner-event.ts';
import { CauseTracker } from '../../src/diagnosis/cause-tracker.ts';
import { causeSpec } from '../../src/diagnosis/catalogue/index.ts';
import { diagnose } from '../../src/diagnosis/diagnose.ts';
import { ALL_PROBES } from '../../src/cli/all-probes.ts';
import { START } from '../support/clock.ts';
import { event, showing, TALKING, timesUntil } from '../support/events.ts';
import type { FindingSpec, World } from '../support/snapshots.ts';
import { brokenAt, fail, PROXY, runner, snapshotOf } from '../support/snapshots.ts';

const LINKS = [
  ['dns', 'not-found'],
  ['connect', 'refused'],
  ['proxy', 'denied'],
  ['tls', 'expired'],
  ['http', 'bad-gateway'],
  ['api', 'not-gitlab'],
] as const;
/** It failed for runnerwatch alone. */
const OURS = 'blind';
/** What jobs need on the host, and how it can be at fault. */
const NEEDS = ALL_PROBES.filter(({ id }) => ['executor', 'disk'].includes(id)).flatMap(
  ({ id, reasons }) =>
    Object.entries(reasons)
      .filter(([reason, { kind }]) => kind === 'cause' && reason !== OURS)
      .map(([reason]) => [id, reason] as const),
);
const PROXIED: World = { ...TALKING, proxy: PROXY };
const SECONDS = Array.from({ length: 121 }, (_none, second) => second);

const polls = event('poll-failed', {
  runner: 'runnerAA1',
  text: 'Post "x": something new',
  times: timesUntil(1, 6, 8),
});
const counted = event('polls-failed', { runner: 'runnerAA1', times: timesUntil(1, 6, 8) });
const jobs = event('jobs-failing', { runner: 'runnerAA1', times: timesUntil(1, 4, 15) });
const spoken = (observed: RunnerEvent): Readonly<Record<string, Finding>> => ({
  [observed.kind === 'polls-failed' ? 'runner-metrics' : 'runner-log']: showing(observed),
});

/** The world so many seconds later: every check has had its turn at that moment. */
function later(snapshot: Snapshot, seconds: number): Snapshot {
  const at = START + seconds * 1000;
  const checks = snapshot.checks.map((state) => ({
    ...state,
    ...(state.last === undefined ? {} : { last: { ...state.last, startedAt: at - 500 } }),
  }));
  return { ...snapshot, takenAt: at, checks };
}

/** What is named in each second after the fault has ended, by the causes that are not named alone. */
function namedAfter(
  broken: Readonly<Record<string, FindingSpec>>,
  findings: Readonly<Record<string, Finding>>,
): readonly string[] {
  const tracker = new CauseTracker();
  const faulty = snapshotOf({ ...findings, ...broken }, PROXIED);
  const named = tracker.settle(diagnose(faulty), faulty).causes;
  if (
    named.every(({ id, evidence }) => id === 'unknown' && evidence[0]?.check.startsWith('runner-'))
  )
    return ['no cause while it lasted'];
  return SECONDS.flatMap((second) => {
    const healed = {
      ...later(snapshotOf(findings, PROXIED), second + 1),
      explained: tracker.explained(),
    };
    return tracker.settle(diagnose(healed), healed).causes.map(({ id }) => `${second} s: ${id}`);
  });
}

describe('the law: nothing is named after the fault has ended', () => {
  test.each(LINKS)('for polls that failed by %s (%s)', (link, reason) => {
    expect(namedAfter(brokenAt(link, fail(reason)), spoken(polls))).toEqual([]);
    expect(namedAfter(brokenAt(link, fail(reason)), spoken(counted))).toEqual([]);
  });

  test.each(LINKS)('for jobs that failed by %s (%s)', (link, reason) => {
    expect(namedAfter(brokenAt(link, fail(reason)), spoken(jobs))).toEqual([]);
  });

  test('for polls that GitLab refused', () => {
    const refused = { ...polls, cause: 'token-rejected' };
    const broken = { 'token@runnerAA1': fail('rejected') };

    expect(namedAfter(broken, { 'runner-log': showing(refused) })).toEqual([]);
  });

  test.each(NEEDS)('for jobs that failed by %s/%s', (probe, reason) => {
    expect(namedAfter({ [probe]: fail(reason) }, spoken(jobs))).toEqual([]);
  });
});

test('what still fails later is named, by the failures since then alone', () => {
  const tracker = new CauseTracker();
  const faulty = snapshotOf({ ...spoken(jobs), executor: fail('daemon-down') }, TALKING);
  tracker.settle(diagnose(faulty), faulty);
  const after = event('jobs-failing', {
    runner: 'runnerAA1',
    times: [...timesUntil(1, 4, 15), START + 30_000, START + 45_000, START + 60_000],
  });
  const before = later(snapshotOf(spoken(jobs), TALKING), 5);
  tracker.settle(diagnose(before), before);
  const healed = later(snapshotOf(spoken(after), TALKING), 90);
  const { causes } = diagnose({ ...healed, explained: tracker.explained() });

  expect(causes).toMatchObject([
    { id: 'unknown', summary: expect.stringContaining('The last 3 jobs of docker-1') },
  ]);
});

test('a warning that has stopped nothing explains nothing', () => {
  const tracker = new CauseTracker();
  const warned = snapshotOf(
    { tls: { finding: { status: 'warn', reason: 'expiring-soon', detail: 'in 3 days' } } },
    TALKING,
  );
  tracker.settle(diagnose(warned), warned);
  const after = later(snapshotOf(spoken(polls), TALKING), 1);
  tracker.settle(diagnose(after), after);

  expect(diagnose({ ...after, explained: tracker.explained() }).causes).toMatchObject([
    { id: 'unknown' },
  ]);
});

const idsOf = (findings: Readonly<Record<string, FindingSpec>>) =>
  diagnose(snapshotOf(findings, TALKING)).causes.map(({ id }) => id);

describe('before the next round of the checks', () => {
  const pass = { finding: { status: 'pass' } as const };
  const old = { check: 'dns@x', startedAt: START - 40_000, durationSeconds: 0.1 } as const;
  const last = { ...old, ...pass };

  test.each(['dns', 'connect', 'tls'])('polls have no cause of their own: %s', (link) => {
    expect(idsOf({ ...spoken(polls), [link]: { ...pass, last } })).toEqual([]);
    expect(idsOf(spoken(polls))).toEqual(['unknown']);
  });

  test.each(['dns', 'tls', 'executor'])('jobs have no cause of their own: %s', (probe) => {
    expect(idsOf({ ...spoken(jobs), [probe]: { ...pass, last } })).toEqual([]);
    expect(idsOf(spoken(jobs))).toEqual(['unknown']);
  });

  test('a check that never ends is not waited for', () => {
    const longAgo = { ...last, startedAt: START - 3_600_000 };
    const times = timesUntil(1, 20, 15);
    const failing = event('jobs-failing', { runner: 'runnerAA1', times });

    expect(idsOf({ ...spoken(failing), executor: { ...pass, last: longAgo } })).toEqual([
      'unknown',
    ]);
  });
});

describe('candidates', () => {
  const OTHERS = ['shell', 'ssh', 'kubernetes', 'custom', 'instance', 'parallels', 'virtualbox'];

  test.each(OTHERS)('of an entry with the executor %s are none of Docker', (executor) => {
    const world = {
      ...TALKING,
      runners: [runner('runnerAA1', { executor }), runner('runnerAA2')],
    };
    const { causes, candidates } = diagnose(snapshotOf(spoken(jobs), world));

    expect(causes).toMatchObject([{ id: 'unknown', scope: { runners: ['runnerAA1'] } }]);
    for (const { id } of candidates)
      expect(causeSpec(id)?.ofExecutors ?? [executor]).toContain(executor);
  });

  test.each(['docker', 'docker+machine', 'docker-autoscaler', 'docker-windows'])(
    'of an entry with the executor %s are those of Docker',
    (executor) => {
      const world = { ...TALKING, runners: [runner('runnerAA1', { executor })] };
      const { candidates } = diagnose(snapshotOf(spoken(jobs), world));

      expect(candidates.map(({ id }) => id)).toContain('docker-daemon-down');
    },
  );

  test('nor is a line of a Docker that no entry uses any more a cause', () => {
    const world = { ...TALKING, runners: [runner('runnerAA1', { executor: 'shell' })] };
    const line = event('not-prepared', { cause: 'docker-image-pull-failed', runner: 'gone' });

    expect(diagnose(snapshotOf(spoken(line), world)).causes).toEqual([]);
  });
});
