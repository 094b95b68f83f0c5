/** Is a process in another network namespace, as in a container? Then its loopback address is not ours. */
import { readlink } from 'node:fs/promises';
import { join } from 'node:path';

import type { Paths } from '../../core/paths.ts';

/** False where it cannot be seen. */
export async function hasOtherNetwork(pid: number | undefined, paths: Paths): Promise<boolean> {
  if (pid === undefined) return false;
  const [own, other] = await Promise.all(
    ['/proc/self/ns/net', join(paths.procfs, String(pid), 'ns/net')].map(
      async (path) => await readlink(path).catch(() => undefined),
    ),
  );
  return own !== undefined && other !== undefined && own !== other;
}
