/**
 * Is the runner's main process there, since when, and on this config?
 *
 * Source    /proc (host/proc/runner-process.ts); the unit's state by `systemctl show` where systemd runs; the state of
 *           its container at the engine's socket.
 * Measures  processes, started_timestamp_seconds, restarts (of the unit since it was loaded, of the container since
 *           a person last started it).
 * Reasons   not-running, not-installed, restarting, failed, crash-loop, stopped, uninterruptible, other-config,
 *           two-processes; of a container: container-stopped, container-out-of-memory, container-restart-loop,
 *           container-paused, container-never-started, container-removed, container-unhealthy.
 * Unknown   blind: other users' processes are hidden from runnerwatch, or an engine that may know a runner's container.
 *           processes-hidden: those of a container that runs by its engine.
 *           unseen: it runs in another container, and its metrics do not answer for it.
 */
import { CHANGES_OF_CONFIG } from '../core/change.ts';
import { Absences, RESTART_SECONDS } from '../core/absences.ts';
import type { Clock, Instant } from '../core/clock.ts';
import type { Fact, Finding } from '../core/finding.ts';
import type { Paths } from '../core/paths.ts';
import type { Tools } from '../core/probe.ts';
import { defineProbe } from '../core/probe.ts';
import { leadToCauses } from '../core/reason.ts';
import type { Place } from '../core/place.ts';
import type { RunnerProcess } from '../core/reading.ts';
import type { ServiceTarget } from '../core/target.ts';
import { mountOf, readMounts } from '../host/fs/mounts.ts';
import { findRunnerProcesses } from '../host/proc/runner-process.ts';
import { processesUsing } from '../host/fs/same-file.ts';
import { findProgram, PROGRAM_PATHS } from '../host/proc/runner-program.ts';
import type { LoopFault } from '../host/proc/crash-loop.ts';
import { LOOP_SECONDS, longestLife, loopFault, unitLoopFault } from '../host/proc/crash-loop.ts';
import { RestartCounter, UnitRestarts } from '../host/proc/restart-counter.ts';
import { remainsUninterruptible } from '../host/proc/uninterruptible.ts';
import type { SeenContainer } from '../host/docker/container-judgement.ts';
import { doubtOfEngines } from '../host/docker/engine-doubt.ts';
import {
  CONTAINER_REASONS,
  containerFacts,
  judgeContainer,
} from '../host/docker/container-judgement.ts';
import type { ContainerState } from '../core/container-state.ts';
import { RunnerAnswers } from '../runner/counters/runner-answers.ts';
import { plainLine } from '../runner/log/plain-line.ts';
import type { UnitState } from '../host/systemd/systemd.ts';
import { unitState } from '../host/systemd/systemd.ts';
import { endText, isOnItsWay, unitFault } from '../host/systemd/unit-life.ts';

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
  ...CONTAINER_REASONS,
  'processes-hidden': {
    kind: 'unseen',
    meaning:
      'By its engine the container of the runner runs, and its processes are not in the /proc that runnerwatch sees.',
    action:
      'Let runnerwatch see all processes of the host: start its own container with --pid host.',
  },
  unseen: {
    kind: 'unseen',
    meaning:
      'The runner is in another container, whose processes are not visible, and nothing answers at its listen_address.',
    action:
      'Give the runner a listen_address (metrics.enabled of the chart), or share the processes of the containers.',
  },
  'stopped-or-replaced': {
    kind: 'unseen',
    meaning:
      'The container of the runner is gone, and no engine tells whether it was stopped or another one has replaced it.',
    action:
      "Start the container if it should run; let runnerwatch reach the engine's socket of root, so that it can tell.",
  },
} as const;

const MEASURES = {
  processes: { help: 'Main runner processes with this config file.' },
  started_timestamp_seconds: {
    measurement: 'uptime',
    help: 'Start time of the main runner process.',
  },
  restarts: {
    help: 'Automatic restarts of the unit since it was loaded, or of the container since a person last started it.',
  },
} as const;

const PASS = { status: 'pass' } as const;

