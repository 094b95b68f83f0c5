/**
 * Do writes to a block device hang, though its file system still answers? Nothing is written to find out: requests
 * are under way, none has ended since the look before, and somebody waits for them.
 *
 * Source  /proc/diskstats (Documentation/admin-guide/iostats.rst), /proc/PID/stat, /proc/pressure/io.
 */
import type { Clock } from '../../core/clock.ts';
import type { Paths } from '../../core/paths.ts';
import { ofEachProcess } from '../proc/each-process.ts';
import { parsePressure, readProc } from '../proc/proc-files.ts';
import { parseStat } from '../proc/runner-process.ts';

/** A device may well be busy with one large request for some seconds. */
const SHORTEST_SECONDS = 8;

interface DeviceLook {
  readonly atSeconds: number;
  readonly ended: number;
  readonly underWay: number;
}

export interface Stall {
  readonly requests: number;
  readonly seconds: number;
  readonly waitingTasks: number;
  /** Of the whole host, 0..1. */
  readonly pressureRatio: number | undefined;
}

export class DeviceWatch {
  readonly #since = new Map<string, DeviceLook>();

  /** `device` is `8:1`. */
  async look(device: string, clock: Clock, paths: Paths): Promise<Stall | undefined> {
    const counts = parseDiskStats((await readProc(paths, 'diskstats')) ?? '').get(device);
    if (counts === undefined) return undefined;
    const now = { ...counts, atSeconds: clock.seconds() };
    const before = this.#since.get(device);
    const stands = before !== undefined && before.ended === now.ended && before.underWay > 0;
    if (!stands || now.underWay === 0) {
      this.#since.set(device, now);
      return undefined;
    }
    const seconds = now.atSeconds - before.atSeconds;
    if (seconds < SHORTEST_SECONDS) return undefined;
    const waitingTasks = await countWaiting(paths);
    if (waitingTasks === 0) return undefined;
    const pressureRatio = parsePressure(await readProc(paths, 'pressure/io'), 'full');
    return { requests: now.underWay, seconds, waitingTasks, pressureRatio };
  }
}

/** Reads and writes that ended, and requests under way, by `major:minor`. */
export function parseDiskStats(
  text: string,
): ReadonlyMap<string, { readonly ended: number; readonly underWay: number }> {
  return new Map(
    text.split('\n').flatMap((line) => {
      const [major, minor, , ...fields] = line.trim().split(/\s+/);
      const numbers = fields.map(Number);
      if (minor === undefined || numbers.length < 9) return [];
      const ended = (numbers[0] ?? 0) + (numbers[4] ?? 0);
      return [[`${major}:${minor}`, { ended, underWay: numbers[8] ?? 0 }] as const];
    }),
  );
}

/** Tasks in a wait that no signal ends. */
async function countWaiting(paths: Paths): Promise<number> {
  const states = await ofEachProcess(
    paths,
    async (pid) => parseStat((await readProc(paths, `${pid}/stat`)) ?? '')?.state,
  );
  return states.filter((state) => state === 'D').length;
}
