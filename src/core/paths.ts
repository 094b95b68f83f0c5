/**
 * Where this process sees the files of the host, or of a container on it. In a container of our own the host's tree is
 * mounted elsewhere (`--path.rootfs`, `--path.procfs`, `--path.sysfs`); in tests it is a temporary folder.
 */
import { join } from 'node:path';

/** A network other than ours: that of a process, as long as it is the same one. */
export interface Network {
  readonly pid: number;
  /** The kernel's number of it. */
  readonly inode: number;
}

export interface Paths {
  readonly rootfs: string;
  readonly procfs: string;
  readonly sysfs: string;
  /** The container whose root it is; absent for that of the host. */
  readonly container?: string;
  /** Absent where it is ours. */
  readonly network?: Network;
}

export const HOST_PATHS: Paths = { rootfs: '/', procfs: '/proc', sysfs: '/sys' };

/**
 * Where a child process finds a path of the place. Only for a path without links: those of another root would be
 * followed in ours. What this program reads itself is opened by `inRoot`.
 */
export function childPath(paths: Paths, path: string): string {
  return paths.rootfs === '/' ? path : join(paths.rootfs, path);
}

/** The folder itself, or anything in it. */
export function isBelow(path: string, folder: string): boolean {
  return folder === '/' || path === folder || path.startsWith(`${folder}/`);
}
