/**
 * Is the runner's main process there, since when, and on this config?
 *
 * Source    /proc (host/runner-process.ts); the unit's state by `systemctl show` where systemd runs.
 * Measures  processes, started_timestamp_seconds, restarts (of the unit since it was loaded).
 * Reasons   not-running, not-installed, failed, crash-loop, stopped, other-config, two-processes.
 * Unknown   blind: other users' processes are hidden from runnerwatch.
 */
import { access } from 'node:fs/promises';

import type { Fact } from '../core/finding.ts';
import type { Paths } from '../core/paths.ts';
import { inRoot } from '../core/paths.ts';
import { defineProbe } from '../core/probe.ts';
import type { RunnerProcess } from '../core/reading.ts';
import type { ServiceTarget } from '../core/target.ts';
import { mountOf, readMounts } from '../host/mounts.ts';
import { findRunnerProcesses } from '../host/runner-process.ts';
import type { UnitState } from '../host/systemd.ts';
import { unitState } from '../host/systemd.ts';

const BINARIES = ['/usr/bin/gitlab-runner', '/usr/local/bin/gitlab-runner'];
/** The unit waits 120 s between two starts: three restarts of a young process are a loop. */
const LOOP_RESTARTS = 3;
const YOUNG_SECONDS = 600;

export const service = defineProbe({
  id: 'service',
  title: 'Runner process',
  question: 'Is the runner’s main process there, since when, and on this config?',
  kind: 'service',
  needs: [],
  intervalSeconds: 15,
  timeoutSeconds: 5,
  options: {},
  reasons: {
    'not-running': {
      meaning: 'There is no `gitlab-runner run` process.',
      action: 'Start the service.',
    },
    'not-installed': {
      meaning: 'There is no process, no unit and no program of GitLab Runner on this host.',
      action: 'Install GitLab Runner, or point runnerwatch at the right host paths.',
    },
    failed: {
      meaning: 'The unit has failed.',
      action: 'Read the last lines of its journal.',
    },
    'crash-loop': {
      meaning: 'The process starts and dies again and again.',
      action: 'Read the last lines of its journal: the fatal one names the reason.',
    },
    stopped: {
      meaning: 'The process is there and stands still (stopped by a signal).',
      action: 'Continue or restart it.',
    },
    'other-config': {
      meaning: 'A runner process is there, and it runs on another config file.',
      action: 'Start the runner with the right --config.',
    },
    'two-processes': {
      meaning: 'Two main processes share one config file, so `concurrent` and `limit` do not hold.',
      action: 'Stop one of them.',
    },
    blind: {
      meaning: 'Processes of other users are hidden from runnerwatch.',
      action: 'Run runnerwatch as root, or mount /proc without hidepid.',
    },
  },
  measures: {
    processes: { help: 'Main runner processes on this config file.' },
    started_timestamp_seconds: { help: 'Start of the main runner process.' },
    restarts: { help: 'Automatic restarts of the unit since it was loaded.' },
  },

  async run(target, _options, { paths, signal, clock }) {
    const [processes, unit] = await Promise.all([
      findRunnerProcesses(paths),
      unitState(target.id, paths, signal),
    ]);
    const ours = processes.filter(({ configPath }) => configPath === target.configPath);
    const [main] = ours;
    const facts = factsOf(target, main, unit);
    const measures = {
      processes: ours.length,
      ...(main === undefined ? {} : { started_timestamp_seconds: main.startedAt / 1000 }),
      ...(unit === undefined ? {} : { restarts: unit.restarts }),
    };
    const common = { facts, measures };
    if (main === undefined)
      return { ...(await absence(target, processes, unit, paths)), ...common };
    const fault = faultOf(main, ours, unit, clock.wall());
    return fault === undefined ? { status: 'pass', ...common } : { ...fault, ...common };
  },
});

function factsOf(
  { id, configPath }: ServiceTarget,
  main: RunnerProcess | undefined,
  unit: UnitState | undefined,
): Record<string, Fact> {
  return {
    unit: id,
    config_path: configPath,
    ...(main === undefined ? {} : { pid: main.pid, uid: main.uid, state: main.state }),
    ...(unit === undefined
      ? {}
      : { unit_state: unit.activeState, unit_sub_state: unit.subState, result: unit.result }),
  };
}

function faultOf(
  main: RunnerProcess,
  ours: readonly RunnerProcess[],
  unit: UnitState | undefined,
  now: number,
) {
  if (main.state === 'T' || main.state === 't') {
    const detail = `process ${main.pid} is stopped (state ${main.state})`;
    return { status: 'fail', reason: 'stopped', detail } as const;
  }
  const ageSeconds = (now - main.startedAt) / 1000;
  if ((unit?.restarts ?? 0) >= LOOP_RESTARTS && ageSeconds < YOUNG_SECONDS) {
    const detail = `the unit was restarted ${unit?.restarts} times, the last time ${Math.round(ageSeconds)} s ago`;
    return { status: 'fail', reason: 'crash-loop', detail } as const;
  }
  if (ours.length < 2) return undefined;
  const detail = `processes ${ours.map(({ pid }) => pid).join(' and ')} run on ${main.configPath}`;
  return { status: 'warn', reason: 'two-processes', detail } as const;
}

/** Why there is no process on our config. */
async function absence(
  { id, configPath }: ServiceTarget,
  processes: readonly RunnerProcess[],
  unit: UnitState | undefined,
  paths: Paths,
) {
  const [other] = processes;
  if (other !== undefined) {
    const detail = `process ${other.pid} runs on ${other.configPath}, not on ${configPath}`;
    return { status: 'fail', reason: 'other-config', detail } as const;
  }
  if (await isHidden(paths)) {
    const detail = `${paths.procfs} hides the processes of other users (hidepid)`;
    return { status: 'unknown', reason: 'blind', detail } as const;
  }
  const fault = unit === undefined ? undefined : unitFault(id, unit);
  if (fault !== undefined) return fault;
  if (unit?.loadState !== 'loaded' && !(await hasBinary(paths))) {
    const detail = `there is no gitlab-runner process, no unit ${id}, and none of ${BINARIES.join(', ')}`;
    return { status: 'fail', reason: 'not-installed', detail } as const;
  }
  const state = unit === undefined ? '' : `; ${id} is ${unit.activeState}`;
  const detail = `there is no process \`gitlab-runner run\`${state}`;
  return { status: 'fail', reason: 'not-running', detail } as const;
}

/** What the unit's own state says about a process that is not there. */
function unitFault(id: string, { activeState, subState, restarts, result }: UnitState) {
  if (activeState === 'activating' && restarts >= LOOP_RESTARTS) {
    const detail = `${id} was restarted ${restarts} times and waits for the next start (${result})`;
    return { status: 'fail', reason: 'crash-loop', detail } as const;
  }
  if (activeState !== 'failed' && subState !== 'auto-restart') return undefined;
  const detail = `${id} is ${activeState} (${subState}, ${result})`;
  return { status: 'fail', reason: 'failed', detail } as const;
}

async function isHidden(paths: Paths): Promise<boolean> {
  if (process.getuid?.() === 0) return false;
  const proc = mountOf(paths.procfs, await readMounts(paths));
  // An option of the file system itself: the kernel lists it behind the dash.
  return proc?.superOptions.some((option) => /^hidepid=(?!0|off)/.test(option)) ?? false;
}

async function hasBinary(paths: Paths): Promise<boolean> {
  const found = await Promise.all(
    BINARIES.map((path) =>
      access(inRoot(paths, path)).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.includes(true);
}
