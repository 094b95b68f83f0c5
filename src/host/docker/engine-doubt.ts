/** May this user ask the container engines of root what they know? */
import { access, constants } from 'node:fs/promises';

import { deadlineOf } from '../../core/abort.ts';
import { isErrno } from '../../core/errno.ts';
import type { Paths } from '../../core/paths.ts';
import { inRoot } from '../fs/in-root.ts';
import { DockerApi } from './api.ts';
import { ENGINE_SOCKETS } from './container-name.ts';

const ANSWER_SECONDS = 2;

/** Why there may be a container of a runner although none is known: a socket that is there and refuses this user. */
export async function doubtOfEngines(paths: Paths): Promise<string | undefined> {
  for (const socket of ENGINE_SOCKETS.values()) {
    if (await refuses(socket, paths)) {
      return `no process of a runner runs, and runnerwatch may not ask the engine at ${socket} for a container of one that has stopped`;
    }
  }
  return undefined;
}

/** A capability may allow what the mode forbids, so that the connection decides; one that is allowed is not made. */
async function refuses(socket: string, paths: Paths): Promise<boolean> {
  const forbidden = await inRoot(paths, socket, async (seen) => await access(seen, constants.W_OK))
    .then(() => false)
    .catch((error: unknown) => isErrno(error, 'EACCES', 'EPERM'));
  if (!forbidden) return false;
  using deadline = deadlineOf(ANSWER_SECONDS);
  const api = new DockerApi({ address: { kind: 'socket', path: socket }, paths });
  return await api
    .get('/_ping', deadline.signal)
    .then(() => false)
    .catch((error: unknown) => isErrno(error, 'EACCES', 'EPERM'));
}
