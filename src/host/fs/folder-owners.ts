/**
 * Who owns the folders on the way to a path, and what are their modes? Asked by a child, since a folder of builds
 * may lie on a mount that hangs: inside this process a few such questions would stop every file access for ever.
 *
 * Promises: at most one child in flight for each path; one that hangs is told to die and is never waited for.
 */
import { spawn } from 'node:child_process';
import { dirname } from 'node:path';

import { withSignal } from '../../core/abort.ts';

export interface FolderLook {
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

export class FolderReader {
  readonly #inFlight = new Set<string>();

  /** From the root to the path, as far as it is there; undefined when nothing is known in time. */
  async read(path: string, signal: AbortSignal): Promise<readonly FolderLook[] | undefined> {
    if (this.#inFlight.has(path)) return undefined;
    this.#inFlight.add(path);
    const words = ['-L', '-c', '%f %u %g %n', '--', ...wayTo(path)];
    const child = spawn('stat', words, {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, LC_ALL: 'C' },
    });
    child.unref();
    const { promise, resolve } = Promise.withResolvers<string>();
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
    });
    child.once('error', () => resolve(''));
    child.once('close', () => resolve(out));
    void promise.then(() => this.#inFlight.delete(path));
    try {
      const looks = parsed(await withSignal(promise, signal));
      return looks.length === 0 ? undefined : looks;
    } catch {
      child.kill('SIGKILL');
      child.stdout.destroy();
      return undefined;
    }
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
