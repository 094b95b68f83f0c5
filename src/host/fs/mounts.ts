/** The mounts of this host, from /proc/self/mountinfo (proc_pid_mountinfo(5)). Touches no mount. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Paths } from '../../core/paths.ts';
import { isBelow } from '../../core/paths.ts';

export interface Mount {
  readonly mountPoint: string;
  /** The folder of the file system that is mounted there; absent in a table of few columns. */
  readonly root?: string;
  readonly fileSystemType: string;
  readonly device: string;
  /** `8:1`; file systems without a device of their own have major number 0. */
  readonly deviceNumber?: string;
  /** Options of this mount point; a sandbox may set `ro` here. */
  readonly mountOptions: readonly string[];
  /** Options of the file system itself: `ro` here means that no process can write. */
  readonly superOptions: readonly string[];
}

/** Mounts as a process sees them: by default the first one, or this one where that is hidden. */
export async function readMounts(paths: Paths, pid?: number): Promise<readonly Mount[]> {
  for (const who of pid === undefined ? ['1', 'self'] : [String(pid)]) {
    const text = await readFile(join(paths.procfs, who, 'mountinfo'), 'utf8').catch(() => '');
    if (text !== '') return parseMountInfo(text);
  }
  return [];
}

export function parseMountInfo(text: string): readonly Mount[] {
  return text.split('\n').flatMap((line) => {
    const [left = '', right = ''] = line.split(' - ');
    const [, , deviceNumber, root, mountPoint, mountOptions] = left.split(' ');
    const [fileSystemType, device, superOptions] = right.split(' ');
    if (mountPoint === undefined || fileSystemType === undefined || fileSystemType === '')
      return [];
    return [
      {
        mountPoint: unescape(mountPoint),
        ...(root === undefined ? {} : { root: unescape(root) }),
        fileSystemType,
        device: unescape(device ?? ''),
        ...(deviceNumber === undefined ? {} : { deviceNumber }),
        mountOptions: (mountOptions ?? '').split(','),
        superOptions: (superOptions ?? '').split(','),
      },
    ];
  });
}

/** Blanks and the like are written as octal numbers. */
function unescape(text: string): string {
  return text.replaceAll(/\\(?<octal>[0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}

/** The mount that a path lies on: the longest mount point above it; of two on one point the later. */
export function mountOf(path: string, mounts: readonly Mount[]): Mount | undefined {
  const above = mounts.filter(({ mountPoint }) => isBelow(path, mountPoint));
  return above.reduce<Mount | undefined>(
    (best, mount) =>
      best === undefined || mount.mountPoint.length >= best.mountPoint.length ? mount : best,
    undefined,
  );
}
