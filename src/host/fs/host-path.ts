/**
 * The path on the host of a path in a container: both see the same file system, each below its own mount points.
 *
 * Source  /proc/PID/mountinfo of both: device, folder of the file system, mount point.
 */
import { join, resolve } from 'node:path';

import type { Volume } from '../../core/paths.ts';
import { isBelow } from '../../core/paths.ts';
import type { Mount } from './mounts.ts';
import { mountOf } from './mounts.ts';

const DELETED = '//deleted';

/** Undefined where no mount of the host shows that file, as for the layers of an image. */
export function hostPathOf(
  path: string,
  inside: readonly Mount[],
  onHost: readonly Mount[],
): string | undefined {
  const mount = mountOf(path, inside);
  if (mount?.root === undefined || mount.root.endsWith(DELETED)) return undefined;
  const { deviceNumber, mountPoint, root } = mount;
  const inFileSystem = join(root, path.slice(mountPoint === '/' ? 0 : mountPoint.length));
  const candidates = onHost.filter(
    (one) =>
      one.deviceNumber === deviceNumber &&
      one.root !== undefined &&
      isBelow(inFileSystem, one.root),
  );
  const [best] = candidates.toSorted((a, b) => lengthOf(b) - lengthOf(a));
  if (best?.root === undefined) return undefined;
  const rest = inFileSystem.slice(best.root === '/' ? 0 : best.root.length);
  const found = resolve(best.mountPoint, `./${rest}`);
  // Another mount may hide it there.
  return mountOf(found, onHost) === best ? found : undefined;
}

/** What is mounted from the host, and holds that path; `rootfs` is where the host is seen. */
export function volumeHolding(
  path: string,
  inside: readonly Mount[],
  { onHost, rootfs }: { readonly onHost: readonly Mount[]; readonly rootfs: string },
): Volume | undefined {
  const at = mountOf(path, inside)?.mountPoint ?? '/';
  const found = at === '/' ? undefined : hostPathOf(at, inside, onHost);
  return found === undefined ? undefined : { at, onHost: found, seenAt: join(rootfs, found) };
}

function lengthOf({ root = '' }: Mount): number {
  return root.length;
}
