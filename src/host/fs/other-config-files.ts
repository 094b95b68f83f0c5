/**
 * A runner has no entries: does another usual config file have some, that no process uses? The runner was then
 * registered there, by another user or before the unit was changed.
 */

import type { Paths } from '../../core/paths.ts';
import { findRunnerProcesses } from '../proc/runner-process.ts';
import { usualConfigs } from '../place/runner-files.ts';
import { processesUsing } from './same-file.ts';
import { readTextIn, statIn } from './in-root.ts';

const MAX_BYTES = 8 * 1024 * 1024;
const ENTRY = /^\s*\[\[\s*runners\s*\]\]/m;

/**
 * The file with entries. Undefined also when no process uses `configPath`, because the process may have been started
 * with another file.
 */
export async function findOtherConfigFile(
  configPath: string,
  paths: Paths,
): Promise<string | undefined> {
  const processes = await findRunnerProcesses(paths);
  const [main] = await processesUsing(configPath, processes, paths);
  if (main === undefined) return undefined;
  const candidates = usualConfigs(main.environment?.['HOME']);
  for (const path of candidates.filter((candidate) => candidate !== configPath)) {
    if (!(await hasEntries(path, paths))) continue;
    if ((await processesUsing(path, processes, paths)).length === 0) return path;
  }
  return undefined;
}

async function hasEntries(path: string, paths: Paths): Promise<boolean> {
  try {
    const found = await statIn(paths, path);
    if (!found.isFile() || found.size > MAX_BYTES) return false;
    return ENTRY.test(await readTextIn(paths, path));
  } catch {
    return false;
  }
}
