/**
 * Is the host short of memory now?
 *
 * Source    /proc/meminfo, /proc/vmstat twice one second apart, /proc/pressure/memory where the kernel has it.
 * Measures  available_bytes, size_bytes, available_ratio (0..1), pressure_ratio (share of the last minute in
 *           which all tasks waited for memory), swapped_pages (in and out within the second), oom_kills (since boot).
 * Reasons   pressure, low. Page cache and idle swap are no fault.
 * Unknown   proc-unreadable.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import { defineProbe } from '../core/probe.ts';
import { leadToCauses } from '../core/reason.ts';
import { parseCounters, parseMemory, parsePressure, readProc } from '../host/proc/proc-files.ts';

const WINDOW_MILLISECONDS = 1000;
const MEBIBYTE = 1024 ** 2;
/** This many pages in a second is swapping in earnest: 4 MiB. */
const BUSY_SWAP_PAGES = 1000;

export const memory = defineProbe({
  id: 'memory',
  title: 'Memory',
  question: 'Is the host short of memory?',
  kind: 'host',
  needs: [],
  intervalSeconds: 15,
  timeoutSeconds: 5,
  options: {
    short_available_ratio: {
      kind: 'number',
      default: 0.05,
      unit: 'ratio',
      min: 0.001,
      max: 0.9,
      help: 'Below this share of available memory, with memory pressure or swapping, the host is short of memory.',
    },
    full_pressure_ratio: {
      kind: 'number',
      default: 0.1,
      unit: 'ratio',
      min: 0.001,
      max: 1,
      help: 'Share of the last minute in which all tasks waited for memory; above it there is memory pressure.',
    },
  },
  reasons: {
    ...leadToCauses('pressure', 'low'),
    'proc-unreadable': {
      kind: 'unseen',
      meaning: '/proc/meminfo cannot be read.',
      action: 'Check --path.procfs and the permissions of runnerwatch.',
    },
  },
  measures: {
    available_bytes: { help: 'Memory available without swapping.' },
    size_bytes: { help: 'Memory of the host.' },
    available_ratio: {
      measurement: 'utilization',
      help: 'Share of memory available without swapping.',
      limits: { worse: 'low', options: ['short_available_ratio'] },
    },
    pressure_ratio: {
      help: 'Share of the last minute in which all tasks waited for memory (PSI).',
      limits: { worse: 'high', options: ['full_pressure_ratio'] },
    },
    swapped_pages: { help: 'Pages moved to or from swap within one second.' },
    oom_kills: { help: 'Processes killed since boot because memory ran out.' },
  },

  async run(_target, options, { paths, signal }) {
    const info = parseMemory((await readProc(paths, 'meminfo')) ?? '');
    const size_bytes = info.get('MemTotal');
    const available_bytes = info.get('MemAvailable');
    if (size_bytes === undefined || available_bytes === undefined) {
      const detail = `${paths.procfs}/meminfo cannot be read`;
      return { status: 'unknown', reason: 'proc-unreadable', detail };
    }
    const before = parseCounters((await readProc(paths, 'vmstat')) ?? '');
    await sleep(WINDOW_MILLISECONDS, undefined, { signal });
    const after = parseCounters((await readProc(paths, 'vmstat')) ?? '');
    const counters = countersOf(before, after);
    const pressure = parsePressure(await readProc(paths, 'pressure/memory'), 'full');
    const available_ratio = available_bytes / size_bytes;
    const measures = {
      available_bytes,
      size_bytes,
      available_ratio,
      ...counters,
      ...(pressure === undefined ? {} : { pressure_ratio: pressure }),
    };
    const left = `${Math.round(available_bytes / MEBIBYTE)} of ${Math.round(size_bytes / MEBIBYTE)} MiB are available`;
    if (available_ratio >= options.short_available_ratio) return { status: 'pass', measures };
    const waited_ratio = pressure ?? 0;
    const swapped_pages = counters.swapped_pages ?? 0;
    if (waited_ratio <= options.full_pressure_ratio && swapped_pages <= BUSY_SWAP_PAGES)
      return { status: 'warn', reason: 'low', detail: left, measures };
    const waited = `all tasks waited for memory in ${Math.round(waited_ratio * 100)} % of the last minute`;
    const detail = `${left}; ${waited}; ${swapped_pages} pages swapped in one second`;
    return { status: 'fail', reason: 'pressure', detail, measures };
  },
});

/** What the kernel does not count is left out: 0 would be a claim. */
function countersOf(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): { readonly swapped_pages?: number; readonly oom_kills?: number } {
  const [old, now] = [swapTraffic(before), swapTraffic(after)];
  const kills = after.get('oom_kill');
  return {
    ...(old === undefined || now === undefined ? {} : { swapped_pages: now - old }),
    ...(kills === undefined ? {} : { oom_kills: kills }),
  };
}

function swapTraffic(counters: ReadonlyMap<string, number>): number | undefined {
  const [into, out] = [counters.get('pswpin'), counters.get('pswpout')];
  return into === undefined || out === undefined ? undefined : into + out;
}
