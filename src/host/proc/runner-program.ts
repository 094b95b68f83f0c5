/** Is the program of the runner on this host, whether it runs or not? */
import { access } from 'node:fs/promises';

import type { Paths } from '../../core/paths.ts';
import { inRoot } from '../../core/paths.ts';

/** Where packages and the documented download put it. */
export const PROGRAM_PLACES = ['/usr/bin/gitlab-runner', '/usr/local/bin/gitlab-runner'];

export async function hasProgram(paths: Paths): Promise<boolean> {
  const found = await Promise.all(
    PROGRAM_PLACES.map((path) =>
      access(inRoot(paths, path)).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.includes(true);
}
