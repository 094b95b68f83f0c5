/** Users of this host, from /etc/passwd and /etc/group. */

import type { Paths } from '../../core/paths.ts';
import type { Credentials } from '../../core/reading.ts';
import { readTextIn } from '../fs/in-root.ts';

/** `elsewhere`: not in the file, and the host also uses a directory service. */
export type UserLookup = Credentials | 'missing' | 'elsewhere';

/** The user with every group it is in. */
export async function lookUpUser(name: string, paths: Paths): Promise<UserLookup> {
  const [users, groups, sources] = await Promise.all(
    ['/etc/passwd', '/etc/group', '/etc/nsswitch.conf'].map(
      async (file) => await readTextIn(paths, file).catch(() => ''),
    ),
  );
  const user = (users ?? '').split('\n').find((line) => line.startsWith(`${name}:`));
  if (user === undefined) return isComplete(sources ?? '') ? 'missing' : 'elsewhere';
  const [, , uid, gid] = user.split(':');
  const further = (groups ?? '').split('\n').flatMap((line) => {
    const [, , id, members = ''] = line.split(':');
    return members.split(',').includes(name) ? [Number(id)] : [];
  });
  return { uid: Number(uid), groups: [...new Set([Number(gid), ...further])] };
}

/** The name of a user; its number where /etc/passwd has none. */
export async function userName(uid: number, paths: Paths): Promise<string> {
  return await nameIn('/etc/passwd', uid, paths);
}

/** The name of a group; its number where /etc/group has none. */
export async function groupName(gid: number, paths: Paths): Promise<string> {
  return await nameIn('/etc/group', gid, paths);
}

async function nameIn(file: string, wanted: number, paths: Paths): Promise<string> {
  const text = await readTextIn(paths, file).catch(() => '');
  const fields = text.split('\n').map((line) => line.split(':'));
  return fields.find(([, , id]) => id === String(wanted))?.[0] ?? String(wanted);
}

/** Whether /etc/passwd is all that `passwd:` of nsswitch.conf names. */
function isComplete(text: string): boolean {
  const sources = /^passwd:[ \t]*(?<sources>.*)$/m.exec(text)?.groups?.['sources'] ?? 'files';
  return sources.split(/\s+/).every((one) => ['files', 'compat', 'systemd', ''].includes(one));
}
