/**
 * Which processes hang in an uninterruptible call to a file system? A frozen file system has no request in flight at
 * its device. Judged as the kernel judges hung tasks: in state D at two readings, and not run between them.
 *
 * Source  /proc/PID/{stat,status,wchan,syscall,cwd,fd,fdinfo,mountinfo}: names that the kernel keeps, so that no file
 * system is touched.
 */
import { readlink } from 'node:fs/promises';
import { join } from 'node:path';

import type { Clock } from '../../core/clock.ts';
import type { Paths } from '../../core/paths.ts';
import { mapProcesses } from './each-process.ts';
import { mountOf, parseMountInfo } from '../fs/mounts.ts';
import { readProc } from './proc-files.ts';
import { parseStat } from './runner-process.ts';

/** A large write to a slow disk may take some seconds. */
const MIN_SECONDS = 8;
/** All file systems share one reading of the processes. */
const SHARED_SECONDS = 1;

export interface StuckCall {
  readonly pid: number;
  readonly name: string;
  readonly seconds: number;
  /** `8:1`, of the file system that it calls. */
  readonly deviceNumber: string;
}

interface Waiting {
  readonly pid: number;
  readonly name: string;
  /** Another value means that it ran meanwhile, or is another process. */
  readonly progress: string;
}

interface Since extends Waiting {
  readonly sinceSeconds: number;
}

export class StuckCalls {
  #since: ReadonlyMap<number, Since> = new Map();
  #refreshedAt = -Infinity;
  #stuck: Promise<readonly StuckCall[]> = Promise.resolve([]);

  /** The first process that hangs in a call to the file system on this device. */
  async find(device: string, clock: Clock, paths: Paths): Promise<StuckCall | undefined> {
    const now = clock.seconds();
    if (now - this.#refreshedAt >= SHARED_SECONDS) {
      this.#refreshedAt = now;
      this.#stuck = this.#refresh(now, paths);
    }
    const stuck = await this.#stuck;
    return stuck.find(({ deviceNumber }) => deviceNumber === device);
  }

  async #refresh(now: number, paths: Paths): Promise<readonly StuckCall[]> {
    const waiting = await readWaiting(paths);
    this.#since = new Map(
      waiting.map((one) => {
        const before = this.#since.get(one.pid);
        const isSame = before?.progress === one.progress;
        return [one.pid, { ...one, sinceSeconds: isSame ? before.sinceSeconds : now }];
      }),
    );
    const long = [...this.#since.values()].filter(
      ({ sinceSeconds }) => now - sinceSeconds >= MIN_SECONDS,
    );
    const found = await Promise.all(
      long.map(async ({ pid, name, sinceSeconds }) => {
        const deviceNumber = await deviceCalledBy(pid, paths);
        return { pid, name, seconds: now - sinceSeconds, deviceNumber };
      }),
    );
    return found.flatMap(({ deviceNumber, ...one }) =>
      deviceNumber === undefined ? [] : [{ ...one, deviceNumber }],
    );
  }
}

/** Processes in state D; a process that was frozen on purpose has the same state. */
async function readWaiting(paths: Paths): Promise<readonly Waiting[]> {
  return await mapProcesses(paths, async (pid) => await waitingOf(pid, paths));
}

async function waitingOf(pid: number, paths: Paths): Promise<Waiting | undefined> {
  const text = (await readProc(paths, `${pid}/stat`)) ?? '';
  const stat = parseStat(text);
  if (stat?.state !== 'D') return undefined;
  const wchan = (await readProc(paths, `${pid}/wchan`)) ?? '';
  if (wchan.includes('refrigerator')) return undefined;
  const status = (await readProc(paths, `${pid}/status`)) ?? '';
  const switches = [...status.matchAll(/ctxt_switches:\s+(?<count>\d+)/g)].map(([line]) => line);
  const name = text.slice(text.indexOf('(') + 1, text.lastIndexOf(')'));
  return { pid, name, progress: [stat.startTicks, ...switches].join(' ') };
}

/** Of the open file that the call is about, else of the folder that a path in it begins at. */
async function deviceCalledBy(pid: number, paths: Paths): Promise<string | undefined> {
  const mountInfo = (await readProc(paths, `${pid}/mountinfo`)) ?? '';
  const id = await mountIdOfFile(pid, paths);
  if (id !== undefined)
    return new RegExp(`^${id} \\d+ (?<device>\\S+)`, 'm').exec(mountInfo)?.groups?.['device'];
  const folder = await readlink(join(paths.procfs, String(pid), 'cwd')).catch(() => undefined);
  if (folder === undefined) return undefined;
  return mountOf(folder, parseMountInfo(mountInfo))?.deviceNumber;
}

/** The first argument of a call is the number of an open file, or another value. */
async function mountIdOfFile(pid: number, paths: Paths): Promise<string | undefined> {
  const call = (await readProc(paths, `${pid}/syscall`)) ?? '';
  const first = /^\d+ (?<first>0x[0-9a-f]+)/.exec(call)?.groups?.['first'];
  const file = first && (await readProc(paths, `${pid}/fdinfo/${Number(first)}`));
  return /^mnt_id:\s+(?<id>\d+)$/m.exec(file ?? '')?.groups?.['id'];
}
