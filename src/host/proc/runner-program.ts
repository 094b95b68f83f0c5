/** Paths of the runner's program on this host, also while it does not run. */
import { access } from 'node:fs/promises';

import type { Paths } from '../../core/paths.ts';
import { inRoot } from '../../core/paths.ts';

/** Where packages and the documented download put it. */
export const PROGRAM_PATHS: readonly string[] = [
  '/usr/bin/gitlab-runner',
  '/usr/local/bin/gitlab-runner',
];

/** The first of them that is there. */
export async function findProgram(paths: Paths): Promise<string | undefined> {
  for (const path of PROGRAM_PATHS) {
    const isThere = await access(inRoot(paths, path)).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  return undefined;
}
