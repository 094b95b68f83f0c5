/** Do two processes use the same file? Paths may differ, because of containers and links; the inode decides. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';

import type { Paths } from '../../core/paths.ts';
import { inRoot } from '../../core/paths.ts';
import type { RunnerProcess } from '../../core/reading.ts';

/** Device and inode of a path as a process sees it; undefined when it cannot be seen from here. */
async function fileIdentity(path: string, paths: Paths, pid?: number): Promise<string | undefined> {
  const seenPath =
    pid === undefined ? inRoot(paths, path) : join(paths.procfs, String(pid), 'root', path);
  const found = await stat(seenPath, { bigint: true }).catch(() => undefined);
  return found === undefined ? undefined : `${found.dev}:${found.ino}`;
}

/** The processes on a config file: by its path, or by another path to the same file. */
export async function processesUsing(
  configPath: string,
  processes: readonly RunnerProcess[],
  paths: Paths,
): Promise<readonly RunnerProcess[]> {
  const wanted = await fileIdentity(configPath, paths);
  const same = await Promise.all(
    processes.map(async (one) => {
      if (one.configPath === configPath) return true;
      const own = await fileIdentity(one.configPath, paths, one.pid);
      return own !== undefined && own === wanted;
    }),
  );
  return processes.filter((_one, index) => same[index]);
}
