/** Limits of the kernel and their use: pure readers, one for each limit. Sources: proc(5). */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { isErrno } from '../../core/errno.ts';
import type { Paths } from '../../core/paths.ts';
import { readGroupFiles, pidsUses } from './control-group.ts';
import { readProc } from './proc-files.ts';

/** Something of which there is only so much. */
export interface Use {
  readonly used: number;
  readonly limit: number;
}

/** Open files of a process and its soft limit; `hidden` when they are another user's and we are not root. */
export async function readOpenFiles(
  pid: number,
  paths: Paths,
): Promise<Use | 'hidden' | undefined> {
  const folder = join(paths.procfs, String(pid));
  try {
    const [names, text] = await Promise.all([
      readdir(join(folder, 'fd')),
      readFile(join(folder, 'limits'), 'utf8'),
    ]);
    const soft = /^Max open files\s+(?<soft>\d+)/m.exec(text)?.groups?.['soft'];
    return soft === undefined ? undefined : { used: names.length, limit: Number(soft) };
  } catch (error) {
    return isErrno(error, 'EACCES', 'EPERM') ? 'hidden' : undefined;
  }
}

/** The table of open files of the whole host; its limit may be as good as none. */
export async function readSystemFiles(paths: Paths): Promise<Use | undefined> {
  const text = (await readProc(paths, 'sys/fs/file-nr')) ?? '';
  const [, used, limit] = /^(\d+)\s+\d+\s+(\d+)/.exec(text) ?? [];
  return limit === undefined ? undefined : { used: Number(used), limit: Number(limit) };
}

export interface TaskUse extends Use {
  /** `the control group /system.slice/…`, `the host`. */
  readonly where: string;
  /** Forks refused since the group was made; 0 for the host, which does not count them. */
  readonly refusals: number;
}

/** Of the runner's groups and of the host, the one with the least room first. */
export async function readTasks(
  pid: number | undefined,
  paths: Paths,
): Promise<readonly TaskUse[]> {
  const groups = pid === undefined ? [] : pidsUses(await readGroupFiles(pid, 'pids', paths));
  const found = groups.map(({ path, tasks, limit, refusals }) => ({
    used: tasks,
    limit,
    where: `the control group ${path}`,
    refusals,
  }));
  const host = await readHostTasks(paths);
  return [...found, ...(host === undefined ? [] : [host])].toSorted(
    (a, b) => b.used / b.limit - a.used / a.limit,
  );
}

async function readHostTasks(paths: Paths): Promise<TaskUse | undefined> {
  const [load, threads, pids] = await Promise.all(
    ['loadavg', 'sys/kernel/threads-max', 'sys/kernel/pid_max'].map(
      async (name) => await readProc(paths, name),
    ),
  );
  const used = /^\S+ \S+ \S+ \d+\/(?<all>\d+)/.exec(load ?? '')?.groups?.['all'];
  const limit = Math.min(Number(threads ?? NaN), Number(pids ?? NaN));
  if (used === undefined || Number.isNaN(limit)) return undefined;
  return { used: Number(used), limit, where: 'the host', refusals: 0 };
}

export interface ConnectionTable extends Use {
  /** New connections thrown away, and entries that could not be made, since boot. */
  readonly drops: number;
}

/** The table of connection tracking of this network namespace; undefined where there is none. */
export async function readConnectionTable(paths: Paths): Promise<ConnectionTable | undefined> {
  const folder = 'sys/net/netfilter/nf_conntrack';
  const [used, limit, statistics] = await Promise.all(
    [`${folder}_count`, `${folder}_max`, 'net/stat/nf_conntrack'].map(
      async (name) => await readProc(paths, name),
    ),
  );
  if (used === undefined || limit === undefined) return undefined;
  return { used: Number(used), limit: Number(limit), drops: dropsOf(statistics ?? '') };
}

/** One line for each core, in hexadecimal, below a line of names. */
export function dropsOf(text: string): number {
  const [head = '', ...lines] = text.trim().split('\n');
  const names = head.split(/\s+/);
  const wanted = ['insert_failed', 'drop'].map((name) => names.indexOf(name));
  return lines.reduce((sum, line) => {
    const values = line.trim().split(/\s+/);
    const own = wanted.map((index) => Number.parseInt(values[index] ?? '0', 16));
    return sum + own.reduce((a, b) => a + b, 0);
  }, 0);
}

/** Since 5.6 the kernel's random source never blocks once it has started. */
const NEVER_BLOCKS = [5, 6] as const;

/** Bits of entropy, on kernels where a lack of them makes a handshake wait. */
export async function readScarceEntropy(paths: Paths): Promise<number | undefined> {
  const [release, bits] = await Promise.all(
    ['sys/kernel/osrelease', 'sys/kernel/random/entropy_avail'].map(
      async (name) => await readProc(paths, name),
    ),
  );
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(release ?? '') ?? [];
  if (major === undefined || bits === undefined) return undefined;
  const [newMajor, newMinor] = NEVER_BLOCKS;
  const isNew =
    Number(major) > newMajor || (Number(major) === newMajor && Number(minor) >= newMinor);
  return isNew ? undefined : Number(bits);
}
