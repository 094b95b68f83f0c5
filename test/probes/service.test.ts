import { readFile } from 'node:fs/promises';

import { describe, expect, test } from 'vitest';

import type { Finding } from '../../src/core/finding.ts';
import { detailOf, reasonOf } from '../../src/core/finding.ts';
import type { ServiceTarget } from '../../src/core/target.ts';
import { PACKAGED_PLACE } from '../../src/host/place/packaged.ts';
import { createService, service } from '../../src/probes/service.ts';
import { setClock } from '../support/clock.ts';
import type { ProcProcess } from '../support/proc-process.ts';
import { BOOTED_SECONDS, PROC_STAT, procProcess } from '../support/proc-process.ts';
import { runProbe } from '../support/run-probe.ts';
import { createStates, startHost } from '../support/system-manager.ts';

const TARGET: ServiceTarget = {
  kind: 'service',
  id: 'gitlab-runner.service',
};
const CONFIG = PACKAGED_PLACE.files.config;
const RUN = ['/usr/bin/gitlab-runner', 'run', '--config', CONFIG];
const PROGRAM = { '/usr/bin/gitlab-runner': '' };
/** An hour after the boot. */
const NOW = setClock((BOOTED_SECONDS + 3600) * 1000);

interface Host {
  readonly processes?: Readonly<Record<number, ProcProcess>>;
  readonly files?: Readonly<Record<string, string>>;
  /** Absent where no systemd runs. */
  readonly unit?: Readonly<Record<string, string | number>>;
}

async function runOnce({ processes = {}, files = {}, unit }: Host): Promise<Finding> {
  const all = {
    ...PROC_STAT,
    ...Object.assign(
      {},
      ...Object.entries(processes).map(([pid, one]) => procProcess(Number(pid), one)),
    ),
    ...files,
  };
  await using root = await startHost(all, unit === undefined ? undefined : createStates(unit));
  return await runProbe(createService(), TARGET, { tools: { paths: root.paths, clock: NOW } });
}

test('a main process on our config passes, with its start and the restarts of its unit', async () => {
  const processes = { 4711: { args: RUN, startedSeconds: 1800 } };

  expect(await runOnce({ processes, unit: { NRestarts: 2 } })).toEqual({
    status: 'pass',
    measures: { processes: 1, started_timestamp_seconds: BOOTED_SECONDS + 1800, restarts: 2 },
    facts: {
      unit: 'gitlab-runner.service',
      config_path: '/etc/gitlab-runner/config.toml',
      pid: 4711,
      uid: 0,
      state: 'S',
      unit_state: 'active',
      unit_sub_state: 'running',
      result: 'success',
    },
  });
});

test('without systemd the process alone counts', async () => {
  expect(await runOnce({ processes: { 7: { args: RUN } } })).toEqual({
    status: 'pass',
    measures: { processes: 1, started_timestamp_seconds: BOOTED_SECONDS },
    facts: { unit: TARGET.id, config_path: CONFIG, pid: 7, uid: 0, state: 'S' },
  });
});

test('one question goes to systemctl, about the one unit', async () => {
  await using root = await startHost(procProcess(7, { args: RUN }), createStates({}));
  await runProbe(service, TARGET, { tools: { paths: root.paths } });

  expect(await readFile(root.callsFile, 'utf8')).toEqual(
    expect.stringMatching(/^show -p LoadState,\S+ gitlab-runner\.service\n$/),
  );
});

test('a systemctl that hangs is given up at the deadline, and the process still counts', async () => {
  await using root = await startHost(procProcess(7, { args: RUN }), 'exec sleep 600');
  const tools = { paths: root.paths, signal: AbortSignal.timeout(300) };

  expect(await runProbe(service, TARGET, { tools })).toMatchObject({
    status: 'pass',
    measures: { processes: 1 },
  });
});

test('a program without a process is not running', async () => {
  expect(await runOnce({ files: PROGRAM })).toMatchObject({
    status: 'fail',
    reason: 'not-running',
    detail: 'no process `gitlab-runner run` is running',
    measures: { processes: 0 },
  });
});

