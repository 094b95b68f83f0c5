/**
 * A folder of links that replaces `/proc`: everything of this host, but only one process. A real runner on this host,
 * or that of another demo, must not be taken for the demo's.
 */
import { mkdir, readdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';

export interface NarrowProc {
  readonly path: string;
  /** Shows this process instead of the one before. */
  readonly show: (pid: number) => Promise<void>;
}

export async function narrowProc(path: string): Promise<NarrowProc> {
  await mkdir(path);
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) await symlink(join('/proc', name), join(path, name));
  }
  let shown: string | undefined;
  return {
    path,
    show: async (pid) => {
      if (shown !== undefined) await rm(shown, { force: true });
      shown = join(path, String(pid));
      await symlink(`/proc/${pid}`, shown);
    },
  };
}