export function createService() {
  const starts = new RestartCounter(LOOP_SECONDS);
  const restarts = new UnitRestarts(LOOP_SECONDS);
  const absences = new Absences();
  const answers = new RunnerAnswers();
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

    async run(target, _options, tools) {
      const { place, neighbours, paths, signal, clock } = tools;
      if (place.unseen !== undefined) return await judgeUnseen(target, tools, answers, starts);
      const { ours, settled, main, ...found } = await look(tools);
      const absentSeconds = absences.secondsOf(place.id, main !== undefined, clock);
      const about = { main, absentSeconds, counter: restarts, clock };
      const container = seenContainer(place, found.state, about);
      const other = unaccountedProcess(found.here, neighbours);
      const seen: Found = { main, second: ours[1], other, unit: found.unit, container };
      const loop = loopOf(place, seen, { starts, restarts, clock });
      const facts = factsOf(place, seen, clock.wall());
      const common = { facts, measures: measuresOf(ours, seen) };
      const ofContainer = container && judgeContainer(container);
      if (main === undefined) {
        const absent = await absence(place, { ...seen, loop, absentSeconds });
        return { ...(ofContainer ?? absent), ...common };
      }
      const own = (await stuckFault(main, paths, signal)) ?? faultOf(main, settled, loop);
      // A frozen process may seem to hang.
      const fault = ofContainer?.status === 'fail' ? ofContainer : (own ?? ofContainer);
      return { ...(fault ?? PASS), ...common };
    },
  });
}

export const service = createService();

/** By its metrics, with the loop that its starts show. */
async function judgeUnseen(
  target: ServiceTarget,
  { place, clock, signal }: Tools,
  answers: RunnerAnswers,
  starts: RestartCounter,
): Promise<Finding<keyof typeof REASONS, keyof typeof MEASURES>> {
  const { startedSeconds, ...found } = await answers.judge(target, place, clock, signal);
  const { id, files, registersItself } = place;
  const started = found.status === 'pass' ? startedSeconds : undefined;
  const count = starts.count(id, started, clock.seconds(), longestLife(registersItself));
  const measures =
    startedSeconds === undefined ? {} : { started_timestamp_seconds: startedSeconds };
  const facts = { unit: id, config_path: files.config };
  const loop = started === undefined ? undefined : loopFault(count);
  return loop === undefined ? { ...found, measures, facts } : { ...loop, measures, facts };
}

/** `here`: those in the same container, or on the host; `ours`: those on the file of the place, the main one first. */
async function look({ place, paths, clock, signal }: Tools) {
  const [processes, unit, state] = await Promise.all([
    findRunnerProcesses(place.hostPaths ?? paths),
    place.unit === undefined ? undefined : unitState(place.unit, paths, signal),
    place.container?.state(signal),
  ]);
  const here = processes.filter(({ container }) => container?.id === paths.container);
  const using = await processesUsing(place.files.config, processes, paths);
  const main = using.find((one) => here.includes(one));
  const others = using.filter((one) => one !== main);
  const ours = main === undefined ? others : [main, ...others];
  return { here, main, ours, settled: settledOf(ours, clock), unit, state };
}

/** What its engine says of its container; nothing on the host. */
function seenContainer(
  { id, container }: Place,
  state: ContainerState | undefined,
  { main, absentSeconds, counter, clock }: ContainerTools,
): SeenContainer | undefined {
  if (container === undefined || state === undefined) return undefined;
  const { name } = container;
  const now = clock.wall();
  const hasProcess = main !== undefined;
  const seen = { name, state: withPlainTexts(state), now, hasProcess, absentSeconds };
  if (!('restarts' in state)) return { ...seen, restarts: 0 };
  const age = main === undefined ? undefined : (now - main.startedAt) / 1000;
  const counted = { restarts: state.restarts, lifeSeconds: undefined };
  return { ...seen, restarts: counter.count(`${id} container`, counted, age, clock.seconds()) };
}

interface ContainerTools {
  readonly main: RunnerProcess | undefined;
  readonly absentSeconds: number;
  readonly counter: UnitRestarts;
  readonly clock: Clock;
}

/** What it wrote, and what the engine and its health check say, may hold line ends, colours and secrets. */
function withPlainTexts(state: ContainerState): ContainerState {
  const texts = Object.entries(state).filter(([key]) => TEXTS.has(key));
  const plain = texts.map(([key, text]) => [key, text === undefined ? text : plainLine(text)]);
  return { ...state, ...Object.fromEntries(plain) };
}

const TEXTS: ReadonlySet<string> = new Set(['lastLine', 'said', 'why']);

