/**
 * Calls a function for every process, a few at a time: a host can have more processes than a service may have files
 * open. Processes that end or are hidden are left out.
 *
 * Source  /proc (proc(5)).
 */
import { readdir } from 'node:fs/promises';

import type { Paths } from '../../core/paths.ts';

const AT_A_TIME = 64;

export async function mapProcesses<T>(
  { procfs }: Paths,
  look: (pid: number) => Promise<T | undefined>,
  most = Infinity,
): Promise<readonly T[]> {
  const names = await readdir(procfs).catch(() => []);
  const pids = names.filter((name) => /^\d+$/.test(name)).slice(0, most);
  const found: (T | undefined)[] = [];
  for (let next = 0; next < pids.length; next += AT_A_TIME) {
    const some = pids.slice(next, next + AT_A_TIME);
    found.push(...(await Promise.all(some.map(async (pid) => await look(Number(pid))))));
  }
  return found.filter((one): one is T => one !== undefined);
}
