/**
 * Fifty hosts that were switched on in the same second: what GitLab sees of them. The plan, the walk, the store,
 * the budget and the scheduler are the real ones; time is lent, and a link that passes notes that it asked.
 */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { systemClock } from '../../src/core/clock.ts';
import type { Probe } from '../../src/core/probe.ts';
import { checksOf, jobsOf } from '../../src/checks/plan.ts';
import { ALL_PROBES } from '../../src/cli/all-probes.ts';
import { phaseOf, Scheduler } from '../../src/checks/scheduler.ts';
import { Store } from '../../src/checks/store.ts';
import { START } from '../support/clock.ts';
import { contextsAt } from '../support/places.ts';
import { GITLAB, runner, snapshotOf } from '../support/snapshots.ts';
import { requestBudget } from '../support/request-budget.ts';

const HOSTS = 50;
const HOUR_MILLISECONDS = 3_600_000;
const BUCKET_MILLISECONDS = 10_000;
/** The first round is at once on every host; what counts is what follows for ever. */
const SETTLED_MILLISECONDS = 120_000;
const REQUESTS_PER_HOUR = 20;
/** What GitLab sees: a connection for each walk, and each request that travels on it. */
const SEEN_BY_GITLAB = new Set(['connect', 'http', 'api', 'token']);

interface Asked {
  readonly kind: string;
  readonly at: number;
}

beforeEach(() => {
  vi.useFakeTimers({ now: START });
});
afterEach(() => {
  vi.useRealTimers();
});

/** The real probes' intervals, needs and budgets, on a path where everything passes. */
function passingProbes(asked: Asked[]): readonly Probe[] {
  return ALL_PROBES.filter(({ kind }) => kind === 'endpoint' || kind === 'runner').map((probe) => ({
    ...probe,
    run: async () => {
      if (SEEN_BY_GITLAB.has(probe.id)) asked.push({ kind: probe.id, at: Date.now() });
      return { status: 'pass' };
    },
  }));
}

function startHost(name: string, asked: Asked[]): Scheduler {
  const [{ endpoints, runners }] = snapshotOf({}, { runners: [runner('runnerAA1')] }).hostContext
    .contexts;
  const targets = [...endpoints, ...runners];
  const settings = { requestsPerHour: REQUESTS_PER_HOUR, probes: {} };
  const checks = checksOf(passingProbes(asked), targets, settings, contextsAt());
  const store = new Store(systemClock);
  store.adopt(checks);
  const jobs = jobsOf(checks, {
    clock: systemClock,
    contexts: contextsAt(),
    budget: requestBudget(systemClock, REQUESTS_PER_HOUR),
    known: (id) => store.known(id),
    restore: (id) => void store.restore(id),
    phase: (id) => phaseOf(name, id),
  });
  const onResult = store.record.bind(store);
  const scheduler = new Scheduler(systemClock, name, { onResult, onMissed: () => {} });
  scheduler.replace(jobs);
  return scheduler;
}

async function hourOfFleet(): Promise<readonly Asked[]> {
  const asked: Asked[] = [];
  const hosts = Array.from({ length: HOSTS }, (_, index) =>
    startHost(`ci-${String(index + 1).padStart(2, '0')}`, asked),
  );
  await vi.advanceTimersByTimeAsync(SETTLED_MILLISECONDS + HOUR_MILLISECONDS);
  for (const host of hosts) host.stop();
  return asked.filter(({ at }) => at - START >= SETTLED_MILLISECONDS);
}

function countsByBucket(asked: readonly Asked[], milliseconds: number): readonly number[] {
  const first = START + SETTLED_MILLISECONDS;
  const counts = Array.from({ length: HOUR_MILLISECONDS / milliseconds }, () => 0);
  for (const { at } of asked) {
    const bucket = Math.min(counts.length - 1, Math.floor((at - first) / milliseconds));
    counts[bucket] = (counts[bucket] ?? 0) + 1;
  }
  return counts;
}

function maxOverMean(counts: readonly number[]): number {
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return Math.max(...counts) / mean;
}

test(`${HOSTS} hosts started in one second load ${GITLAB} evenly, and each within its promise`, async () => {
  const asked = await hourOfFleet();
  const byKind = Map.groupBy(asked, ({ kind }) => kind);
  const ofKind = (kind: string): readonly Asked[] => byKind.get(kind) ?? [];

  expect(maxOverMean(countsByBucket(asked, BUCKET_MILLISECONDS))).toBeLessThan(1.5);
  // Few requests in a bucket of ten seconds scatter as dice do; in a minute they must be even too.
  expect(maxOverMean(countsByBucket(ofKind('http'), 60_000))).toBeLessThan(1.5);
  expect(Math.max(...countsByBucket(ofKind('http'), BUCKET_MILLISECONDS))).toBeLessThan(HOSTS / 2);
  const budgeted = [...ofKind('api'), ...ofKind('token')];
  expect(Math.max(...countsByBucket(budgeted, 60_000))).toBeLessThan(HOSTS / 2);
  expect(ofKind('connect').length / HOSTS).toBeLessThanOrEqual(3600 / 15 + 1);
  // An API request travels on a walk that asks for the health page too.
  expect(ofKind('http').length).toBeLessThanOrEqual(61 * HOSTS + budgeted.length);
  expect(budgeted.length / HOSTS).toBeLessThanOrEqual(REQUESTS_PER_HOUR);
});
