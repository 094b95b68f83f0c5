/** What every job of an entry needs: a folder that takes something, and the helper image. */
import { describe, expect, test } from 'vitest';

import type { Finding } from '../../src/core/finding.ts';
import type { RunnerEvent } from '../../src/core/runner-event.ts';
import { diagnose } from '../../src/diagnosis/diagnose.ts';
import { START } from '../support/clock.ts';
import { TALKING, dataOfLine, event, showing, timesUntil } from '../support/events.ts';
import { DOCKER, fail, snapshotOf } from '../support/snapshots.ts';

const ONE = 'runnerAA1';
const TWO = 'runnerAA2';
const MEBIBYTE = 1024 ** 2;

function full(measures: Readonly<Record<string, number>>, reason = 'full'): Finding {
  return { ...fail(reason, { path: '/', roles: 'builds', fullness: 'full' }), measures };
}

/** Whether the entries can run jobs, and the verdict; jobs of these entries begin on the disk. */
function judge(disk: Finding, jobFolders: readonly string[], ...events: readonly RunnerEvent[]) {
  const world = { ...TALKING, jobFolders };
  const { runners, verdict } = diagnose(
    snapshotOf({ disk, 'runner-log': showing(...events) }, world),
  );
  return [...runners.map(({ canRunJobs }) => canRunJobs), verdict];
}

describe('a folder in which jobs begin', () => {
  test.each([
    ['is full to the last block', full({ free_bytes: 0 })],
    ['has less than the runner itself writes', full({ free_bytes: MEBIBYTE - 1 })],
    ['has no inode left', full({ free_inodes: 9 }, 'inodes-exhausted')],
  ])('stops the entry alone that needs it when it %s', (_, disk) => {
    expect(judge(disk, [ONE])).toEqual([false, true, 'degraded']);
    expect(judge(disk, [ONE, TWO])).toEqual([false, false, 'broken']);
    expect(judge(disk, [])).toEqual([true, true, 'degraded']);
  });

  test.each(['read-only', 'hung', 'dead'])('stops it when it is %s', (reason) => {
    const finding = fail(reason, { path: '/', roles: 'builds' });

    expect(judge(finding, [ONE]).slice(0, 2)).toEqual([false, true]);
  });

  test('stops nothing while there is room for a small job', () => {
    const disk = full({ free_bytes: 150 * MEBIBYTE });
    const nodes = full({ free_inodes: 10 }, 'inodes-exhausted');

    expect(judge(disk, [ONE, TWO])).toEqual([true, true, 'degraded']);
    expect(judge(nodes, [ONE, TWO])).toEqual([true, true, 'degraded']);
  });

  test('stops nothing where a job has run since', () => {
    const ran = event('job-ran', { runner: ONE, lastAt: START - 1000 });
    const before = event('job-ran', { runner: ONE, lastAt: START - 3_600_000 });

    expect(judge(full({ free_bytes: 0 }), [ONE], ran)).toEqual([true, true, 'degraded']);
    expect(judge(full({ free_bytes: 0 }), [ONE], before)).toEqual([false, true, 'degraded']);
  });
});

function pull(image: string, times: readonly number[]) {
  const said = `Preparation failed: failed to pull image "${image}" with specified policies [always]: Error response from daemon: pull access denied`;
  return event('not-prepared', {
    runner: ONE,
    cause: 'docker-image-pull-failed',
    times,
    data: dataOfLine(said),
  });
}

function canRun(image: string, times: readonly number[]) {
  const world = { ...TALKING, executors: { [DOCKER]: [ONE, TWO] } };
  const log = showing(pull(image, times));
  const { runners } = diagnose(snapshotOf({ 'runner-log': log }, world));
  return runners.map(({ canRunJobs }) => canRunJobs);
}

describe('an image that cannot be pulled', () => {
  const HELPER = 'registry.gitlab.com/gitlab-org/gitlab-runner/gitlab-runner-helper:x86_64-v19.4.0';
  const REPEATED = timesUntil(5, 3, 20);

  test('stops the entry if it is the helper image, again and again', () => {
    expect(canRun(HELPER, REPEATED)).toEqual([false, true]);
    expect(canRun(HELPER.replace(':', '@sha256:'), REPEATED)).toEqual([false, true]);
  });

  test('stops nothing if it is the image of a job, or a single try', () => {
    expect(canRun('registry.test/group/alpine:typo', REPEATED)).toEqual([true, true]);
    expect(canRun(HELPER, REPEATED.slice(-1))).toEqual([true, true]);
  });
});
