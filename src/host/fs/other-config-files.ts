/**
 * A runner has no entries: does another usual config file have some, that no process uses? The runner was then
 * registered there, by another user or before the unit was changed.
 */
import { readFile, stat } from 'node:fs/promises';

import type { Paths } from '../../core/paths.ts';
import { inRoot } from '../../core/paths.ts';
import { findRunnerProcesses } from '../proc/runner-process.ts';
import { usualConfigs } from '../place/runner-files.ts';
import { processesUsing } from './same-file.ts';

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
    if (!(await hasEntries(inRoot(paths, path)))) continue;
    if ((await processesUsing(path, processes, paths)).length === 0) return path;
  }
  return undefined;
}

async function hasEntries(path: string): Promise<boolean> {
  try {
    const found = await stat(path);
    if (!found.isFile() || found.size > MAX_BYTES) return false;
    return ENTRY.test(await readFile(path, 'utf8'));
  } catch {
    return false;
  }
}
