/**
 * Listens on several addresses, TCP and unix sockets, with one set of limits. Fastify itself listens on one
 * address only, so each gets a server of its own in front of the same routes.
 */
import { rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import type { ListenOptions } from 'node:net';
import { connect } from 'node:net';

import type { FastifyInstance } from 'fastify';

import { errnoText, isErrno } from './core/errno.ts';

const LIMITS = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 5000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 5000,
} as const;
const MOST_CONNECTIONS = 256;

export interface Listening {
  /** As they can be typed into a browser or curl. */
  readonly addresses: readonly string[];
  close(): Promise<void>;
}

/** Rejects with one sentence when an address cannot be had; what was opened until then is closed. */
export async function listenAll(
  app: FastifyInstance,
  addresses: readonly string[],
): Promise<Listening> {
  await app.ready();
  const servers: Server[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(servers.map((server) => closed(server)));
    await app.close();
  };
  try {
    for (const address of addresses) servers.push(await listenOn(app, address));
  } catch (error) {
    await close();
    throw error;
  }
  return { addresses: servers.map((server) => shownAddress(server)), close };
}

async function listenOn(app: FastifyInstance, address: string): Promise<Server> {
  const options = parseListenAddress(address);
  if (options === undefined) {
    throw new Error(
      `"${address}" is no address; expected host:port, [::1]:port, :port or unix:/path`,
    );
  }
  if (options.path !== undefined) await removeStaleSocket(options.path);
  const server = createServer(LIMITS, (request, response) => app.routing(request, response));
  server.maxConnections = MOST_CONNECTIONS;
  server.on('clientError', (_error, socket) => {
    // A stranger's bytes get one sentence and the end of the connection.
    if (socket.writable) {
      socket.end(
        'HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{"error":"the request cannot be understood"}\n',
      );
    }
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', (error) =>
    reject(new Error(`cannot listen on ${address}: ${errnoText(error)}`)),
  );
  server.listen(options, () => resolve());
  await promise;
  return server;
}

/** Undefined for what is no address. */
export function parseListenAddress(address: string): ListenOptions | undefined {
  if (address.startsWith('unix:/')) return { path: address.slice('unix:'.length) };
  const match = /^(?:\[(?<v6>[0-9a-fA-F:.]+)\]|(?<host>[^:[\]]*)):(?<port>\d{1,5})$/.exec(address);
  if (match?.groups === undefined) return undefined;
  const { v6, host, port } = match.groups;
  if (Number(port) > 65_535) return undefined;
  const name = v6 ?? host ?? '';
  return { port: Number(port), ...(name === '' ? {} : { host: name }) };
}

/** A socket file that nobody listens on was left behind by a run that died. */
async function removeStaleSocket(path: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const probe = connect(path, () => resolve(false));
  probe.once('error', (error) => resolve(isErrno(error, 'ECONNREFUSED')));
  const isStale = await promise;
  probe.destroy();
  if (isStale) await rm(path, { force: true });
}

function shownAddress(server: Server): string {
  const address = server.address();
  if (address === null) return '';
  if (typeof address === 'string') return `unix:${address}`;
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `http://${host}:${address.port}`;
}

/** Does not wait for idle keep-alive connections. */
async function closed(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), 1000);
  await promise;
  clearTimeout(timer);
}
