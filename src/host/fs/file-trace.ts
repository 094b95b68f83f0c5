/** A file as a short text that changes with its content. Read again only when its metadata has changed. */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';

import type { Instant } from '../../core/clock.ts';
import { errnoText, isErrno } from '../../core/errno.ts';
import type { Paths } from '../../core/paths.ts';
import { inRoot, linkIn, statIn } from './in-root.ts';
import { readAtMost } from './read-at-most.ts';

const MAX_BYTES = 4 * 1024 * 1024;
const SHOWN_DIGITS = 12;

export interface FileTrace<L> {
  /** `sha256 12ab34cd56ef, 812 bytes`, or why there is none. */
  readonly text: string;
  readonly lines: readonly L[];
  /** Where it leads, if it is a symbolic link. */
  readonly link?: string;
  /** When the file was written or put into its place; absent where there is none. */
  readonly changedAt?: Instant;
}

interface CachedTrace<L> {
  readonly signature: string;
  readonly trace: FileTrace<L>;
}

/** The parts of a file that are compared one by one. */
export type Excerpt<L> = (text: string) => readonly L[];

export class FileTraces<L> {
  readonly #cache = new Map<string, CachedTrace<L>>();

  async read(paths: Paths, path: string, excerpt: Excerpt<L> = () => []): Promise<FileTrace<L>> {
    const key = `${paths.rootfs} ${path}`;
    try {
      const link = await linkIn(paths, path).catch(() => undefined);
      return await inRoot(paths, path, async (seenPath) => {
        const { size, mtimeMs, ctimeMs: changedAt, ino } = await stat(seenPath);
        const signature = `${ino} ${size} ${mtimeMs} ${changedAt} ${link}`;
        const seen = this.#cache.get(key);
        if (seen?.signature === signature) return seen.trace;
        const content = await describeContent(seenPath, size, excerpt);
        const trace = { ...content, changedAt, ...(link === undefined ? {} : { link }) };
        this.#cache.set(key, { signature, trace });
        return trace;
      });
    } catch (error) {
      this.#cache.delete(key);
      const text = isErrno(error, 'ENOENT') ? 'absent' : `unreadable (${errnoText(error)})`;
      return { text, lines: [] };
    }
  }
}

/** Enough to tell two contents apart. */
export function digestOf(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex').slice(0, SHOWN_DIGITS);
}

async function describeContent<L>(seenPath: string, size: number, excerpt: Excerpt<L>) {
  if (size > MAX_BYTES) return { text: `${size} bytes`, lines: [] };
  const bytes = await readAtMost(seenPath, MAX_BYTES);
  const text = `sha256 ${digestOf(bytes)}, ${bytes.length} bytes`;
  return { text, lines: excerpt(bytes.toString('utf8')) };
}

/** A program by its size and the time of its change: reading it whole would cost too much. */
export async function programTrace(path: string, paths: Paths): Promise<string | undefined> {
  try {
    const { size, mtimeMs } = await statIn(paths, path);
    return `${size} bytes of ${new Date(mtimeMs).toISOString().slice(0, 19)}Z`;
  } catch {
    return undefined;
  }
}
