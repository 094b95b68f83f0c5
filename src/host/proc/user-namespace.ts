/**
 * Do the numbers of users mean the same in a container as they do here? Where its users are mapped, its /etc/passwd has
 * other numbers than the owners of its files, and its root may do everything without the number 0.
 *
 * Promises: false where it is not known.
 */
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { isErrno } from '../../core/errno.ts';
import type { Paths } from '../../core/paths.ts';

export async function sharesUsers({ rootfs, container }: Paths): Promise<boolean> {
  if (container === undefined) return true;
  try {
    const [there, ours] = await Promise.all(
      [join(dirname(rootfs), 'ns/user'), '/proc/self/ns/user'].map(
        async (path) => await stat(path),
      ),
    );
    return there?.ino === ours?.ino;
  } catch (error) {
    // A kernel without them has one set of users.
    return isErrno(error, 'ENOENT');
  }
}
