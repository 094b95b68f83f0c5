/**
 * Do writes to a block device hang, though its file system still answers? Nothing is written to find out: requests
 * are under way, none has completed since the last sample, and tasks wait for them.
 *
 * Source  /proc/diskstats (Documentation/admin-guide/iostats.rst), /proc/PID/stat, /proc/pressure/io.
 */
import type { Clock } from '../../core/clock.ts';
import type { Paths } from '../../core/paths.ts';
import { mapProcesses } from '../proc/each-process.ts';
import { parsePressure, readProc } from '../proc/proc-files.ts';
import { parseStat } from '../proc/runner-process.ts';

/** A device may well be busy with one large request for some seconds. */
const MIN_STALL_SECONDS = 8;

interface DeviceSample {
  readonly atSeconds: number;
  readonly completed: number;
  readonly inFlight: number;
}

export interface Stall {
  readonly requests: number;
  readonly seconds: number;
  readonly waitingTasks: number;
  /** Of the whole host, 0..1. */
  readonly pressureRatio: number | undefined;
}

export class DeviceWatch {
  readonly #since = new Map<string, DeviceSample>();

  /** `device` is `8:1`. */
  async check(device: string, clock: Clock, paths: Paths): Promise<Stall | undefined> {
    const counts = parseDiskStats((await readProc(paths, 'diskstats')) ?? '').get(device);
    if (counts === undefined) return undefined;
    const now = { ...counts, atSeconds: clock.seconds() };
    const before = this.#since.get(device);
    const stands =
      before !== undefined && before.completed === now.completed && before.inFlight > 0;
    if (!stands || now.inFlight === 0) {
      this.#since.set(device, now);
      return undefined;
    }
    const seconds = now.atSeconds - before.atSeconds;
    if (seconds < MIN_STALL_SECONDS) return undefined;
    const waitingTasks = await countWaiting(paths);
    if (waitingTasks === 0) return undefined;
    const pressureRatio = parsePressure(await readProc(paths, 'pressure/io'), 'full');
    return { requests: now.inFlight, seconds, waitingTasks, pressureRatio };
  }
}

/** Reads and writes that completed, and requests under way, by `major:minor`. */
export function parseDiskStats(
  text: string,
): ReadonlyMap<string, { readonly completed: number; readonly inFlight: number }> {
  return new Map(
    text.split('\n').flatMap((line) => {
      const [major, minor, , ...fields] = line.trim().split(/\s+/);
      const numbers = fields.map(Number);
      if (minor === undefined || numbers.length < 9) return [];
      const completed = (numbers[0] ?? 0) + (numbers[4] ?? 0);
      return [[`${major}:${minor}`, { completed, inFlight: numbers[8] ?? 0 }] as const];
    }),
  );
}

/** Tasks in a wait that no signal ends. */
async function countWaiting(paths: Paths): Promise<number> {
  const states = await mapProcesses(
    paths,
    async (pid) => parseStat((await readProc(paths, `${pid}/stat`)) ?? '')?.state,
  );
  return states.filter((state) => state === 'D').length;
}
