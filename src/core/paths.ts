/**
 * Where this process sees the files of the host. In a container the host's tree is mounted elsewhere (`--path.rootfs`,
 * `--path.procfs`, `--path.sysfs`); in tests it is a temporary folder.
 */
import { join } from 'node:path';

export interface Paths {
  readonly rootfs: string;
  readonly procfs: string;
  readonly sysfs: string;
}

export const HOST_PATHS: Paths = { rootfs: '/', procfs: '/proc', sysfs: '/sys' };

/** The place, as seen by this process, of a path as the runner sees it. `path` is absolute. */
export function inRoot(paths: Paths, path: string): string {
  return paths.rootfs === '/' ? path : join(paths.rootfs, path);
}

/** The folder itself, or anything in it. */
export function isBelow(path: string, folder: string): boolean {
  return folder === '/' || path === folder || path.startsWith(`${folder}/`);
}
