/**
 * Does the runner get the processor when it needs it?
 *
 * Source    /proc/stat twice, one second apart; /proc/loadavg; /proc/pressure/cpu where the kernel has it;
 *           /proc/PID/task/TID/schedstat of the runner, now and at the previous reading.
 * Measures  utilization_ratio (0..1 of all cores), load (tasks, one minute), pressure_ratio (share of the
 *           last minute in which some task waited for a core), run_delay_ratio (share of the time that the
 *           runner could have run in which it waited for a core), run_delay_seconds (such waiting in a minute).
 * Reasons   starved: the host is, and the runner itself is late by seconds in a minute. A load that the runner does not
 *           feel is no fault: tasks of low priority give way, and tasks that wait for a disk count as load too.
 * Unknown   proc-unreadable.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import type { Clock } from '../core/clock.ts';
import type { Finding } from '../core/finding.ts';
import type { OptionTable, ValuesOf } from '../core/option.ts';
import type { Paths } from '../core/paths.ts';
import type { MeasureSpec } from '../core/probe.ts';
import { defineProbe } from '../core/probe.ts';
import { leadToCauses } from '../core/reason.ts';
import type { CpuTicks, RunTimes } from '../host/proc/proc-files.ts';
import {
  parseCpuTicks,
  parseLoad,
  parsePressure,
  readProc,
  readRunTimes,
} from '../host/proc/proc-files.ts';

const WINDOW_MILLISECONDS = 1000;
const FULL_RATIO = 0.98;
const WAITING_TASKS_PER_CORE = 4;

/** Less than this was hardly a wish to run. */
const MIN_SECONDS = 0.001;
const MINUTE_SECONDS = 60;

const OPTIONS = {
  starved_pressure_ratio: {
    kind: 'number',
    default: 0.6,
    unit: 'ratio',
    min: 0.01,
    max: 1,
    help: 'Share of the last minute in which some task waited for a CPU. Above it the host is overloaded and the runner reacts late.',
  },
  late_run_delay_seconds: {
    kind: 'number',
    default: 3,
    unit: 'seconds',
    min: 0.1,
    max: 60,
    help: "If the runner's tasks wait for a CPU for less than this in a minute, it gets enough CPU time, even if the host is overloaded.",
  },
} as const satisfies OptionTable;

const REASONS = {
  ...leadToCauses('starved'),
  'proc-unreadable': {
    kind: 'unseen',
    meaning: '/proc/stat cannot be read.',
    action: 'Check --path.procfs and the permissions of runnerwatch.',
  },
} as const;

const MEASURES = {
  utilization_ratio: {
    measurement: 'utilization',
    help: 'Share of time in which all CPUs were busy, over one second.',
  },
  load: { help: 'Load average of the last minute.' },
  pressure_ratio: {
    help: 'Share of the last minute in which some task waited for a CPU (PSI).',
    limits: { worse: 'high', options: ['starved_pressure_ratio'] },
  },
  run_delay_ratio: {
    help: "Share of the runner's runnable time in which it waited for a CPU.",
  },
  run_delay_seconds: {
    help: "Seconds in a minute in which the runner's tasks waited for a CPU.",
    limits: { worse: 'high', options: ['late_run_delay_seconds'] },
  },
} as const satisfies Readonly<Record<string, MeasureSpec>>;

type CpuFinding = Finding<keyof typeof REASONS, keyof typeof MEASURES>;

/** Keeps how long the runner had waited at the previous reading; a test has its own. */
export function createCpu() {
  const times = new Map<number, DatedTimes>();
  return defineProbe({
    id: 'cpu',
    title: 'Processor',
    question: 'Does the runner get enough CPU time?',
    kind: 'host',
    needs: [],
    intervalSeconds: 15,
    timeoutSeconds: 5,
    options: OPTIONS,
    reasons: REASONS,
    measures: MEASURES,

    async run(_target, options, tools): Promise<CpuFinding> {
      const { paths, process, neighbours, signal, clock } = tools;
      const runners = [process, ...neighbours].flatMap((one) => one?.pid ?? []);
      const before = parseCpuTicks((await readProc(paths, 'stat')) ?? '');
      await sleep(WINDOW_MILLISECONDS, undefined, { signal });
      const after = parseCpuTicks((await readProc(paths, 'stat')) ?? '');
      if (before === undefined || after === undefined) {
        const detail = `${paths.procfs}/stat cannot be read`;
        return { status: 'unknown', reason: 'proc-unreadable', detail };
      }
      const delay = worstDelay(times, await timesOf(runners, paths, clock));
      const loads = await readProc(paths, 'loadavg');
      const pressure = parsePressure(await readProc(paths, 'pressure/cpu'), 'some');
      const ratio = utilization(before, after);
      return judgeUse({ ratio, cores: after.cores, loads, pressure, delay }, options);
    },
  });
}

