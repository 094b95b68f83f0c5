import { expect, test } from 'vitest';

import {
  parseCounters,
  parseCpuTicks,
  parseLoad,
  parseMemory,
  parsePressure,
  procFile,
  readProc,
} from '../../../src/host/proc/proc-files.ts';
import { HOST_PATHS } from '../../../src/core/paths.ts';
import { rootFolder } from '../../support/dns-server.ts';

test('idle and waiting for a disk are not busy; guest time is counted once', () => {
  const text = 'cpu  100 20 30 400 50 6 7 8 90 10\ncpu0 1 2 3\ncpu1 1 2 3\nintr 5 1\nbtime 1\n';

  expect(parseCpuTicks(text)).toEqual({ busy: 171, total: 621, cores: 2 });
});

test.each(['', 'cpu0 1 2 3 4\n', 'cpu  many\n'])('%j has no ticks', (text) => {
  expect(parseCpuTicks(text)).toBeUndefined();
});

test('sizes of meminfo are bytes, counts are counts', () => {
  const text = 'MemTotal:       16 kB\nActive(anon):    2 kB\nHugePages_Total:       3\nbroken\n';

  expect(Object.fromEntries(parseMemory(text))).toEqual({
    MemTotal: 16_384,
    'Active(anon)': 2048,
    HugePages_Total: 3,
  });
});

test('counters of vmstat go by name', () => {
  expect(Object.fromEntries(parseCounters('pswpin 12\noom_kill 0\nbroken\nx y\n'))).toEqual({
    pswpin: 12,
    oom_kill: 0,
  });
});

const PRESSURE =
  'some avg10=1.00 avg60=62.50 avg300=3.00 total=9\nfull avg10=0.00 avg60=0.31 avg300=0.00 total=1\n';

test.each([
  ['some', PRESSURE, 0.625],
  ['full', PRESSURE, 0.0031],
  ['full', PRESSURE.split('\n')[0], undefined],
  ['some', '', undefined],
  ['some', undefined, undefined],
] as const)('the %s line of pressure %j is the ratio %s', (line, text, ratio) => {
  expect(parsePressure(text, line)).toBe(ratio);
});

test.each([
  ['1.50 2.25 3.00 1/200 99\n', 1, 1.5],
  ['1.50 2.25 3.00 1/200 99\n', 5, 2.25],
  ['1.50', 5, undefined],
  ['', 1, undefined],
  [undefined, 1, undefined],
] as const)('of %j the load of %s minutes is %s', (text, minutes, load) => {
  expect(parseLoad(text, minutes)).toBe(load);
});

test('a file below the given /proc is read; one that is missing is undefined', async () => {
  await using root = await rootFolder({ '/proc/pressure/cpu': 'some' });

  expect(await readProc(root.paths, 'pressure/cpu')).toBe('some');
  expect(await readProc(root.paths, 'pressure/io')).toBeUndefined();
});

test('files of a network are those of the thread that reads, or of a process in another one', async () => {
  await using copy = await rootFolder({ '/proc/net/route': '' });

  expect(procFile(HOST_PATHS, 'net/route')).toBe('/proc/thread-self/net/route');
  expect(procFile(HOST_PATHS, 'vmstat')).toBe('/proc/vmstat');
  expect(procFile(copy.paths, 'net/route')).toBe(`${copy.paths.procfs}/net/route`);
  expect(procFile({ ...HOST_PATHS, network: { pid: 7, inode: 1 } }, 'net/route')).toBe(
    '/proc/7/net/route',
  );
});
