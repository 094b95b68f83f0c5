/** A file as a short text that changes with its content. Read again only when its metadata has changed. */
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';

import type { Instant } from '../../core/clock.ts';
import { errnoText, isErrno } from '../../core/errno.ts';
import type { Paths } from '../../core/paths.ts';
import { inRoot } from '../../core/paths.ts';

const MAX_BYTES = 4 * 1024 * 1024;
const SHOWN_DIGITS = 12;

interface CachedTrace {
  readonly signature: string;
  readonly text: string;
}

export interface FileTrace {
  readonly text: string;
  /** When the file was written or put into its place; absent where there is none. */
  readonly changedAt?: Instant;
}

/** Adds a readable part where the digest alone would not be enough. */
export type Excerpt = (text: string) => string;

export class FileTraces {
  readonly #paths: Paths;
  readonly #cache = new Map<string, CachedTrace>();

  constructor(paths: Paths) {
    this.#paths = paths;
  }

  /** `sha256 12ab34cd56ef, 812 bytes`, or why there is none. */
  async read(path: string, excerpt?: Excerpt): Promise<FileTrace> {
    const seenPath = inRoot(this.#paths, path);
    try {
      const { size, mtimeMs, ctimeMs: changedAt, ino } = await stat(seenPath);
      const signature = `${ino} ${size} ${mtimeMs} ${changedAt}`;
      const seen = this.#cache.get(path);
      if (seen?.signature === signature) return { text: seen.text, changedAt };
      const text = await describeContent(seenPath, size, excerpt);
      this.#cache.set(path, { signature, text });
      return { text, changedAt };
    } catch (error) {
      this.#cache.delete(path);
      return { text: isErrno(error, 'ENOENT') ? 'absent' : `unreadable (${errnoText(error)})` };
    }
  }
}

async function describeContent(seenPath: string, size: number, excerpt?: Excerpt): Promise<string> {
  if (size > MAX_BYTES) return `${size} bytes`;
  const bytes = await readFile(seenPath);
  const digest = createHash('sha256').update(bytes).digest('hex').slice(0, SHOWN_DIGITS);
  const shown = excerpt?.(bytes.toString('utf8')) ?? '';
  return `${shown === '' ? '' : `${shown}; `}sha256 ${digest}, ${bytes.length} bytes`;
}

/** A program by its size and the time of its change: reading it whole would cost too much. */
export async function programTrace(seenPath: string): Promise<string | undefined> {
  try {
    const { size, mtimeMs } = await stat(seenPath);
    return `${size} bytes of ${new Date(mtimeMs).toISOString().slice(0, 19)}Z`;
  } catch {
    return undefined;
  }
}
