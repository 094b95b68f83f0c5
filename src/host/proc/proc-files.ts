/** Numbers from the files of /proc: pure parsers of text, and one reader. Sources: proc(5), PSI. */
import { existsSync, readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Paths } from '../../core/paths.ts';
import { inNetworkAtHand, inNetworkOf } from '../net/network.ts';

/** The text of a file below /proc, or undefined when it cannot be read. */
export async function readProc(paths: Paths, name: string): Promise<string | undefined> {
  if (paths.network !== undefined && name.startsWith('sys/net/'))
    return readSettingThere(paths, name);
  return await readFile(procFile(paths, name), 'utf8').catch(() => undefined);
}

/**
 * `net` is that of the first thread of this program, which is in another network for moments; those that read files
 * never are. Another network shows its own below a process in it.
 */
export function procFile({ procfs, network }: Paths, name: string): string {
  if (!name.startsWith('net/')) return join(procfs, name);
  if (network !== undefined) return join(procfs, String(network.pid), name);
  const ofThread = join(procfs, 'thread-self');
  // A copy of /proc has no threads.
  return join(existsSync(ofThread) ? ofThread : procfs, name);
}

/** Settings of a network are shown to those in it alone. */
function readSettingThere(paths: Paths, name: string): string | undefined {
  try {
    return inNetworkOf(paths, () =>
      inNetworkAtHand(() => readFileSync(join(paths.procfs, name), 'utf8')),
    );
  } catch {
    return undefined;
  }
}

export interface CpuTicks {
  readonly busy: number;
  readonly total: number;
  readonly cores: number;
}

/** The first line of /proc/stat; idle and iowait are not busy, guest time is already inside user. */
export function parseCpuTicks(text: string): CpuTicks | undefined {
  const numbers = /^cpu +(?<numbers>[\d ]+)$/m
    .exec(text)
    ?.groups?.['numbers']?.split(' ')
    .map(Number);
  if (numbers === undefined) return undefined;
  const total = numbers.slice(0, 8).reduce((sum, ticks) => sum + ticks, 0);
  const [, , , idle = 0, ioWait = 0] = numbers;
  return { busy: total - idle - ioWait, total, cores: [...text.matchAll(/^cpu\d+ /gm)].length };
}

/** Bytes by name out of /proc/meminfo. */
export function parseMemory(text: string): ReadonlyMap<string, number> {
  return new Map(
    [...text.matchAll(/^(?<name>[^:]+):\s+(?<value>\d+)(?<unit> kB)?$/gm)].map(({ groups }) => [
      groups?.['name'] ?? '',
      Number(groups?.['value']) * (groups?.['unit'] === undefined ? 1 : 1024),
    ]),
  );
}

/** Counters by name out of /proc/vmstat. */
export function parseCounters(text: string): ReadonlyMap<string, number> {
  return new Map(
    [...text.matchAll(/^(?<name>\w+) (?<value>\d+)$/gm)].map(({ groups }) => [
      groups?.['name'] ?? '',
      Number(groups?.['value']),
    ]),
  );
}

/** Share of time, 0..1, of the last minute in which work waited: `some` or `full` of a PSI file. */
export function parsePressure(text: string | undefined, line: 'some' | 'full'): number | undefined {
  const pattern = new RegExp(`^${line} .*?avg60=(?<percent>[\\d.]+)`, 'm');
  const percent = pattern.exec(text ?? '')?.groups?.['percent'];
  return percent === undefined ? undefined : Number(percent) / 100;
}

/** The load average of the last minute, or of the last five, out of /proc/loadavg. */
export function parseLoad(text: string | undefined, minutes: 1 | 5 = 1): number | undefined {
  const load = Number.parseFloat((text ?? '').split(' ')[minutes === 1 ? 0 : 1] ?? '');
  return Number.isNaN(load) ? undefined : load;
}

/** How long the tasks of a process ran, and how long they were ready to run and waited, in seconds since their start. */
export interface RunTimes {
  readonly ranSeconds: number;
  readonly waitedSeconds: number;
}

/** Sum over the tasks: the first task of a Go program mostly sleeps. Undefined where the kernel has no such file. */
export async function readRunTimes(paths: Paths, pid: number): Promise<RunTimes | undefined> {
  const tasks = await readdir(join(paths.procfs, `${pid}/task`)).catch(() => []);
  const texts = await Promise.all(
    tasks.map(async (task) => await readProc(paths, `${pid}/task/${task}/schedstat`)),
  );
  const pairs = texts.flatMap((text) => {
    const [, ran, waited] = /^(\d+) (\d+)/.exec(text ?? '') ?? [];
    return ran === undefined || waited === undefined
      ? []
      : [[Number(ran), Number(waited)] as const];
  });
  if (pairs.length === 0) return undefined;
  const sum = (index: 0 | 1): number => pairs.reduce((total, pair) => total + pair[index], 0) / 1e9;
  return { ranSeconds: sum(0), waitedSeconds: sum(1) };
}
