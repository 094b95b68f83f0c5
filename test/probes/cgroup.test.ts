/** Control groups out of files that the test makes; real ones are in test/root/cgroup.test.ts. */
import { describe, expect, test } from 'vitest';

import type { Finding } from '../../src/core/finding.ts';
import type { ServiceTarget } from '../../src/core/target.ts';
import { createCgroup } from '../../src/probes/cgroup.ts';
import { rootFolder } from '../support/dns-server.ts';
import { runnerProcess } from '../support/runner-process.ts';
import { runProbe } from '../support/run-probe.ts';

type Files = Readonly<Record<string, string>>;

interface State {
  readonly files: Files;
  /** Undefined while the runner does not run. */
  readonly pid?: number | undefined;
}

const PID = 812;
const GROUP = '/sys/fs/cgroup/system.slice/gitlab-runner.service';
const MEBIBYTE = 1024 ** 2;

const SERVICE: ServiceTarget = { kind: 'service', id: 'gitlab-runner.service' };

/** Runs the probe once at each state, with one memory; the last finding. */
async function runOnce(...states: readonly State[]): Promise<Finding> {
  const probe = createCgroup();
  let finding: Finding = { status: 'pass' };
  for (const { files, pid } of states) {
    await using root = await rootFolder(files);
    const process = pid === undefined ? undefined : runnerProcess({ pid });
    finding = await runProbe(probe, SERVICE, { tools: { paths: root.paths, process } });
  }
  return finding;
}

/** Without groups the first run waits for nothing. */
const BEFORE: State = { files: {}, pid: PID };

function runningState(files: Files): State {
  const membership = {
    [`/proc/${PID}/cgroup`]: '0::/system.slice/gitlab-runner.service\n',
    [`${GROUP}/cgroup.procs`]: `${PID}\n`,
  };
  return { files: { ...membership, ...files }, pid: PID };
}

const cpuStat = (periods: number, throttled: number): Files => ({
  [`${GROUP}/cpu.stat`]: `usage_usec 9\nnr_periods ${periods}\nnr_throttled ${throttled}\nthrottled_usec 9\n`,
});

function memory(current: number, hits: number, waited?: number): Files {
  return {
    [`${GROUP}/memory.current`]: `${current * MEBIBYTE}\n`,
    [`${GROUP}/memory.max`]: `${100 * MEBIBYTE}\n`,
    [`${GROUP}/memory.events`]: `low 0\nhigh 0\nmax ${hits}\noom 0\noom_kill 0\n`,
    ...(waited === undefined
      ? {}
      : {
          [`${GROUP}/memory.pressure`]: `some avg10=0 avg60=50.00 avg300=0 total=1\nfull avg10=0 avg60=${waited.toFixed(2)} avg300=0 total=1\n`,
        }),
  };
}

const above = (periods: number): Files => ({
  '/sys/fs/cgroup/system.slice/cpu.stat': `nr_periods ${periods}\nnr_throttled ${periods}\n`,
});

describe('the quota of the processor', () => {
  test.concurrent('that stops the group in most periods is a warning', async () => {
    const finding = await runOnce(runningState(cpuStat(100, 10)), runningState(cpuStat(121, 31)));

    expect(finding).toMatchObject({
      status: 'warn',
      reason: 'throttled',
      detail:
        'the control group /system.slice/gitlab-runner.service was throttled in 21 of 21 periods',
      measures: { throttled_ratio: 1 },
    });
  });

  test.concurrent.each([
    ['in half of them', cpuStat(120, 20)],
    ['in two periods of a process that hardly ran', cpuStat(102, 12)],
    ['long before, and not since', cpuStat(200, 10)],
  ])('that stops it %s is no fault', async (_when, later) => {
    expect(await runOnce(runningState(cpuStat(100, 10)), runningState(later))).toMatchObject({
      status: 'pass',
    });
  });

  test.concurrent('of a group above counts too', async () => {
    expect(await runOnce(runningState(above(0)), runningState(above(50)))).toMatchObject({
      reason: 'throttled',
      detail: 'the control group /system.slice was throttled in 50 of 50 periods',
    });
  });
});

