/**
 * Who uses this host's processors and memory now? Names only: a command line may hold a secret.
 *
 * Source  /proc/PID/stat, twice with a pause between. A file that hangs is not among them: stat takes no lock
 *         that a stuck process holds.
 */
import { setTimeout as delay } from 'node:timers/promises';

import type { Paths } from '../../core/paths.ts';
import { mapProcesses } from './each-process.ts';
import { readProc } from './proc-files.ts';

export interface BusyProcess {
  readonly pid: number;
  readonly name: string;
  readonly state: string;
  /** Share of one core between the two samples. */
  readonly coreRatio: number;
  readonly residentBytes: number;
}

export interface BusyProcesses {
  readonly byCpu: readonly BusyProcess[];
  readonly byMemory: readonly BusyProcess[];
}

/** USER_HZ and the page size of every Linux that Node runs on here. */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;
const BETWEEN_MILLISECONDS = 500;
const MAX_PROCESSES = 5000;
const MAX_SHOWN = 10;

interface ProcessSample {
  readonly name: string;
  readonly state: string;
  readonly ticks: number;
  readonly residentBytes: number;
}

/** Name, state, used ticks and resident bytes out of /proc/PID/stat; the name may hold blanks and brackets. */
export function parseUse(text: string): ProcessSample | undefined {
  const start = text.indexOf('(');
  const end = text.lastIndexOf(')');
  if (start === -1 || end === -1) return undefined;
  const fields = text.slice(end + 2).split(' ');
  return {
    name: text.slice(start + 1, end),
    state: fields[0] ?? '',
    ticks: Number(fields[11] ?? 0) + Number(fields[12] ?? 0),
    residentBytes: Number(fields[21] ?? 0) * PAGE_BYTES,
  };
}

export async function readBusyProcesses(paths: Paths): Promise<BusyProcesses> {
  const before = await sampleProcesses(paths);
  const start = performance.now();
  await delay(BETWEEN_MILLISECONDS);
  const after = await sampleProcesses(paths);
  const seconds = (performance.now() - start) / 1000;
  const all = [...after].map(([pid, { name, state, ticks, residentBytes }]): BusyProcess => {
    const used = Math.max(0, ticks - (before.get(pid)?.ticks ?? ticks));
    const coreRatio = Math.round((used / TICKS_PER_SECOND / seconds) * 100) / 100;
    return { pid, name, state, coreRatio, residentBytes };
  });
  return {
    byCpu: all
      .filter(({ coreRatio }) => coreRatio > 0)
      .toSorted((a, b) => b.coreRatio - a.coreRatio)
      .slice(0, MAX_SHOWN),
    byMemory: all.toSorted((a, b) => b.residentBytes - a.residentBytes).slice(0, MAX_SHOWN),
  };
}

async function sampleProcesses(paths: Paths): Promise<ReadonlyMap<number, ProcessSample>> {
  const look = async (pid: number): Promise<readonly [number, ProcessSample] | undefined> => {
    const use = parseUse((await readProc(paths, `${pid}/stat`)) ?? '');
    return use && [pid, use];
  };
  return new Map(await mapProcesses(paths, look, MAX_PROCESSES));
}
