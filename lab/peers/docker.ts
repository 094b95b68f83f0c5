/** Docker on the runner's host: the stand-in of the tests, behind a socket at the path that the runner uses. */
import { chmod, chown, link, mkdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { dirname } from 'node:path';

import type { DockerScript } from '../../test/support/docker-stand-in.ts';
import { startDockerServer } from '../../test/support/docker-stand-in.ts';
import type { World } from '../world.ts';

const SOCKET = '/var/run/docker.sock';

interface LabDocker {
  /** Sets its answers; without arguments those of a healthy daemon. */
  setAnswers(says?: DockerScript): Promise<void>;
  stop(): Promise<void>;
  /** The socket file stays, without a listener. */
  crash(): Promise<void>;
  /** Of the socket file; the group is that of the user, unless it is given. */
  belongsTo(uid: number, mode: number, gid?: number): Promise<void>;
}

/** An old one refuses no runner of today. */
const USUAL: DockerScript = { version: { ApiVersion: '1.51', MinAPIVersion: '1.24' } };

const running = new WeakMap<World, AsyncDisposable>();

/** As it is in the healthy world: `before: async (world) => await dockerOf(world).setAnswers()`. */
export function dockerOf(world: World, place = SOCKET): LabDocker {
  const file = `${world.files.path}${place}`;
  const stop = async (): Promise<void> => {
    await running.get(world)?.[Symbol.asyncDispose]();
    running.delete(world);
    await rm(file, { force: true });
  };
  const own = async (uid: number, mode: number, gid = uid): Promise<void> => {
    await chown(file, uid, gid);
    await chmod(file, mode);
  };
  return {
    stop,
    belongsTo: own,
    setAnswers: async (says = {}) => {
      await stop();
      await mkdir(dirname(file), { recursive: true });
      running.set(world, await startDockerServer({ ...USUAL, ...says }, file));
      await own(0, 0o666);
    },
    crash: async () => {
      await stop();
      await mkdir(dirname(file), { recursive: true });
      await leaveSocket(file);
    },
  };
}

/** A server that is closed removes its file, so it is given another name meanwhile. */
async function leaveSocket(file: string): Promise<void> {
  const server = createServer();
  server.listen(`${file}.made`);
  await once(server, 'listening');
  await link(`${file}.made`, file);
  server.close();
  await once(server, 'close');
}