describe('the limit of memory', () => {
  test.concurrent('that is hit again and again is a warning', async () => {
    const finding = await runOnce(runningState(memory(100, 5)), runningState(memory(99, 12)));

    expect(finding).toMatchObject({
      status: 'warn',
      reason: 'memory-limit',
      detail:
        'the control group /system.slice/gitlab-runner.service has 99 MiB of 100 MiB and hit its limit 7 times since the last check',
      measures: { memory_used_ratio: 0.99 },
    });
  });

  test.concurrent.each([
    ['is not hit any more', memory(99, 5), memory(99, 5)],
    ['leaves room', memory(80, 5), memory(80, 9)],
    ['is hit by page cache alone: nothing waits', memory(99, 5, 0), memory(99, 90, 0)],
  ])('that %s is no fault', async (_what, before, after) => {
    expect(await runOnce(runningState(before), runningState(after))).toMatchObject({
      status: 'pass',
    });
  });

  test.concurrent('of version 1 is read from its own files', async () => {
    const group = '/sys/fs/cgroup/memory/docker/abc';
    const state = (hits: number): State => ({
      pid: PID,
      files: {
        [`/proc/${PID}/cgroup`]: '4:memory:/docker/abc\n',
        [`${group}/memory.usage_in_bytes`]: `${99 * MEBIBYTE}`,
        [`${group}/memory.limit_in_bytes`]: `${100 * MEBIBYTE}`,
        [`${group}/memory.failcnt`]: `${hits}\n`,
        '/sys/fs/cgroup/memory/docker/memory.usage_in_bytes': '9',
        '/sys/fs/cgroup/memory/docker/memory.limit_in_bytes': '9223372036854771712',
      },
    });

    expect(await runOnce(state(1), state(3))).toMatchObject({ reason: 'memory-limit' });
  });
});

test.concurrent('pressure of the group is measured, and is no fault', async () => {
  const files = {
    [`${GROUP}/cpu.pressure`]: 'some avg10=0 avg60=80.00 avg300=0 total=1\n',
    ...memory(10, 0, 40),
  };

  expect(await runOnce(runningState(files), runningState(files))).toMatchObject({
    status: 'pass',
    measures: { cpu_pressure_ratio: 0.8, memory_pressure_ratio: 0.4 },
  });
});

const UPTIME_SECONDS = 10_000;

function filesAfterKill(
  kills: number,
  ...victims: readonly (readonly [pid: number, name: string, secondsAgo: number])[]
): Files {
  const lines = victims.map(([pid, name, ago], index) => {
    const micros = (UPTIME_SECONDS - ago) * 1e6;
    return `3,${100 + index},${micros},-;Memory cgroup out of memory: Killed process ${pid} (${name}) total-vm:9kB, anon-rss:9kB\n`;
  });
  return {
    '/proc/vmstat': `oom_kill ${kills}\n`,
    '/proc/uptime': `${UPTIME_SECONDS}.00 1.00\n`,
    '/dev/kmsg': `6,1,1000,-;Linux version 6\n${lines.join('')}`,
  };
}

describe('a kill for lack of memory', () => {
  const alive: State = { files: filesAfterKill(0), pid: PID };

  test.concurrent('of the process that was the runner is named, with the victim', async () => {
    const gone = { files: filesAfterKill(1, [PID, 'node', 5]) };

    expect(await runOnce(alive, gone)).toMatchObject({
      status: 'fail',
      reason: 'oom-killed',
      detail: `the kernel killed the runner process ${PID} (node): its control group had no memory left`,
      facts: { victim: 'node', victim_pid: PID, pid: PID, where: 'its control group' },
      measures: { oom_kills: 1 },
    });
  });

  test.concurrent('of a job is not that of the runner', async () => {
    const job = filesAfterKill(1, [4711, 'gitlab-runner', 5]);

    expect(await runOnce(alive, { files: job, pid: PID })).toMatchObject({
      status: 'pass',
      facts: { victim: 'gitlab-runner', victim_pid: 4711 },
    });
    expect(await runOnce(alive, { files: job })).toMatchObject({ status: 'pass' });
  });

  test.concurrent('is over when the runner is back, and a loop of them is not', async () => {
    const once = { files: filesAfterKill(1, [PID, 'gitlab-runner', 60]), pid: 900 };
    const twice = filesAfterKill(2, [PID, 'gitlab-runner', 60], [900, 'gitlab-runner', 5]);
    const longAgo = filesAfterKill(2, [PID, 'gitlab-runner', 5000], [900, 'gitlab-runner', 4000]);

    expect(await runOnce(alive, once)).toMatchObject({ status: 'pass' });
    expect(await runOnce(alive, once, { files: twice, pid: 950 })).toMatchObject({
      reason: 'oom-killed',
      facts: { pid: 900 },
    });
    expect(await runOnce(alive, once, { files: longAgo, pid: 950 })).toMatchObject({
      status: 'pass',
    });
  });

  test.concurrent('before the first run is known by name, while it is young', async () => {
    expect(await runOnce({ files: filesAfterKill(1, [77, 'gitlab-runner', 60]) })).toMatchObject({
      reason: 'oom-killed',
    });
    expect(await runOnce({ files: filesAfterKill(1, [77, 'gitlab-runner', 5000]) })).toMatchObject({
      status: 'pass',
    });
    expect(await runOnce({ files: filesAfterKill(1, [77, 'stress', 60]) })).toMatchObject({
      status: 'pass',
    });
  });
});

test.concurrent('a host without control groups has no such limits', async () => {
  expect(await runOnce(BEFORE)).toMatchObject({ status: 'pass' });
});

test.concurrent('without a process and without counters nothing can be said', async () => {
  expect(await runOnce({ files: {} })).toMatchObject({
    status: 'unknown',
    reason: 'proc-unreadable',
  });
});
