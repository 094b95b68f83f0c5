/** Checks the builds folder of an executor without a daemon. */
import type { Paths } from '../../core/paths.ts';
import type { ReasonSpec } from '../../core/reason.ts';
import { leadToCauses } from '../../core/reason.ts';
import type { Credentials } from '../../core/reading.ts';
import type { ExecutorBackend } from '../../core/target.ts';
import type { FolderReader } from './folder-owners.ts';
import { denialAmong } from './rights.ts';
import { lookUpUser } from '../proc/users.ts';

/** What can be wrong with such files. */
export const FILE_REASONS = {
  'folder-not-writable': {
    kind: 'cause',
    severity: 'warning',
    meaning: "The jobs' user has no write permission in the builds directory.",
    action: 'Give that user write permission for the directory.',
  },
  ...leadToCauses('user-missing'),
} as const satisfies Readonly<Record<string, ReasonSpec>>;

export interface FileFault<R extends keyof typeof FILE_REASONS> {
  readonly reason: R;
  readonly detail: string;
  readonly facts?: Readonly<Record<string, string>>;
}

export interface FolderTools {
  readonly reader: FolderReader;
  readonly paths: Paths;
  readonly signal: AbortSignal;
}

/** A folder that is not there yet is made by the runner: then the nearest one above it counts. */
export async function folderFault(
  { path, user }: Extract<ExecutorBackend, { kind: 'folder' }>,
  process: Credentials | undefined,
  { reader, paths, signal }: FolderTools,
): Promise<FileFault<'folder-not-writable' | 'user-missing'> | 'silent' | undefined> {
  const who = user === undefined ? process : await lookUpUser(user, paths);
  if (who === 'missing') {
    return {
      reason: 'user-missing',
      detail: `user ${user} is not in /etc/passwd`,
      facts: { jobs_user: user ?? '' },
    };
  }
  if (who === 'elsewhere') return undefined;
  const looks = await reader.read(path, paths, signal);
  if (looks === undefined) return 'silent';
  // Where the tree of a host is mounted elsewhere, its root may well be of another owner there.
  const isOwnRoot = paths.rootfs === '/' || paths.container !== undefined;
  const below = looks.filter((look) => isOwnRoot || look.path !== '/');
  const denied = await denialAmong(below, who, paths);
  if (denied === undefined) return undefined;
  const name = user ?? `with the number ${who?.uid ?? '?'}`;
  return {
    reason: 'folder-not-writable',
    detail: `user ${name} has no write permission in ${path} (${denied})`,
  };
}
