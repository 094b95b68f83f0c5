/** Paths of the runner's program on this host, also while it does not run. */

import type { Paths } from '../../core/paths.ts';
import { isThereIn } from '../fs/in-root.ts';

/** Where packages and the documented download put it. */
export const PROGRAM_PATHS: readonly string[] = [
  '/usr/bin/gitlab-runner',
  '/usr/local/bin/gitlab-runner',
];

/** The first of them that is there. */
export async function findProgram(paths: Paths): Promise<string | undefined> {
  for (const path of PROGRAM_PATHS) {
    if (await isThereIn(paths, path)) return path;
  }
  return undefined;
}
