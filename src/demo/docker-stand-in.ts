/**
 * A stand-in for Docker: a socket below the demo host's root that answers the requests of runnerwatch, until it is
 * stopped.
 */
import { once } from 'node:events';
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import { rm } from 'node:fs/promises';

/** The root folder of images and containers that it reports. */
const ROOT = '/var/lib/docker';
const ANSWERS: Readonly<Record<string, unknown>> = {
  '/info': { DockerRootDir: ROOT, ServerVersion: '28.5.1', ContainersRunning: 0 },
  '/version': { Version: '28.5.1', ApiVersion: '1.51', MinAPIVersion: '1.24' },
};

export interface DockerStandIn extends AsyncDisposable {
  /** Closes the socket, or opens the same one again. */
  setListening(isListening: boolean): Promise<void>;
}

export async function startDockerStandIn(socketPath: string): Promise<DockerStandIn> {
  let server: Server | undefined = await listen(socketPath);
  const setListening = async (isListening: boolean): Promise<void> => {
    if (isListening) server ??= await listen(socketPath);
    else if (server !== undefined) {
      const ending = server;
      server = undefined;
      await close(ending);
    }
  };
  return { setListening, [Symbol.asyncDispose]: async () => await setListening(false) };
}

async function listen(socketPath: string): Promise<Server> {
  await rm(socketPath, { force: true });
  const server = createServer(({ url = '' }, response) => {
    const answer = ANSWERS[url.replace(/^\/v[\d.]+/, '')];
    response.setHeader('Content-Type', answer === undefined ? 'text/plain' : 'application/json');
    response.end(answer === undefined ? 'OK' : JSON.stringify(answer));
  });
  server.listen(socketPath);
  await once(server, 'listening');
  return server;
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
