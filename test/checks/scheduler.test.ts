import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { systemClock } from '../../src/core/clock.ts';
import type { ProbeResult } from '../../src/core/finding.ts';
import type { Job } from '../../src/checks/run.ts';
import { Scheduler } from '../../src/checks/scheduler.ts';
import { check, PASS, probe } from '../support/probes.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const never = (): Promise<void> => Promise.withResolvers<void>().promise;

function jobOf(id: string, over: Partial<Job> = {}): Job {
  const only = check(probe({ id }));
  return {
    id,
    group: 'host',
    intervalSeconds: 10,
    timeoutSeconds: 2,
    checks: [only],
    run: async (_signal, emit) => {
      emit({ check: only.id, startedAt: systemClock.wall(), durationSeconds: 0, finding: PASS });
    },
    ...over,
  };
}

function startScheduler(...jobs: Job[]) {
  const results: ProbeResult[] = [];
  const missed: string[] = [];
  const scheduler = new Scheduler(systemClock, 'host-1', {
    onResult: (result) => results.push(result),
    onMissed: (id) => missed.push(id),
  });
  scheduler.replace(jobs);
  const times = (id: string) =>
    results.filter((result) => result.check === `${id}@host`).map(({ startedAt }) => startedAt);
  return { scheduler, results, missed, times };
}

/** Time between the first two runs of a job. */
async function phaseOf(seed: string, id: string): Promise<number> {
  const starts: number[] = [];
  const job = jobOf(id, { run: async () => void starts.push(systemClock.wall()) });
  const scheduler = new Scheduler(systemClock, seed, {
    onResult: () => {},
    onMissed: () => {},
  });
  scheduler.replace([job]);
  await vi.advanceTimersByTimeAsync(15_000);
  scheduler.stop();
  return (starts[1] ?? 0) - (starts[0] ?? 0);
}

describe('rhythm', () => {
  test('a job runs at once and then once in each interval', async () => {
    const { times } = startScheduler(jobOf('a'));

    await vi.advanceTimersByTimeAsync(100_000);

    const runs = times('a');
    const gaps = runs.slice(2).map((at, index) => at - (runs[index + 1] ?? 0));
    expect(runs.length).toBeGreaterThanOrEqual(10);
    expect(gaps).toEqual(gaps.map(() => 10_000));
  });

  test('hosts and jobs are spread over the interval by a hash, the same one each time', async () => {
    const phases: number[] = [];
    for (let host = 0; host < 50; host += 1) phases.push(await phaseOf(`host-${host}`, 'a'));

    expect(new Set(phases.map((phase) => Math.floor(phase / 500))).size).toBeGreaterThan(5);
    expect(Math.max(...phases)).toBeLessThanOrEqual(12_000);
    expect(Math.min(...phases)).toBeGreaterThanOrEqual(2000);
    expect(await phaseOf('host-7', 'a')).toBe(phases[7]);
  });

  test('after a long stop there is one run, not one for each interval missed', async () => {
    const { times } = startScheduler(jobOf('a'));
    await vi.advanceTimersByTimeAsync(30_000);
    const before = times('a').length;

    vi.setSystemTime(Date.now() + 3_600_000);
    vi.advanceTimersByTime(0);
    await vi.advanceTimersByTimeAsync(10_000);

    expect(times('a').length - before).toBe(1);
  });

  test('a stepped wall clock changes nothing', async () => {
    const { times } = startScheduler(jobOf('a'));
    await vi.advanceTimersByTimeAsync(30_000);
    const before = times('a').length;

    vi.setSystemTime(Date.now() - 86_400_000);
    await vi.advanceTimersByTimeAsync(20_000);

    expect(times('a').length - before).toBe(2);
  });
});

