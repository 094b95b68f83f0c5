/**
 * GitLab on the veth network: the demo's application behind listeners of the lab on 443, 80 and 8443, both address
 * families, with any TLS that a scenario wants. It uses Node's TLS server, because that can be reconfigured quickly.
 */
import { once } from 'node:events';
import type { RequestListener, Server as HttpServer } from 'node:http';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { Server } from 'node:net';
import type { TlsOptions } from 'node:tls';

import type { IssuedCertificate } from '../../src/demo/certificates.ts';
import type { GitLabApplication, GitLabOptions } from '../../src/demo/gitlab-stand-in.ts';
import { createGitLabStandIn } from '../../src/demo/gitlab-stand-in.ts';
import { GITLAB_ADDRESS, GITLAB_ADDRESS_6 } from '../network.ts';

const PLACES = [GITLAB_ADDRESS, GITLAB_ADDRESS_6];

export interface LabGitLab extends AsyncDisposable {
  readonly application: GitLabApplication;
  /** Opens 443 and 8443 with this certificate, in place of what was there. */
  serve(issued: IssuedCertificate, more?: TlsOptions): Promise<void>;
  /** Opens 443 with a server of the scenario's own. */
  replace(create: () => Server): Promise<void>;
  /** Closes 443 and 8443. */
  stop(): Promise<void>;
  /** Whether port 80 redirects to https. */
  redirectPlain(redirects: boolean): void;
}

export async function startLabGitLab(options: GitLabOptions): Promise<LabGitLab> {
  const application = createGitLabStandIn(options);
  let secure: readonly Server[] = [];
  let redirects = false;
  const listener: RequestListener = (request, response) => {
    if (!redirects) {
      application.listener(request, response);
      return;
    }
    const target = `https://${request.headers.host}${request.url}`;
    response.writeHead(301, { Server: 'nginx', Location: target, 'Content-Length': 0 }).end();
  };
  const plain = await listen(() => createServer(listener), [80]);
  const stop = async (): Promise<void> => {
    const closing = secure;
    secure = [];
    await Promise.all(closing.map(async (server) => await close(server)));
  };
  return {
    application,
    stop,
    redirectPlain: (wanted) => {
      redirects = wanted;
    },
    replace: async (create) => {
      await stop();
      secure = await listen(create, [443]);
    },
    serve: async ({ certificatePem, privateKeyPem }, more = {}) => {
      await stop();
      const tls = { cert: certificatePem, key: privateKeyPem, ...more };
      secure = await listen(() => createSecureServer(tls, application.listener), [443, 8443]);
    },
    [Symbol.asyncDispose]: async () => {
      await stop();
      await Promise.all(plain.map(async (server) => await close(server)));
    },
  };
}

const open = new WeakMap<Server, Set<{ destroy(): void }>>();

/** One server for each address and port; its connections are known, so that closing it cuts them. */
async function listen(create: () => Server, ports: readonly number[]): Promise<readonly Server[]> {
  const places = PLACES.flatMap((host) => ports.map((port) => ({ host, port })));
  return await Promise.all(
    places.map(async (place) => {
      const server = create();
      const sockets = new Set<{ destroy(): void }>();
      open.set(server, sockets);
      server.on('connection', (socket) => {
        sockets.add(socket);
        socket.once('close', () => sockets.delete(socket));
        socket.on('error', () => {});
      });
      server.on('tlsClientError', () => {});
      server.listen(place);
      await once(server, 'listening');
      return server;
    }),
  );
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  for (const socket of open.get(server) ?? []) socket.destroy();
  await closed;
}

/** Closes a server of any kind, with its connections where it knows them. */
export async function closeNow(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  if ('closeAllConnections' in server) (server as HttpServer).closeAllConnections();
  await closed;
}
