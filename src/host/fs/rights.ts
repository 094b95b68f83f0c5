/**
 * May the runner's user do this with a file? Judged for its user and groups, never for ours, by the mode bits of the
 * file and of every folder above it.
 *
 * Promises: a file that cannot be read, or whose access list may grant more than its mode, counts as allowed. Only a
 * certain denial is reported, and none where a container maps its users to others.
 */
import type { Stats } from 'node:fs';

import { deadlineOf } from '../../core/abort.ts';
import type { Paths } from '../../core/paths.ts';
import { childPath } from '../../core/paths.ts';
import type { Credentials } from '../../core/reading.ts';
import { boundedChild } from '../child-process.ts';
import { sharesUsers } from '../proc/user-namespace.ts';
import type { FolderOwner } from './folder-owners.ts';
import { trailIn } from './in-root.ts';

export type Right = 'read' | 'write' | 'enter';

const BITS: Readonly<Record<Right, number>> = { read: 4, write: 2, enter: 1 };
const LIST_SECONDS = 2;

const ls = boundedChild();

/** The file or the folder above it that denies the access, as the runner sees the path. */
export async function denialOf(
  path: string,
  rights: readonly Right[],
  who: Credentials | undefined,
  paths: Paths,
): Promise<string | undefined> {
  // Root may do everything; without a process there is no user to judge for.
  if (who === undefined || who.uid === 0 || !(await sharesUsers(paths))) return undefined;
  const trail = await trailIn(paths, path).catch(() => []);
  for (const { path: on, info } of trail) {
    const wanted: readonly Right[] = on === trail.at(-1)?.path ? rights : ['enter'];
    if (await isDeniedBy(info, childPath(paths, on), wanted, who)) return on;
  }
  return undefined;
}

/**
 * The same for a folder to write to, from the owners and modes of its parents, the root first. The last one is the
 * folder, or the nearest one that exists.
 */
export async function denialAmong(
  looks: readonly FolderOwner[],
  who: Credentials | undefined,
  paths: Paths,
): Promise<string | undefined> {
  if (who === undefined || who.uid === 0 || !(await sharesUsers(paths))) return undefined;
  for (const look of looks) {
    const rights: readonly Right[] = look === looks.at(-1) ? ['write', 'enter'] : ['enter'];
    if (await isDeniedBy(look, childPath(paths, look.path), rights, who)) return look.path;
  }
  return undefined;
}

/** `denialOf` for reading as a function of the path, for code that reads the runner's files. */
export function createReadCheck(
  who: Credentials | undefined,
  paths: Paths,
): (path: string) => Promise<boolean> {
  return async (path) => (await denialOf(path, ['read'], who, paths)) !== undefined;
}

type Ownership = Pick<Stats, 'mode' | 'uid' | 'gid'>;

async function isDeniedBy(
  info: Ownership,
  seenPath: string,
  rights: readonly Right[],
  who: Credentials,
): Promise<boolean> {
  if (modeAllows(info, rights, who) !== false) return false;
  const wanted = bitsOf(rights);
  // An access list shows its mask in place of the group: only where that would allow it can there be one.
  const isMaskOpen = ((info.mode >> 3) & wanted) === wanted;
  return !(isMaskOpen && info.uid !== who.uid && (await mayHaveAccessList(seenPath)));
}

/** The groups are absent where they are not known. */
export interface User {
  readonly uid: number;
  readonly groups?: readonly number[];
}

/**
 * The kernel checks one class only: the owner's, else the group's, else that of all others. `undefined` when the result
 * depends on groups that are not known. Root is for the caller to judge.
 */
export function modeAllows(
  { mode, uid, gid }: Ownership,
  rights: readonly Right[],
  who: User,
): boolean | undefined {
  const wanted = bitsOf(rights);
  const [owner, group, others] = [6, 3, 0].map((shift) => ((mode >> shift) & wanted) === wanted);
  if (uid === who.uid) return owner;
  if (who.groups !== undefined) return who.groups.includes(gid) ? group : others;
  return group === others ? group : undefined;
}

function bitsOf(rights: readonly Right[]): number {
  return rights.reduce((bits, right) => bits + BITS[right], 0);
}

/** `ls` shows a plus behind the mode; one that does not answer has not said that there is none. */
async function mayHaveAccessList(seenPath: string): Promise<boolean> {
  using deadline = deadlineOf(LIST_SECONDS);
  const result = await ls.run(seenPath, { program: 'ls', args: ['-ld', '--', seenPath] }, deadline);
  return result.kind !== 'ended' || result.code !== 0 || /^\S{10}\+/.test(result.stdout);
}
