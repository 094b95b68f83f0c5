/**
 * Owners and modes of the folders that lead to a path. Read by a child process, since a builds folder may be on a
 * mount that hangs.
 */
import { dirname } from 'node:path';

import { boundedChild } from '../child-process.ts';

export interface FolderOwner {
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

export class FolderReader {
  readonly #stat = boundedChild();

  /** From the root to the path, as far as it is there; undefined when nothing is known in time. */
  async read(path: string, signal: AbortSignal): Promise<readonly FolderOwner[] | undefined> {
    const args = ['-L', '-c', '%f %u %g %n', '--', ...foldersTo(path)];
    const result = await this.#stat.run(path, { program: 'stat', args }, { signal });
    const looks = result.kind === 'ended' ? parseOwners(result.stdout) : [];
    return looks.length === 0 ? undefined : looks;
  }
}

function foldersTo(path: string): readonly string[] {
  return path === '/' ? ['/'] : [...foldersTo(dirname(path)), path];
}

function parseOwners(text: string): readonly FolderOwner[] {
  return text.split('\n').flatMap((line) => {
    const [, mode = '', uid, gid, path] = /^([0-9a-f]+) (\d+) (\d+) (.+)$/.exec(line) ?? [];
    if (path === undefined) return [];
    return [{ path, mode: Number.parseInt(mode, 16), uid: Number(uid), gid: Number(gid) }];
  });
}