test('a unit that was stopped is not running, even where the program lies elsewhere', async () => {
  const unit = { ActiveState: 'inactive', SubState: 'dead' };

  expect(await runOnce({ unit })).toMatchObject({
    status: 'fail',
    reason: 'not-running',
    detail: 'no process `gitlab-runner run` is running; gitlab-runner.service is inactive',
  });
});

test.each([
  ['no systemd', {}],
  [
    'a systemd that does not know it',
    { unit: { LoadState: 'not-found', ActiveState: 'inactive', SubState: 'dead' } },
  ],
])('no process, no program and %s is not installed', async (_name, host) => {
  expect(await runOnce(host)).toMatchObject({ status: 'fail', reason: 'not-installed' });
});

test.each([
  ['failed for good', { ActiveState: 'failed', SubState: 'failed', Result: 'exit-code' }],
  [
    'died once and waits for its restart',
    { ActiveState: 'activating', SubState: 'auto-restart', Result: 'exit-code', NRestarts: 1 },
  ],
])('a unit that %s has failed', async (_name, unit) => {
  const { ActiveState, SubState } = unit;

  expect(await runOnce({ unit })).toMatchObject({
    status: 'fail',
    reason: 'failed',
    detail: `gitlab-runner.service is ${ActiveState} (${SubState}, exit-code)`,
  });
});

test.each([
  ['stops', { ActiveState: 'deactivating', SubState: 'stop-sigterm' }],
  ['starts', { ActiveState: 'activating', SubState: 'start-pre' }],
])('a unit that %s at this moment is restarting, and no alert fires', async (_name, unit) => {
  expect(await runOnce({ unit })).toMatchObject({
    status: 'warn',
    reason: 'restarting',
    detail: `gitlab-runner.service is ${unit.ActiveState} (${unit.SubState})`,
  });
});

const WAITING = { ActiveState: 'activating', SubState: 'auto-restart', Result: 'exit-code' };
const KILLED = {
  ...WAITING,
  Result: 'signal',
  ExecMainStartTimestampMonotonic: 1_000_000,
  ExecMainExitTimestampMonotonic: 7_201_000_000,
  ExecMainCode: 2,
  ExecMainStatus: 9,
};

test('a unit whose process was killed is not running, and is started again by systemd', async () => {
  const since = Math.round(Number(process.hrtime.bigint()) / 1000);
  const unit = { ...KILLED, RestartUSec: '2min', StateChangeTimestampMonotonic: since };
  const found = await runOnce({ unit });

  expect(reasonOf(found)).toBe('not-running');
  expect(detailOf(found)).toMatch(
    /was killed by SIGKILL after 2 h; systemd starts it again in 1(?:20|1\d) s$/,
  );
  expect(found.facts).toMatchObject({
    ended: 'was killed by SIGKILL after 2 h',
    next_start: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/),
  });
});

test.each([
  ['success', 1, 0, 3600, 'not-running', 'exited with code 0 after 60 min'],
  ['success', 1, 0, 2, 'failed', 'exited with code 0 after 2 s'],
  ['success', 2, 15, 2, 'not-running', 'was killed by SIGTERM after 2 s'],
  ['exit-code', 1, 1, 2, 'failed', 'exited with code 1 after 2 s'],
  ['exit-code', 1, 2, 10_800, 'not-running', 'exited with code 2 after 3 h'],
  ['core-dump', 3, 6, 90, 'not-running', 'was killed by SIGABRT after 90 s'],
])(
  'result %s, code %i, status %i after %i s: %s',
  async (Result, ExecMainCode, ExecMainStatus, seconds, reason, ended) => {
    const exit = 1_000_000 + seconds * 1_000_000;
    const life = {
      ExecMainStartTimestampMonotonic: 1_000_000,
      ExecMainExitTimestampMonotonic: exit,
    };
    const found = await runOnce({
      unit: { ...WAITING, Result, ExecMainCode, ExecMainStatus, ...life },
    });

    expect([reasonOf(found), found.facts?.['ended']]).toEqual([reason, ended]);
    expect(JSON.stringify(found)).not.toContain('success');
  },
);

