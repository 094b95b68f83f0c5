import { expect, test } from 'vitest';

import type { Finding } from '../../src/core/finding.ts';
import type { Paths } from '../../src/core/paths.ts';
import { cpu, createCpu } from '../../src/probes/cpu.ts';
import { setClock } from '../support/clock.ts';
import { rootFolder } from '../support/dns-server.ts';
import { HOST } from '../support/probes.ts';
import { laterReading } from '../support/proc-readings.ts';
import { runnerProcess } from '../support/runner-process.ts';
import { runProbe } from '../support/run-probe.ts';

/** Ticks of a window: user, nice, system, idle, iowait, irq, softirq, steal, guest, guest_nice. */
const ALL_BUSY = [150, 0, 30, 0, 0, 5, 5, 10, 100, 0];
const QUARTER_BUSY = [30, 0, 10, 100, 50, 0, 5, 5, 20, 0];

interface Proc {
  readonly ticks?: readonly number[];
  /** Of one, five and fifteen minutes. */
  readonly loads?: readonly number[];
  /** `some avg60`, in percent; no pressure file when absent. */
  readonly pressure?: number;
}

const BOOT = [1000, 20, 300, 9000, 400, 10, 10, 0, 200, 0];

async function runOnce({ ticks = QUARTER_BUSY, loads, pressure }: Proc): Promise<Finding> {
  await using first = await rootFolder({ '/proc/stat': statText(BOOT) });
  await using second = await rootFolder({
    '/proc/stat': statText(BOOT.map((number, index) => number + (ticks[index] ?? 0))),
    ...(loads === undefined ? {} : { '/proc/loadavg': `${loads.join(' ')} 1/300 4711\n` }),
    ...(pressure === undefined ? {} : { '/proc/pressure/cpu': pressureText(pressure) }),
  });
  return await runCpu(laterReading(first.paths, second.paths, 1));
}

function statText(numbers: readonly number[]): string {
  return `cpu  ${numbers.join(' ')}\ncpu0 1 0 0 0 0 0 0 0 0 0\ncpu1 1 0 0 0 0 0 0 0 0 0\nbtime 1\n`;
}

function pressureText(some: number): string {
  return `some avg10=99.00 avg60=${some.toFixed(2)} avg300=1.00 total=1\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n`;
}

async function runCpu(paths: Paths): Promise<Finding> {
  return await runProbe(cpu, HOST, { tools: { paths } });
}

test.concurrent('an idle host passes; waiting for a disk is not busy', async () => {
  expect(await runOnce({ loads: [0.5, 0.4, 0.3], pressure: 3 })).toEqual({
    status: 'pass',
    measures: { utilization_ratio: 0.25, load: 0.5, pressure_ratio: 0.03 },
    facts: { cores: 2 },
  });
});

test.concurrent('on a busy host without a runner nothing is late', async () => {
  expect(await runOnce({ ticks: ALL_BUSY, loads: [30, 25, 10], pressure: 75 })).toEqual({
    status: 'pass',
    measures: { utilization_ratio: 1, load: 30, pressure_ratio: 0.75 },
    facts: { cores: 2 },
  });
});

test.concurrent('a high load whose tasks wait for no core is no fault', async () => {
  const finding = await runOnce({ ticks: ALL_BUSY, loads: [40, 40, 40], pressure: 3 });

  expect(finding).toMatchObject({ status: 'pass' });
});

test.concurrent('60 % of a minute is not yet starved', async () => {
  expect(await runOnce({ ticks: ALL_BUSY, pressure: 60 })).toMatchObject({ status: 'pass' });
});

test.concurrent('a burst of half a minute is no fault: 30 tasks on 2 cores', async () => {
  // What exponential averages show after 30 s: 1 - exp(-30/60), 30 * that, 30 * (1 - exp(-30/300)).
  const loads = [11.8, 2.9, 1];

  expect(await runOnce({ ticks: ALL_BUSY, loads, pressure: 39.3 })).toMatchObject({
    status: 'pass',
  });
  expect(await runOnce({ ticks: ALL_BUSY, loads })).toMatchObject({ status: 'pass' });
});

test.concurrent.each([
  ['a high load with idle cores', { ticks: QUARTER_BUSY, loads: [30, 25, 10] }],
  ['busy cores with few tasks for each', { ticks: ALL_BUSY, loads: [8, 8, 8] }],
  ['busy cores and no load figure', { ticks: ALL_BUSY }],
])('without pressure figures %s is no fault', async (_name, proc) => {
  expect(await runOnce(proc)).toMatchObject({ status: 'pass' });
});

test.concurrent('counters that do not change are a use of 0, not a division by it', async () => {
  expect(await runOnce({ ticks: [] })).toMatchObject({ measures: { utilization_ratio: 0 } });
});

test.concurrent('without /proc/stat the result is unknown', async () => {
  await using root = await rootFolder({ '/proc/loadavg': '1 1 1 1/1 1' });

  expect(await runCpu(root.paths)).toEqual({
    status: 'unknown',
    reason: 'proc-unreadable',
    detail: `${root.paths.procfs}/stat cannot be read`,
  });
});

test.concurrent('this very host can be asked', async () => {
  const { measures, facts } = await runProbe(cpu, HOST);

  expect(facts?.['cores']).toBeGreaterThan(0);
  expect(measures?.utilization_ratio).toBeGreaterThanOrEqual(0);
  expect(measures?.utilization_ratio).toBeLessThanOrEqual(1);
});

/** /proc of a host whose cores are starved, with the times of the runner's two tasks. */
function filesWithWait(ran: number, waited: number) {
  return {
    '/proc/stat': statText(BOOT),
    '/proc/pressure/cpu': pressureText(90),
    '/proc/812/task/812/schedstat': `${ran * 1e9} ${waited * 1e9} 9\n`,
    '/proc/812/task/813/schedstat': '0 0 0\n',
  };
}

test.concurrent.each([
  ['is late by seconds', 0.1, 1.5, 'warn', 6, expect.closeTo(1.5 / 1.6)],
  ['waits for milliseconds, and hardly runs', 0.001, 0.02, 'pass', 0.08, expect.closeTo(20 / 21)],
  ['gets its core in time', 3, 0.1, 'pass', 0.4, expect.closeTo(1 / 31)],
  ['does not want to run', 0, 0, 'pass', 0, undefined],
])('on a starved host a runner that %s', async (_what, ran, waited, status, seconds, ratio) => {
  const probe = createCpu();
  const clock = setClock();
  await using first = await rootFolder(filesWithWait(10, 5));
  await using second = await rootFolder(filesWithWait(10 + ran, 5 + waited));
  const process = runnerProcess({ pid: 812 });
  const before = await runProbe(probe, HOST, { tools: { paths: first.paths, process, clock } });
  clock.advance(15);
  const finding = await runProbe(probe, HOST, { tools: { paths: second.paths, process, clock } });

  expect(before.status).toBe('pass');
  expect(finding.status).toBe(status);
  expect(finding.measures).toMatchObject({ run_delay_seconds: expect.closeTo(seconds) });
  expect(finding.measures?.run_delay_ratio).toEqual(ratio);
});