function measuresOf(ours: readonly RunnerProcess[], { main, unit, container }: Found) {
  const ofContainer = container !== undefined && 'restarts' in container.state;
  const restarts = ofContainer ? container.state.restarts : unit?.restarts;
  return {
    processes: ours.length,
    ...(main === undefined ? {} : { started_timestamp_seconds: main.startedAt / 1000 }),
    ...(restarts === undefined ? {} : { restarts }),
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
  readonly container: SeenContainer | undefined;
}

function factsOf(
  { id, files: { config: configPath } }: Place,
  { main, second, other, unit, container }: Found,
  now: Instant,
): Record<string, Fact> {
  const elsewhere = other === undefined ? {} : { read: other.configPath, meant: configPath };
  return {
    unit: id,
    config_path: configPath,
    ...(container === undefined ? {} : containerFacts(container)),
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

/** An old container may stand beside the one that replaces it, for as long as a restart may take. */
function settledOf(ours: readonly RunnerProcess[], clock: Clock): readonly RunnerProcess[] {
  return ours.filter(({ startedAt }) => clock.wall() - startedAt >= RESTART_SECONDS * 1000);
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

interface Counters {
  readonly starts: RestartCounter;
  readonly restarts: UnitRestarts;
  readonly clock: Clock;
}

/** By what starts it again; an engine tells of its container itself. */
function loopOf(
  { id, registersItself }: Place,
  { unit, main, container }: Found,
  { starts, restarts, clock }: Counters,
): LoopFault | undefined {
  if (unit !== undefined)
    return unitLoopFault(id, restarts.count(...restartsOf(id, unit, main, clock)));
  return container === undefined || container.state.kind === 'unseen'
    ? loopFault(starts.count(id, main?.pid, clock.seconds(), longestLife(registersItself)))
    : undefined;
}

interface Absence extends Found {
  readonly loop: LoopFault | undefined;
  readonly absentSeconds: number;
}

/** Why there is no process on our config. */
async function absence(place: Place, about: Absence) {
  const { paths, files } = place;
  const { other, loop, absentSeconds } = about;
  if (other !== undefined) {
    const detail = `process ${other.pid} uses ${other.configPath}, not ${files.config}`;
    return { status: 'fail', reason: 'other-config', detail } as const;
  }
  return paths.container === undefined
    ? await absenceOnHost(place, about)
    : (loop ?? containerAbsence(place, absentSeconds));
}

/** Where its engine does not say what became of it: it may be starting it again. */
function containerAbsence({ description, mayBeReplaced }: Place, absentSeconds: number) {
  const detail = `${description} runs no process \`gitlab-runner run\``;
  if (absentSeconds < RESTART_SECONDS)
    return { status: 'warn', reason: 'restarting', detail } as const;
  if (mayBeReplaced === undefined)
    return { status: 'fail', reason: 'not-running', detail } as const;
  const doubt = 'no engine tells whether it was stopped or another container has replaced it';
  return {
    status: 'unknown',
    reason: 'stopped-or-replaced',
    detail: `${detail}; ${doubt}`,
  } as const;
}

async function absenceOnHost(place: Place, { unit, loop }: Absence) {
  const { id, paths } = place;
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
  if (await isMissing(place, unit)) {
    const doubt = await doubtOfEngines(paths);
    if (doubt !== undefined) return { status: 'unknown', reason: 'blind', detail: doubt } as const;
    const detail = `there is no gitlab-runner process, no unit, and none of ${PROGRAM_PATHS.join(', ')}`;
    return { status: 'fail', reason: 'not-installed', detail } as const;
  }
  const state = unit === undefined ? '' : `; ${id} is ${unit.activeState}`;
  const detail = `no process \`gitlab-runner run\` is running${state}`;
  return { status: 'fail', reason: 'not-running', detail } as const;
}

/** The program of a container has gone with it. */
async function isMissing(place: Place, unit: UnitState | undefined): Promise<boolean> {
  if (place.container !== undefined || unit?.loadState === 'loaded') return false;
  return (await findProgram(place.paths)) === undefined;
}

async function isHidden(paths: Paths): Promise<boolean> {
  if (process.getuid?.() === 0) return false;
  const proc = mountOf(paths.procfs, await readMounts(paths));
  // An option of the file system itself: the kernel lists it behind the dash.
  return proc?.superOptions.some((option) => /^hidepid=(?!0|off)/.test(option)) ?? false;
}