/** What the probe says of a unit whose state changes between its runs, fifteen seconds apart. */
async function runOver(...units: readonly Host[]): Promise<readonly string[]> {
  const probe = createService();
  const clock = setClock((BOOTED_SECONDS + 3600) * 1000);
  const reasons: string[] = [];
  for (const { processes = {}, unit = {} } of units) {
    const files = Object.assign(
      {},
      PROC_STAT,
      ...Object.entries(processes).map(([pid, one]) => procProcess(Number(pid), one)),
    );
    await using root = await startHost(files, createStates(unit));
    const found = await runProbe(probe, TARGET, { tools: { paths: root.paths, clock } });
    reasons.push(reasonOf(found) ?? found.status);
    clock.advance(15);
  }
  return reasons;
}

const waiting = (NRestarts: number): Host => ({ unit: { ...WAITING, NRestarts } });
const killed = (NRestarts: number): Host => ({ unit: { ...KILLED, NRestarts } });
const running = (NRestarts: number, startedSeconds: number): Host => ({
  processes: { 7: { args: RUN, startedSeconds } },
  unit: { NRestarts },
});

describe('a crash loop is judged by the restarts that were seen', () => {
  test('three within a quarter of an hour are one, whatever systemd has counted before', async () => {
    expect(await runOver(waiting(57), waiting(58), waiting(59), waiting(60))).toEqual([
      'failed',
      'failed',
      'failed',
      'crash-loop',
    ]);
    expect(await runOver(running(57, 3590), running(57, 3590))).toEqual(['pass', 'pass']);
  });

  test('it goes on while a process is young, and ends with the first that lives', async () => {
    const loop = [waiting(0), waiting(1), waiting(2), waiting(3)];

    expect(await runOver(...loop, running(3, 3655))).toMatchObject({ 4: 'crash-loop' });
    expect(await runOver(...loop, running(3, 3580))).toMatchObject({ 4: 'pass' });
  });

  test('it is over when a person has stopped and started the unit', async () => {
    const loop = [waiting(0), waiting(1), waiting(2), waiting(3)];

    expect(await runOver(...loop, running(0, 3655))).toMatchObject({ 4: 'pass' });
  });

  test('processes that were killed after a long life make none', async () => {
    expect(await runOver(killed(0), killed(1), killed(2), killed(3))).not.toContain('crash-loop');
  });
});

test.each(['T', 't'])('a process in state %s is stopped', async (state) => {
  expect(await runOnce({ processes: { 7: { args: RUN, state } } })).toMatchObject({
    status: 'fail',
    reason: 'stopped',
    detail: `process 7 is stopped (state ${state})`,
    facts: { state },
  });
});

test('a process on another file is another config', async () => {
  const args = ['gitlab-runner', 'run', '-c', '/srv/runner/config.toml'];

  expect(await runOnce({ processes: { 7: { args } }, files: PROGRAM })).toMatchObject({
    status: 'fail',
    reason: 'other-config',
    detail: 'process 7 uses /srv/runner/config.toml, not /etc/gitlab-runner/config.toml',
    measures: { processes: 0 },
    facts: { read: '/srv/runner/config.toml', meant: CONFIG },
  });
});

test('two main processes on our config are a warning; the elder one counts', async () => {
  const processes = {
    30: { args: RUN, startedSeconds: 10 },
    200: { args: RUN, startedSeconds: 5 },
    201: { args: ['gitlab-runner', 'run', '--config', '/srv/other.toml'] },
  };

  expect(await runOnce({ processes })).toMatchObject({
    status: 'warn',
    reason: 'two-processes',
    detail: 'processes 200 and 30 use /etc/gitlab-runner/config.toml',
    measures: { processes: 2 },
    facts: { pid: 200 },
  });
});

test('one that has just started stands beside the one that it replaces', async () => {
  const processes = {
    200: { args: RUN, startedSeconds: 5 },
    300: { args: RUN, startedSeconds: 3590 },
  };

  expect(await runOnce({ processes })).toMatchObject({ status: 'pass', facts: { pid: 200 } });
});
