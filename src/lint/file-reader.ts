/**
 * Reads the files that rules ask for. A rule asks without waiting: a path that was not read yet is remembered, read,
 * and the rules are run again, until they ask for nothing new.
 *
 * Promises: at most MAX_ROUNDS rounds, small files only, and what does not answer in time counts as unknown.
 */
import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';

import { deadlineOf, withSignal } from '../core/abort.ts';
import { isErrno } from '../core/errno.ts';
import type { LintReport } from '../core/lint.ts';
import type { Paths } from '../core/paths.ts';
import type { FileAttributes, FileFact, FileFacts, LintContext } from './context.ts';
import type { Prepared } from './lint.ts';
import { judge, reportOf } from './lint.ts';
import { inRoot } from '../host/fs/in-root.ts';
import { readAtOnce } from '../host/fs/read-at-most.ts';
import { sharesUsers } from '../host/proc/user-namespace.ts';

const MAX_ROUNDS = 4;
const MAX_PATHS = 500;
const TIMEOUT_SECONDS = 2;
const MAX_BYTES = 256 * 1024;

const UNKNOWN: FileFact = { kind: 'unknown' };

/** The answers so far, and the paths that have none. */
class FileFactCache implements FileFacts {
  readonly #known = new Map<string, FileFact>();
  readonly #asked = new Map<string, boolean>();

  stat(path: string): FileFact | undefined {
    return this.#answer(path, false);
  }

  read(path: string): FileFact | undefined {
    return this.#answer(path, true);
  }

  #answer(path: string, withContent: boolean): FileFact | undefined {
    const known = this.#known.get(path);
    const lacksContent = withContent && known?.kind === 'file' && !('content' in known);
    if (known !== undefined && !lacksContent) return known;
    this.#asked.set(path, withContent || (this.#asked.get(path) ?? false));
    return undefined;
  }

  /** Reads what was asked for; false when there was nothing new. */
  async readPending(paths: Paths): Promise<boolean> {
    const questions = [...this.#asked].slice(0, MAX_PATHS);
    this.#asked.clear();
    using deadline = deadlineOf(TIMEOUT_SECONDS);
    // One after the other: calls that hang must not block every thread of the pool.
    for (const [path, withContent] of questions) {
      const found = deadline.signal.aborted
        ? UNKNOWN
        : await withSignal(lookAt(path, paths, withContent), deadline.signal).catch(() => UNKNOWN);
      this.#known.set(path, found);
    }
    return questions.length > 0;
  }
}

/** Checks a file together with the files of this host. */
export async function reportWithFiles(
  prepared: Prepared,
  context: LintContext,
  paths: Paths,
): Promise<LintReport> {
  const files = new FileFactCache();
  const whole = { ...context, files };
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    judge(prepared, whole);
    if (!(await files.readPending(paths))) break;
  }
  return reportOf(prepared, whole);
}

/** What mounts a process sees is asked of the host's /proc, by the number that it has there. */
const MOUNT_TABLE = /^\/proc\/(?:self|\d+)\/mountinfo$/;

/** The host's /proc may be mounted elsewhere than below its root; that of a container is below the container's. */
async function lookAt(path: string, paths: Paths, withContent: boolean): Promise<FileFact> {
  const isOfHost =
    paths.container === undefined ? path.startsWith('/proc/') : MOUNT_TABLE.test(path);
  if (isOfHost) return await factOf(join(paths.procfs, path.slice(6)), withContent);
  try {
    const fact = await inRoot(paths, path, async (seenPath) => await factOf(seenPath, withContent));
    return 'mode' in fact && !(await sharesUsers(paths)) ? { ...fact, isMapped: true } : fact;
  } catch (error) {
    return factOfError(error);
  }
}

async function factOf(seenPath: string, withContent: boolean): Promise<FileFact> {
  try {
    const found = await stat(seenPath);
    const attributes: FileAttributes = {
      kind: kindOf(found),
      mode: found.mode & 0o7777,
      uid: found.uid,
      gid: found.gid,
      modifiedAt: Math.floor(found.mtimeMs),
    };
    if (!withContent || attributes.kind !== 'file') return attributes;
    return { ...attributes, content: (await readAtOnce(seenPath, MAX_BYTES)).toString('latin1') };
  } catch (error) {
    return factOfError(error);
  }
}

function factOfError(error: unknown): FileFact {
  return isErrno(error, 'ENOENT', 'ENOTDIR') ? { kind: 'missing' } : UNKNOWN;
}

function kindOf(found: Stats): FileAttributes['kind'] {
  if (found.isFile()) return 'file';
  if (found.isDirectory()) return 'directory';
  return found.isSocket() ? 'socket' : 'other';
}
