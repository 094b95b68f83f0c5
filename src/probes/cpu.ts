/**
 * Does the runner get the processor when it needs it?
 *
 * Source    /proc/stat twice, one second apart; /proc/loadavg; /proc/pressure/cpu where the kernel has it.
 * Measures  utilization_ratio (0..1 of all cores), load (tasks, one minute), pressure_ratio (share of the
 *           last minute in which some task waited for a core).
 * Reasons   starved. A high load alone is no fault: tasks that wait for a disk count as load too.
 * Unknown   proc-unreadable.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import { defineProbe } from '../core/probe.ts';
import type { CpuTicks } from '../host/proc-files.ts';
import { parseCpuTicks, parseLoad, parsePressure, readProc } from '../host/proc-files.ts';

const WINDOW_MILLISECONDS = 1000;
const FULL_RATIO = 0.98;
const WAITING_TASKS_PER_CORE = 4;

export const cpu = defineProbe({
  id: 'cpu',
  title: 'Processor',
  question: 'Does the runner get the processor when it needs it?',
  kind: 'host',
  needs: [],
  intervalSeconds: 15,
  timeoutSeconds: 5,
  options: {
    starved_pressure_ratio: {
      kind: 'number',
      default: 0.6,
      unit: 'ratio',
      min: 0.01,
      max: 1,
      help: 'Share of the last minute in which some task waited for a core; above it the host is starved.',
    },
  },
  reasons: {
    starved: {
      meaning: 'Tasks wait for a core most of the time.',
      action: 'Lower `concurrent`, or give the host more cores.',
    },
    'proc-unreadable': {
      meaning: '/proc/stat cannot be read.',
      action: 'Check --path.procfs and the rights of runnerwatch.',
    },
  },
  measures: {
    utilization_ratio: {
      help: 'Share of the time of all cores in which they were busy, over one second.',
    },
    load: { help: 'Load average of the last minute.' },
    pressure_ratio: {
      help: 'Share of the last minute in which some task waited for a core (PSI).',
      limits: { worse: 'high', options: ['starved_pressure_ratio'] },
    },
  },

  async run(_target, options, { paths, signal }) {
    const before = parseCpuTicks((await readProc(paths, 'stat')) ?? '');
    await sleep(WINDOW_MILLISECONDS, undefined, { signal });
    const after = parseCpuTicks((await readProc(paths, 'stat')) ?? '');
    if (before === undefined || after === undefined) {
      const detail = `${paths.procfs}/stat cannot be read`;
      return { status: 'unknown', reason: 'proc-unreadable', detail };
    }
    const loads = await readProc(paths, 'loadavg');
    const load = parseLoad(loads);
    const pressure = parsePressure(await readProc(paths, 'pressure/cpu'), 'some');
    const utilization_ratio = utilization(before, after);
    const measures = {
      utilization_ratio,
      ...(load === undefined ? {} : { load }),
      ...(pressure === undefined ? {} : { pressure_ratio: pressure }),
    };
    const facts = { cores: after.cores };
    const isStarved =
      pressure === undefined
        ? isOverrun(utilization_ratio, parseLoad(loads, 5), after.cores)
        : pressure > options.starved_pressure_ratio;
    if (!isStarved) return { status: 'pass', measures, facts };
    const waiting =
      pressure === undefined ? '' : `; tasks waited ${percent(pressure)} of the last minute`;
    const detail = `${after.cores} cores are ${percent(utilization_ratio)} busy at a load of ${load ?? '?'}${waiting}`;
    return { status: 'warn', reason: 'starved', detail, measures, facts };
  },
});

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
