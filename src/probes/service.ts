/**
 * Is the runner's main process there, since when, and on this config?
 *
 * Source    /proc (host/proc/runner-process.ts); the unit's state by `systemctl show` where systemd runs.
 * Measures  processes, started_timestamp_seconds, restarts (of the unit since it was loaded).
 * Reasons   not-running, not-installed, restarting, failed, crash-loop, stopped, uninterruptible, other-config,
 *           two-processes.
 * Unknown   blind: other users' processes are hidden from runnerwatch.
 */
import { CHANGES_OF_CONFIG } from '../core/change.ts';
import type { Clock, Instant } from '../core/clock.ts';
import type { Fact } from '../core/finding.ts';
import type { Paths } from '../core/paths.ts';
import { defineProbe } from '../core/probe.ts';
import { leadToCauses } from '../core/reason.ts';
import type { Place } from '../core/place.ts';
import type { RunnerProcess } from '../core/reading.ts';
import { mountOf, readMounts } from '../host/fs/mounts.ts';
import { findRunnerProcesses } from '../host/proc/runner-process.ts';
import { processesUsing } from '../host/fs/same-file.ts';
import { findProgram, PROGRAM_PATHS } from '../host/proc/runner-program.ts';
import { RestartCounter, UnitRestarts } from '../host/proc/restart-counter.ts';
import { remainsUninterruptible } from '../host/proc/uninterruptible.ts';
import type { UnitState } from '../host/systemd/systemd.ts';
import { unitState } from '../host/systemd/systemd.ts';
import { endText, isFailedStart } from '../host/systemd/unit-life.ts';

/** The unit waits 120 s between two starts: so many automatic restarts within LOOP_SECONDS are a loop. */
const LOOP_RESTARTS = 3;

/**
 * So many main processes within a quarter of an hour are a loop, where no systemd counts the restarts. Three may be
 * an operator who restarts it twice.
 */
const LOOP_PROCESSES = 4;
const LOOP_SECONDS = 900;

const REASONS = {
  ...leadToCauses(
    'not-running',
    'not-installed',
    'restarting',
    'failed',
    'crash-loop',
    'stopped',
    'uninterruptible',
    'other-config',
    'two-processes',
    'blind',
  ),
} as const;

const MEASURES = {
  processes: { help: 'Main runner processes with this config file.' },
  started_timestamp_seconds: {
    measurement: 'uptime',
    help: 'Start time of the main runner process.',
  },
  restarts: { help: 'Automatic restarts of the unit since it was loaded.' },
} as const;

export function createService() {
  const starts = new RestartCounter(LOOP_SECONDS);
  const restarts = new UnitRestarts(LOOP_SECONDS);
  return defineProbe({
    id: 'service',
    title: 'Runner process',
    question: "Does the runner's main process run, since when, and with this config file?",
    kind: 'service',
    changedBy: ['unit', 'program', ...CHANGES_OF_CONFIG],
    needs: [],
    intervalSeconds: 15,
    timeoutSeconds: 5,
    options: {},
    reasons: REASONS,
    measures: MEASURES,

    async run(_target, _options, { place, neighbours, paths, signal, clock }) {
      const [processes, unit] = await Promise.all([
        findRunnerProcesses(paths),
        place.unit === undefined ? undefined : unitState(place.unit, paths, signal),
      ]);
      const ours = await processesUsing(place.files.config, processes, paths);
      const [main] = ours;
      const loop = unit
        ? unitLoopFault(place.id, restarts.count(...restartsOf(place.id, unit, main, clock)))
        : loopFault(starts.count(place.id, main?.pid, clock.seconds()));
      const other = unaccountedProcess(processes, neighbours);
      const facts = factsOf(place, { main, second: ours[1], other, unit }, clock.wall());
      const common = { facts, measures: measuresOf(ours, unit) };
      if (main === undefined) {
        return { ...(await absence({ place, other, unit, loop })), ...common };
      }
      const fault = (await stuckFault(main, paths, signal)) ?? faultOf(main, ours, loop);
      return fault === undefined ? { status: 'pass', ...common } : { ...fault, ...common };
    },
  });
}

export const service = createService();

function measuresOf(ours: readonly RunnerProcess[], unit: UnitState | undefined) {
  const [main] = ours;
  return {
    processes: ours.length,
    ...(main === undefined ? {} : { started_timestamp_seconds: main.startedAt / 1000 }),
    ...(unit === undefined ? {} : { restarts: unit.restarts }),
  };
}

/** A process that waits for a disk is in state D for a moment; one that stays there hangs. */
async function stuckFault(main: RunnerProcess, paths: Paths, signal: AbortSignal) {
  if (main.state !== 'D' || !(await remainsUninterruptible(main, paths, signal))) return undefined;
  const detail = `process ${main.pid} is blocked in a system call (state D)`;
  return { status: 'fail', reason: 'uninterruptible', detail } as const;
}

/** A runner process that no place of this host accounts for. */
function unaccountedProcess(
  processes: readonly RunnerProcess[],
  neighbours: readonly RunnerProcess[],
): RunnerProcess | undefined {
  return processes.find(({ pid }) => neighbours.every((one) => one.pid !== pid));
}

interface Found {
  readonly main: RunnerProcess | undefined;
  /** Another one on the same file. */
  readonly second: RunnerProcess | undefined;
  /** A runner process that no place of this host accounts for; the finding names its config file. */
  readonly other: RunnerProcess | undefined;
  readonly unit: UnitState | undefined;
}

