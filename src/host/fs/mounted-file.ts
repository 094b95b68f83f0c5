/**
 * A file of the host that is mounted into a container by itself: it stays the one that was there when the container
 * started, even where another one has taken its place on the host. An editor that writes a new file and renames it does
 * that, and so does a daemon with its socket.
 *
 * Source  /proc/PID/mountinfo: a mount point that is the file; what its engine mounts there, else the folder of the file
 *         system, which ends in "//deleted" once the file has no name any more.
 */
import type { Mounted } from '../../core/container.ts';
import type { Paths } from '../../core/paths.ts';
import type { ReplacedFile } from '../../core/place.ts';
import { hostPathOf } from './host-path.ts';
import { statIn } from './in-root.ts';
import type { Mount } from './mounts.ts';
import { mountOf } from './mounts.ts';
import { isErrno } from '../../core/errno.ts';

const DELETED = '//deleted';

export interface MountedFileQuestion {
  /** As the container sees it, without links. */
  readonly path: string;
  /** Of the container. */
  readonly inside: Paths;
  readonly onHost: Paths;
  readonly mounts: { readonly inside: readonly Mount[]; readonly onHost: readonly Mount[] };
  /** By its engine; absent where none tells. */
  readonly mounted: readonly Mounted[] | undefined;
}

/** Undefined where it is the same file, where no single file is mounted there, and where that cannot be seen. */
export async function replacedFile(
  question: MountedFileQuestion,
): Promise<ReplacedFile | undefined> {
  const { path, inside, onHost, mounts } = question;
  const mount = mountOf(path, mounts.inside);
  if (mount?.root === undefined || mount.mountPoint !== path) return undefined;
  const isNameless = mount.root.endsWith(DELETED);
  const source = sourceOf(question, mount);
  if (source === undefined) return undefined;
  const [own, its] = await Promise.all([identityOf(path, inside), identityOf(source, onHost)]);
  if (own === undefined || own === 'missing' || its === undefined) return undefined;
  if (its === 'missing') return isNameless ? { source, isThere: false } : undefined;
  return own === its ? undefined : { source, isThere: true };
}

/** Where the name of the file was changed before it was replaced, only its engine knows what it was. */
function sourceOf(
  { path, mounts, mounted }: MountedFileQuestion,
  mount: Mount,
): string | undefined {
  const told = mounted?.find(({ target }) => target === path)?.source;
  if (told !== undefined || mount.root === undefined) return told;
  const named = { ...mount, root: mount.root.replace(/\/\/deleted$/, '') };
  return hostPathOf(path, [named], mounts.onHost);
}

async function identityOf(path: string, paths: Paths): Promise<string | undefined> {
  return await statIn(paths, path).then(
    ({ dev, ino }) => `${dev}:${ino}`,
    (error: unknown) => (isErrno(error, 'ENOENT') ? 'missing' : undefined),
  );
}
