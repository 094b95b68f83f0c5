/** Who uses this host: parsed from lines as the kernel prints them, and read from a real process. */
import { spawn } from 'node:child_process';

import { expect, test } from 'vitest';

import { readBusyProcesses, parseUse } from '../../../src/host/proc/busy-processes.ts';
import { HOST_PATHS } from '../../../src/core/paths.ts';
import { until } from '../../support/until.ts';

const LINE =
  '42 (a (b) c) R 1 42 42 0 -1 4194560 900 0 0 0 150 50 0 0 20 0 7 0 12345 1000000 2500 18446744073709551615 0';

test('a name may hold brackets; times are added, pages become bytes', () => {
  expect(parseUse(LINE)).toEqual({
    name: 'a (b) c',
    state: 'R',
    ticks: 200,
    residentBytes: 2500 * 4096,
  });
  expect(parseUse('')).toBeUndefined();
});

test('a process that does nothing but count is among the busiest, by name alone', async () => {
  const child = spawn(process.execPath, ['-e', 'for (;;);', 's3cret-argument'], {
    stdio: 'ignore',
    argv0: 'counting',
  });
  try {
    // On a machine whose cores are all busy its turn may come after the half second that is measured.
    let busy = await readBusyProcesses(HOST_PATHS);
    await until(async () => {
      busy = await readBusyProcesses(HOST_PATHS);
      return busy.byCpu.some(({ pid }) => pid === child.pid);
    });
    const { byCpu, byMemory } = busy;

    expect(byCpu.find(({ pid }) => pid === child.pid)).toMatchObject({
      coreRatio: expect.any(Number),
      state: expect.stringMatching(/^[A-Z]$/),
    });
    expect(JSON.stringify([byCpu, byMemory])).not.toContain('s3cret');
    expect(byMemory.map(({ residentBytes }) => residentBytes)).toEqual(
      byMemory.map(({ residentBytes }) => residentBytes).toSorted((a, b) => b - a),
    );
  } finally {
    child.kill('SIGKILL');
  }
});