function factsOf(
  { id, files: { config: configPath } }: Place,
  { main, second, other, unit }: Found,
  now: Instant,
): Record<string, Fact> {
  const elsewhere = other === undefined ? {} : { read: other.configPath, meant: configPath };
  return {
    unit: id,
    config_path: configPath,
    ...(main === undefined ? elsewhere : { pid: main.pid, uid: main.uid, state: main.state }),
    ...(second === undefined ? {} : { other_pid: second.pid }),
    ...(unit === undefined
      ? {}
      : {
          unit_state: unit.activeState,
          unit_sub_state: unit.subState,
          result: endText(unit) ?? unit.result,
        }),
    ...(main === undefined && unit !== undefined ? waitFacts(unit, now) : {}),
  };
}

/** What became of its process, and when the next one comes. */
function waitFacts(unit: UnitState, now: Instant): Record<string, Fact> {
  const ended = endText(unit);
  const { nextStartSeconds: seconds } = unit;
  return {
    ...(ended === undefined ? {} : { ended }),
    ...(seconds === undefined ? {} : { next_start: nextStartText(now, seconds) }),
  };
}

/** The time of day, to the second: the wait is two minutes. */
function nextStartText(now: Instant, seconds: number): string {
  const at = new Date(now + seconds * 1000).toISOString();
  return `${at.slice(0, 10)} ${at.slice(11, 19)} UTC`;
}

function restartsOf(
  id: string,
  { restarts, life }: UnitState,
  main: RunnerProcess | undefined,
  clock: Clock,
): Parameters<UnitRestarts['count']> {
  const age = main === undefined ? undefined : (clock.wall() - main.startedAt) / 1000;
  return [id, { restarts, lifeSeconds: life?.seconds }, age, clock.seconds()];
}

function faultOf(main: RunnerProcess, ours: readonly RunnerProcess[], loop: LoopFault | undefined) {
  if (main.state === 'T' || main.state === 't') {
    const detail = `process ${main.pid} is stopped (state ${main.state})`;
    return { status: 'fail', reason: 'stopped', detail } as const;
  }
  if (loop !== undefined) return loop;
  if (ours.length < 2) return undefined;
  const detail = `processes ${ours.map(({ pid }) => pid).join(' and ')} use ${main.configPath}`;
  return { status: 'warn', reason: 'two-processes', detail } as const;
}

interface LoopFault {
  readonly status: 'fail';
  readonly reason: 'crash-loop';
  readonly detail: string;
}

function loopFault(started: number): LoopFault | undefined {
  if (started < LOOP_PROCESSES) return undefined;
  const detail = `${started} processes have started and ended within ${LOOP_SECONDS / 60} minutes`;
  return { status: 'fail', reason: 'crash-loop', detail };
}

function unitLoopFault(id: string, restarts: number): LoopFault | undefined {
  if (restarts < LOOP_RESTARTS) return undefined;
  const detail = `systemd restarted ${id} ${restarts} times within ${LOOP_SECONDS / 60} minutes`;
  return { status: 'fail', reason: 'crash-loop', detail };
}

interface Absence {
  readonly place: Place;
  /** A runner process that no place of this host accounts for. */
  readonly other: RunnerProcess | undefined;
  readonly unit: UnitState | undefined;
  readonly loop: LoopFault | undefined;
}

/** Why there is no process on our config. */
async function absence({ place, other, unit, loop }: Absence) {
  const { id, paths, files } = place;
  if (other !== undefined) {
    const detail = `process ${other.pid} uses ${other.configPath}, not ${files.config}`;
    return { status: 'fail', reason: 'other-config', detail } as const;
  }
  if (await isHidden(paths)) {
    const detail = `${paths.procfs} hides the processes of other users (hidepid)`;
    return { status: 'unknown', reason: 'blind', detail } as const;
  }
  if (unit !== undefined && isOnItsWay(unit)) {
    const detail = `${id} is ${unit.activeState} (${unit.subState})`;
    return { status: 'warn', reason: 'restarting', detail } as const;
  }
  const fault = loop ?? (unit === undefined ? undefined : unitFault(id, unit));
  if (fault !== undefined) return fault;
  if (unit?.loadState !== 'loaded' && (await findProgram(paths)) === undefined) {
    const detail = `there is no gitlab-runner process, no unit, and none of ${PROGRAM_PATHS.join(', ')}`;
    return { status: 'fail', reason: 'not-installed', detail } as const;
  }
  const state = unit === undefined ? '' : `; ${id} is ${unit.activeState}`;
  const detail = `no process \`gitlab-runner run\` is running${state}`;
  return { status: 'fail', reason: 'not-running', detail } as const;
}

/** `systemctl restart` and `stop` pass through these states; systemd bounds how long they last. */
function isOnItsWay({ activeState, subState }: UnitState): boolean {
  return (
    activeState === 'deactivating' || (activeState === 'activating' && subState.startsWith('start'))
  );
}

/** The state of the unit, as an explanation for a missing process. */
function unitFault(id: string, unit: UnitState) {
  const { activeState, subState, result } = unit;
  if (activeState !== 'failed' && !subState.startsWith('auto-restart')) return undefined;
  const ended = endText(unit);
  const what = ended === undefined ? `is ${activeState} (${subState}, ${result})` : ended;
  const seconds = unit.nextStartSeconds;
  const next = seconds === undefined ? '' : `; systemd starts it again in ${Math.round(seconds)} s`;
  const reason = isFailedStart(unit) ? 'failed' : 'not-running';
  return { status: 'fail', reason, detail: `${id} ${what}${next}` } as const;
}

async function isHidden(paths: Paths): Promise<boolean> {
  if (process.getuid?.() === 0) return false;
  const proc = mountOf(paths.procfs, await readMounts(paths));
  // An option of the file system itself: the kernel lists it behind the dash.
  return proc?.superOptions.some((option) => /^hidepid=(?!0|off)/.test(option)) ?? false;
}
