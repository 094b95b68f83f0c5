/**
 * Owners and modes of the folders that lead to a path. Read by a child process, since a builds folder may be on a
 * mount that hangs.
 */
import { constants } from 'node:fs';
import { dirname } from 'node:path';

import type { Paths } from '../../core/paths.ts';
import { childPath } from '../../core/paths.ts';
import { boundedChild } from '../child-process.ts';

export interface FolderOwner {
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

export class FolderReader {
  readonly #stat = boundedChild();

  /**
   * From the root to the path, as far as it is there; undefined when nothing is known in time. A link below a root that
   * is not ours would be followed in ours, so nothing is known behind it.
   */
  async read(
    path: string,
    paths: Paths,
    signal: AbortSignal,
  ): Promise<readonly FolderOwner[] | undefined> {
    const isOurs = paths.rootfs === '/';
    const folders = foldersTo(path);
    const seen = folders.map((folder) => childPath(paths, folder));
    const args = [...(isOurs ? ['-L'] : []), '-c', '%f %u %g %n', '--', ...seen];
    const result = await this.#stat.run(
      `${paths.rootfs} ${path}`,
      { program: 'stat', args },
      { signal },
    );
    const looks = result.kind === 'ended' ? parseOwners(result.stdout) : [];
    if (looks.length === 0 || looks.some(({ mode }) => isLink(mode))) return undefined;
    return looks.map((look, index) => ({ ...look, path: folders[index] ?? look.path }));
  }
}

function isLink(mode: number): boolean {
  return (mode & constants.S_IFMT) === constants.S_IFLNK;
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
