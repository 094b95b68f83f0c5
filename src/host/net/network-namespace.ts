/** Does a process live in another network than we do, as in a container? Its loopback address is then not ours. */
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
