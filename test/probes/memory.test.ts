import { expect, test } from 'vitest';

import type { Finding } from '../../src/core/finding.ts';
import type { Paths } from '../../src/core/paths.ts';
import { memory } from '../../src/probes/memory.ts';
import { rootFolder } from '../support/dns-server.ts';
import { HOST } from '../support/probes.ts';
import { laterReading } from '../support/proc-readings.ts';
import { runProbe } from '../support/run-probe.ts';

const SIZE_KIB = 4_000_000;

interface Proc {
  readonly available: number;
  /** Free, which page cache makes small on a healthy host. */
  readonly free?: number;
  /** `full avg60`, in percent; no pressure file when absent. */
  readonly pressure?: number;
  readonly pswpin?: number;
}

function files({ available, free = available, pressure, pswpin = 500 }: Proc) {
  const share = (ratio: number): number => Math.round(SIZE_KIB * ratio);
  return {
    '/proc/meminfo': [
      `MemTotal:        ${SIZE_KIB} kB`,
      `MemFree:         ${share(free)} kB`,
      `MemAvailable:    ${share(available)} kB`,
      'SwapTotal:       1000000 kB',
      'SwapFree:              0 kB',
      'HugePages_Total:       0',
    ].join('\n'),
    '/proc/vmstat': `nr_free_pages 1\npswpin ${pswpin}\npswpout 300\noom_kill 7\n`,
    ...(pressure === undefined ? {} : { '/proc/pressure/memory': pressureText(pressure) }),
  };
}

function pressureText(full: number): string {
  return [
    'some avg10=0.00 avg60=90.00 avg300=0.00 total=1',
    `full avg10=0.00 avg60=${full.toFixed(2)} avg300=0.00 total=1`,
  ].join('\n');
}

async function runOnce(before: Proc, after: Proc = before): Promise<Finding> {
  await using first = await rootFolder(files(before));
  await using second = await rootFolder(files(after));
  // meminfo and vmstat belong to the first reading.
  return await runMemory(laterReading(first.paths, second.paths, 2));
}

async function runMemory(paths: Paths): Promise<Finding> {
  return await runProbe(memory, HOST, { tools: { paths } });
}

test.concurrent('plenty of memory passes, with every measure in bytes, ratios and counts', async () => {
  expect(await runOnce({ available: 0.6, pressure: 0 })).toEqual({
    status: 'pass',
    measures: {
      available_bytes: 2_400_000 * 1024,
      size_bytes: SIZE_KIB * 1024,
      available_ratio: 0.6,
      swapped_pages: 0,
      oom_kills: 7,
      pressure_ratio: 0,
    },
  });
});

test.concurrent('page cache that fills the memory is no fault', async () => {
  expect(await runOnce({ available: 0.6, free: 0.01, pressure: 0 })).toMatchObject({
    status: 'pass',
  });
});

test.concurrent('swap that is full and not in use is no fault', async () => {
  expect(await runOnce({ available: 0.3, pressure: 0 })).toMatchObject({ status: 'pass' });
});

test.concurrent('little memory and tasks that wait for it are pressure', async () => {
  expect(await runOnce({ available: 0.03, pressure: 25 })).toMatchObject({
    status: 'fail',
    reason: 'pressure',
    detail:
      '117 of 3906 MiB are available; all tasks waited for memory in 25 % of the last minute; 0 pages swapped in one second',
    measures: { available_ratio: 0.03, pressure_ratio: 0.25 },
  });
});

test.concurrent('little memory and pages that are swapped are pressure, without pressure figures too', async () => {
  const finding = await runOnce({ available: 0.03 }, { available: 0.03, pswpin: 2000 });

  expect(finding).toMatchObject({
    status: 'fail',
    reason: 'pressure',
    measures: { swapped_pages: 1500 },
  });
  expect(finding.measures).not.toHaveProperty('pressure_ratio');
});

test.concurrent.each([
  ['with pressure of 10 %', { available: 0.03, pressure: 10 }, { available: 0.03, pressure: 10 }],
  ['with 1000 pages swapped', { available: 0.03 }, { available: 0.03, pswpin: 1500 }],
])('little memory %s is low and nothing more', async (_name, before, after) => {
  expect(await runOnce(before, after)).toMatchObject({
    status: 'warn',
    reason: 'low',
    detail: '117 of 3906 MiB are available',
  });
});

test.concurrent('5 % are enough, under any pressure', async () => {
  expect(await runOnce({ available: 0.05, pressure: 80 })).toMatchObject({ status: 'pass' });
});

test.concurrent('counters that the kernel does not have are left out', async () => {
  const { '/proc/meminfo': meminfo } = files({ available: 0.5 });
  await using root = await rootFolder({ '/proc/meminfo': meminfo });

  expect(Object.keys((await runMemory(root.paths)).measures ?? {})).toEqual([
    'available_bytes',
    'size_bytes',
    'available_ratio',
  ]);
});

test.concurrent.each([
  ['missing', {}],
  ['without MemAvailable', { '/proc/meminfo': 'MemTotal: 4000000 kB\nMemFree: 1 kB\n' }],
])('meminfo that is %s cannot be judged', async (_name, content) => {
  await using root = await rootFolder(content);

  expect(await runMemory(root.paths)).toEqual({
    status: 'unknown',
    reason: 'proc-unreadable',
    detail: `${root.paths.procfs}/meminfo cannot be read`,
  });
});

test.concurrent('this very host can be asked', async () => {
  const { measures } = await runProbe(memory, HOST);

  expect(measures?.size_bytes).toBeGreaterThan(measures?.available_bytes ?? Infinity);
  expect(measures?.available_ratio).toBeLessThan(1);
});
