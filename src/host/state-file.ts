/**
 * What outlives the process: one JSON file in the state directory, replaced as a whole. A directory that
 * is missing, full or read-only costs nothing but the memory: no function here throws.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { errnoText } from '../core/errno.ts';

const FILE = 'state.json';

/** The parsed content, or `undefined` when there is none that can be read. */
export async function readState(directory: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(join(directory, FILE), 'utf8')) as unknown;
  } catch {
    return undefined;
  }
}

/** Returns why it could not be written, or `undefined` when it was. */
export async function writeState(directory: string, content: unknown): Promise<string | undefined> {
  const path = join(directory, FILE);
  // Two runs of the program may write at once: each has its own unfinished file.
  const unfinished = `${path}.${process.pid}`;
  try {
    await mkdir(directory, { recursive: true, mode: 0o750 });
    await writeFile(unfinished, JSON.stringify(content), { mode: 0o640 });
    await rename(unfinished, path);
    return undefined;
  } catch (error) {
    return `${path}: ${errnoText(error)}`;
  }
}
