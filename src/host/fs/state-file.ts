/**
 * The saved state: JSON files in the state directory, each replaced as a whole. A directory that is missing, full or
 * read-only only loses the saved state: no function here throws.
 */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { errnoText } from '../../core/errno.ts';

const FILE = 'state.json';

/** The parsed content, or `undefined` when there is none that can be read. */
export async function readState(directory: string, file = FILE): Promise<unknown> {
  try {
    return JSON.parse(await readFile(join(directory, file), 'utf8')) as unknown;
  } catch {
    return undefined;
  }
}

/** Returns why it could not be written, or `undefined` when it was. */
export async function writeState(
  directory: string,
  content: unknown,
  file = FILE,
): Promise<string | undefined> {
  return await writeText(directory, file, JSON.stringify(content));
}

/** Replaces a file as a whole: a reader sees the old text or the new one. */
export async function writeText(
  directory: string,
  file: string,
  text: string,
): Promise<string | undefined> {
  const path = join(directory, file);
  // Two runs of the program may write at once: each has its own unfinished file.
  const unfinished = `${path}.${process.pid}`;
  try {
    await mkdir(directory, { recursive: true, mode: 0o750 });
    await writeFile(unfinished, text, { mode: 0o640 });
    await rename(unfinished, path);
    return undefined;
  } catch (error) {
    // On a full disk half a file takes space and is of no use.
    await rm(unfinished, { force: true }).catch(() => {});
    return `${path}: ${errnoText(error)}`;
  }
}
