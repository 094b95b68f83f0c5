/** Do two processes use the same file? Paths may differ, because of containers and links; the inode decides. */
import { join } from 'node:path';

import type { Paths } from '../../core/paths.ts';
import type { RunnerProcess } from '../../core/reading.ts';
import { statIn } from './in-root.ts';

/** Device and inode of a path below a root; undefined when it cannot be seen from here. */
export async function fileIdentity(rootfs: string, path: string): Promise<string | undefined> {
  const found = await statIn({ rootfs }, path).catch(() => undefined);
  return found === undefined ? undefined : `${found.dev}:${found.ino}`;
}

/** The processes on a config file: by its path in the same place, or by another path to the same file. */
export async function processesUsing(
  configPath: string,
  processes: readonly RunnerProcess[],
  paths: Paths,
): Promise<readonly RunnerProcess[]> {
  const wanted = await fileIdentity(paths.rootfs, configPath);
  const same = await Promise.all(
    processes.map(async (one) => {
      const isSamePlace = one.container?.id === paths.container;
      if (isSamePlace && one.configPath === configPath) return true;
      const root = join(paths.procfs, String(one.pid), 'root');
      const own = await fileIdentity(root, one.configPath);
      return own !== undefined && own === wanted;
    }),
  );
  return processes.filter((_one, index) => same[index]);
}