interface CpuSample {
  /** Of all cores. */
  readonly ratio: number;
  readonly cores: number;
  /** The text of loadavg. */
  readonly loads: string | undefined;
  readonly pressure: number | undefined;
  readonly delay: Delay | undefined;
}

function judgeUse(look: CpuSample, options: ValuesOf<typeof OPTIONS>): CpuFinding {
  const { ratio, cores, loads, pressure, delay } = look;
  const load = parseLoad(loads);
  const measures = {
    utilization_ratio: ratio,
    ...(load === undefined ? {} : { load }),
    ...(pressure === undefined ? {} : { pressure_ratio: pressure }),
    ...delayMeasures(delay),
  };
  const facts = { cores };
  const isStarved =
    pressure === undefined
      ? isOverrun(ratio, parseLoad(loads, 5), cores)
      : pressure > options.starved_pressure_ratio;
  const late = delay?.secondsPerMinute ?? 0;
  if (!isStarved || late < options.late_run_delay_seconds) {
    return { status: 'pass', measures, facts };
  }
  const detail = [
    `${cores} CPUs are ${percent(ratio)} busy at a load of ${load ?? '?'}`,
    ...(pressure === undefined ? [] : [`tasks waited ${percent(pressure)} of the last minute`]),
    `the runner waited for a CPU for ${Math.round(late)} s in a minute`,
  ].join('; ');
  return { status: 'warn', reason: 'starved', detail, measures, facts };
}

function delayMeasures(delay: Delay | undefined) {
  if (delay === undefined) return {};
  const { ratio, secondsPerMinute } = delay;
  const ofRunning = ratio === undefined ? {} : { run_delay_ratio: ratio };
  return { ...ofRunning, run_delay_seconds: secondsPerMinute };
}

export const cpu = createCpu();

/** Of the runner that waits most; what was read now is kept for the next time. */
function worstDelay(
  times: Map<number, DatedTimes>,
  now: ReadonlyMap<number, DatedTimes>,
): Delay | undefined {
  const delays = [...now].flatMap(([pid, read]) => delayBetween(times.get(pid), read) ?? []);
  times.clear();
  for (const [pid, read] of now) times.set(pid, read);
  return delays.toSorted((a, b) => b.secondsPerMinute - a.secondsPerMinute)[0];
}

interface DatedTimes extends RunTimes {
  readonly atSeconds: number;
}

async function timesOf(
  pids: readonly number[],
  paths: Paths,
  clock: Clock,
): Promise<ReadonlyMap<number, DatedTimes>> {
  const atSeconds = clock.seconds();
  const found = await Promise.all(
    pids.map(async (pid) => [pid, await readRunTimes(paths, pid)] as const),
  );
  return new Map(
    found.flatMap(([pid, read]) => (read === undefined ? [] : [[pid, { ...read, atSeconds }]])),
  );
}

interface Delay {
  readonly secondsPerMinute: number;
  /** Undefined with too little run and wait time for a ratio. */
  readonly ratio: number | undefined;
}

/** Undefined at the first reading of a process. The times of ended tasks are gone. */
function delayBetween(old: DatedTimes | undefined, now: DatedTimes | undefined): Delay | undefined {
  if (old === undefined || now === undefined || now.atSeconds <= old.atSeconds) return undefined;
  const waited = Math.max(0, now.waitedSeconds - old.waitedSeconds);
  const wanted = waited + Math.max(0, now.ranSeconds - old.ranSeconds);
  return {
    secondsPerMinute: (waited / (now.atSeconds - old.atSeconds)) * MINUTE_SECONDS,
    ratio: wanted < MIN_SECONDS ? undefined : waited / wanted,
  };
}

/**
 * Where the kernel has no pressure figures: all cores busy, and many tasks waiting for each. The load of five
 * minutes: that of one rises above the limit within half a minute of an ordinary burst.
 */
function isOverrun(ratio: number, load: number | undefined, cores: number): boolean {
  return ratio >= FULL_RATIO && (load ?? 0) > WAITING_TASKS_PER_CORE * cores;
}

function utilization(before: CpuTicks, after: CpuTicks): number {
  const total = after.total - before.total;
  return total <= 0 ? 0 : (after.busy - before.busy) / total;
}

function percent(ratio: number): string {
  return `${Math.round(ratio * 100)} %`;
}
