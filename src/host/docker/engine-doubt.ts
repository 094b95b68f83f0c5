/** May this user ask the container engines of root what they know? */
import { access } from 'node:fs/promises';

import { deadlineOf } from '../../core/abort.ts';
import { isErrno } from '../../core/errno.ts';
import type { Paths } from '../../core/paths.ts';
import { inRoot } from '../fs/in-root.ts';
import { DockerApi } from './api.ts';
import { ENGINE_SOCKETS } from './container-name.ts';

const ANSWER_SECONDS = 2;

/**
 * Why there may be a container of a runner although none is known: an engine's socket is there, and refuses this user, or
 * nobody answers at it.
 */
export async function doubtOfEngines(paths: Paths): Promise<string | undefined> {
  for (const socket of ENGINE_SOCKETS.values()) {
    const why = await silenceOf(socket, paths);
    if (why !== undefined) {
      return `no process of a runner runs, and ${why}`;
    }
  }
  return undefined;
}

/** A capability may allow what the mode forbids, so that the connection decides. Undefined where there is none, or it answers. */
async function silenceOf(socket: string, paths: Paths): Promise<string | undefined> {
  // Its folder may be closed to us.
  const isThere = await inRoot(paths, socket, access).then(
    () => true,
    (error: unknown) => isErrno(error, 'EACCES', 'EPERM'),
  );
  if (!isThere) return undefined;
  using deadline = deadlineOf(ANSWER_SECONDS);
  const api = new DockerApi({ address: { kind: 'socket', path: socket }, paths });
  return await api.get('/_ping', deadline.signal).then(
    () => undefined,
    (error: unknown) =>
      isErrno(error, 'EACCES', 'EPERM')
        ? `runnerwatch may not ask the engine at ${socket} for a container of one that has stopped`
        : `no engine answers at ${socket}, which may know a container of one`,
  );
}
