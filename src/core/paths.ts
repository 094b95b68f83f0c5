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

/** A folder or file of the host that is mounted in a container. */
export interface Volume {
  /** In the container. */
  readonly at: string;
  readonly onHost: string;
  /** Where this process sees it. */
  readonly seenAt: string;
}

export interface Paths {
  readonly rootfs: string;
  readonly procfs: string;
  readonly sysfs: string;
  /** The container whose root it is; absent for that of the host. */
  readonly container?: string;
  /** Of a container that does not run: nothing else of it can be seen. */
  readonly volumes?: readonly Volume[];
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

/** The volume that a path lies in: the one mounted nearest. */
export function volumeOf(path: string, volumes: readonly Volume[]): Volume | undefined {
  return volumes
    .filter(({ at }) => isBelow(path, at))
    .toSorted((a, b) => b.at.length - a.at.length)[0];
}

/** The folder itself, or anything in it. */
export function isBelow(path: string, folder: string): boolean {
  return folder === '/' || path === folder || path.startsWith(`${folder}/`);
}