describe('jobs that do not end', () => {
  test('a job that ignores its deadline is overdue after it, misses its runs and never overlaps itself', async () => {
    let started = 0;
    const hung = jobOf('hung', {
      run: async () => {
        started += 1;
        await never();
      },
    });
    const { results, missed } = startScheduler(hung);

    await vi.advanceTimersByTimeAsync(60_000);

    expect(started).toBe(1);
    expect(results).toMatchObject([
      {
        check: 'hung@host',
        finding: { status: 'unknown', reason: 'overdue', detail: 'did not end within 2 s' },
      },
    ]);
    expect(missed.length).toBeGreaterThanOrEqual(4);
  });

  test('forty hung jobs delay no other job of either group', async () => {
    const hung = Array.from({ length: 40 }, (_, index) => jobOf(`hung-${index}`, { run: never }));
    const { times } = startScheduler(...hung, jobOf('walk', { group: 'walk' }), jobOf('last'));

    await vi.advanceTimersByTimeAsync(20_000);

    expect(times('walk').length).toBeGreaterThanOrEqual(2);
    expect(times('last').length).toBeGreaterThanOrEqual(2);
  });

  test('what comes after the end of the grace is dropped', async () => {
    const late = check(probe({ id: 'late' }));
    const { results } = startScheduler(
      jobOf('late', {
        intervalSeconds: 100,
        run: async (_signal, emit) => {
          await new Promise((resolve) => setTimeout(resolve, 5000));
          emit({ check: late.id, startedAt: 0, durationSeconds: 5, finding: PASS });
        },
      }),
    );

    await vi.advanceTimersByTimeAsync(20_000);

    expect(results.map(({ finding }) => finding.status)).toEqual(['unknown']);
  });
});

test('what finds its group full at the start runs as soon as there is room, not an interval later', async () => {
  const slow = Array.from({ length: 16 }, (_, index) =>
    jobOf(`slow-${index}`, {
      intervalSeconds: 600,
      run: () => new Promise((resolve) => setTimeout(resolve, 1500)),
    }),
  );
  const { times } = startScheduler(...slow, jobOf('last', { intervalSeconds: 600 }));

  await vi.advanceTimersByTimeAsync(3000);

  expect(times('last')).toHaveLength(1);
});

describe('a new plan', () => {
  test('keeps the rhythm of jobs that stay, starts new ones at once, ends the others', async () => {
    const { scheduler, times } = startScheduler(jobOf('a'), jobOf('gone'));
    await vi.advanceTimersByTimeAsync(12_000);
    const before = { a: times('a').length, gone: times('gone').length };

    scheduler.replace([jobOf('a'), jobOf('new')]);
    await vi.advanceTimersByTimeAsync(1000);

    expect(times('new')).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(times('a').length - before.a).toBe(1);
    expect(times('gone')).toHaveLength(before.gone);
  });

  test('a job that is triggered afresh gets the flag once', async () => {
    const freshFlags: unknown[] = [];
    const run: Job['run'] = async (...args) => void freshFlags.push(args[3]);
    const { scheduler } = startScheduler(jobOf('a', { run }));
    await vi.advanceTimersByTimeAsync(100);
    scheduler.trigger('a', true);
    scheduler.trigger('a');
    await vi.advanceTimersByTimeAsync(30_000);

    expect(freshFlags.slice(0, 3)).toEqual([false, true, false]);
  });

  test('a triggered job runs at once, a stopped scheduler runs nothing', async () => {
    const { scheduler, times } = startScheduler(jobOf('a', { intervalSeconds: 600 }));
    await vi.advanceTimersByTimeAsync(1000);

    scheduler.trigger('a');
    await vi.advanceTimersByTimeAsync(100);
    expect(times('a')).toHaveLength(2);

    scheduler.stop();
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(times('a')).toHaveLength(2);
  });
});

describe('a trigger', () => {
  test('brings one run forward and leaves the rhythm as it is', async () => {
    const { scheduler, times } = startScheduler(jobOf('a'));
    await vi.advanceTimersByTimeAsync(35_000);
    const last = times('a').at(-1) ?? 0;

    scheduler.trigger('a');
    scheduler.trigger('a');
    await vi.advanceTimersByTimeAsync(30_000);

    const after = times('a').filter((at) => at > last);
    expect(after.slice(1, 3).map((at) => (at - last) % 10_000)).toEqual([0, 0]);
  });

  test('is no missed run of a job that runs already, and makes its next run a fresh one', async () => {
    const freshFlags: unknown[] = [];
    const run: Job['run'] = async (...args) => {
      freshFlags.push(args[3]);
      await new Promise((resolve) => setTimeout(resolve, 1000));
    };
    const { scheduler, missed } = startScheduler(jobOf('a', { run }));
    await vi.advanceTimersByTimeAsync(500);

    scheduler.trigger('a', true);
    await vi.advanceTimersByTimeAsync(1500);
    expect(freshFlags).toEqual([false]);
    await vi.advanceTimersByTimeAsync(30_000);

    expect(freshFlags.slice(0, 3)).toEqual([false, true, false]);
    expect(missed).toEqual([]);
  });
});

test('the lag is how far the most overdue job is behind', async () => {
  const { scheduler } = startScheduler(jobOf('a'));
  await vi.advanceTimersByTimeAsync(1000);
  expect(scheduler.lagSeconds()).toBe(0);
});
