/**
 * Who owns the folders on the way to a path, and what are their modes? Asked by a child, since a folder of builds
 * may lie on a mount that hangs.
 */
import { dirname } from 'node:path';

import { boundedChild } from '../child-process.ts';

export interface FolderLook {
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

export class FolderReader {
  readonly #stat = boundedChild();

  /** From the root to the path, as far as it is there; undefined when nothing is known in time. */
  async read(path: string, signal: AbortSignal): Promise<readonly FolderLook[] | undefined> {
    const args = ['-L', '-c', '%f %u %g %n', '--', ...wayTo(path)];
    const result = await this.#stat.run(path, { program: 'stat', args }, { signal });
    const looks = result.kind === 'ended' ? parsed(result.stdout) : [];
    return looks.length === 0 ? undefined : looks;
  }
}

function wayTo(path: string): readonly string[] {
  return path === '/' ? ['/'] : [...wayTo(dirname(path)), path];
}

function parsed(text: string): readonly FolderLook[] {
  return text.split('\n').flatMap((line) => {
    const [, mode = '', uid, gid, path] = /^([0-9a-f]+) (\d+) (\d+) (.+)$/.exec(line) ?? [];
    if (path === undefined) return [];
    return [{ path, mode: Number.parseInt(mode, 16), uid: Number(uid), gid: Number(gid) }];
  });
}
