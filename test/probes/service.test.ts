import { readFile } from 'node:fs/promises';

import { expect, test } from 'vitest';

import type { Finding } from '../../src/core/finding.ts';
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

  expect(await readFile(root.callsFile, 'utf8')).toBe(
    'show -p LoadState,ActiveState,SubState,MainPID,NRestarts,Result gitlab-runner.service\n',
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

test('a unit that waits for yet another start is a crash loop', async () => {
  const unit = {
    ActiveState: 'activating',
    SubState: 'auto-restart',
    Result: 'exit-code',
    NRestarts: 7,
  };

  expect(await runOnce({ unit })).toMatchObject({
    status: 'fail',
    reason: 'crash-loop',
    detail:
      'systemd restarted gitlab-runner.service 7 times and waits for the next start (exit-code)',
    measures: { restarts: 7 },
  });
});

test('a young process of a unit with many restarts is a crash loop; an old one has recovered', async () => {
  const young = { 7: { args: RUN, startedSeconds: 3570 } };
  const old = { 7: { args: RUN, startedSeconds: 2000 } };

  expect(await runOnce({ processes: young, unit: { NRestarts: 3 } })).toMatchObject({
    status: 'fail',
    reason: 'crash-loop',
    detail: 'systemd restarted the unit 3 times, last 30 s ago',
  });
  expect(await runOnce({ processes: old, unit: { NRestarts: 3 } })).toMatchObject({
    status: 'pass',
  });
  expect(await runOnce({ processes: young, unit: { NRestarts: 2 } })).toMatchObject({
    status: 'pass',
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
