/**
 * Listens on several addresses, TCP and unix sockets, with one set of limits. Fastify listens on one address only, so
 * each address gets its own server in front of the same routes.
 */
import { lstat, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { ListenOptions } from 'node:net';
import { connect } from 'node:net';

import type { FastifyInstance } from 'fastify';

import { errnoText, isErrno } from '../core/errno.ts';
import { answerClientError } from './client-error.ts';
import { Protection } from './protection.ts';

/** Of the request line with its URL and all headers; more is answered 431. */
const MAX_HEADER_BYTES = 16 * 1024;

const LIMITS = {
  maxHeaderSize: MAX_HEADER_BYTES,
  headersTimeout: 5000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 1000,
} as const;
/** Until then a client must have finished its TLS handshake. */
const HANDSHAKE_MILLISECONDS = 5000;
const MAX_CONNECTIONS = 256;

export interface ListeningServer {
  /** As they can be typed into a browser or curl. */
  readonly addresses: readonly string[];
  close(): Promise<void>;
}

/** Rejects with one sentence when an address cannot be had; what was opened until then is closed. */
export async function listenAll(
  app: FastifyInstance,
  addresses: readonly string[],
  protection: Protection = new Protection(),
): Promise<ListeningServer> {
  await app.ready();
  const servers: Server[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(servers.map((server) => closeServer(server)));
    await app.close();
  };
  try {
    for (const address of addresses) servers.push(await listenOn(app, address, protection));
  } catch (error) {
    await close();
    throw error;
  }
  const scheme = protection.secureOptions() === undefined ? 'http' : 'https';
  return { addresses: servers.map((server) => formatAddress(server, scheme)), close };
}

async function listenOn(
  app: FastifyInstance,
  address: string,
  protection: Protection,
): Promise<Server> {
  const options = parseListenAddress(address);
  if (options === undefined) {
    throw new Error(
      `invalid address "${address}"; expected host:port, [::1]:port, :port or unix:/path`,
    );
  }
  if (options.path !== undefined) await removeStaleSocket(options.path);
  const server = serverOf(app, protection);
  server.maxConnections = MAX_CONNECTIONS;
  server.on('clientError', answerClientError);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  // Stays: a connection that cannot be taken, for lack of files, must not end the process.
  server.on('error', (error) =>
    reject(
      new Error(`cannot listen on ${address}: ${reasonOf(error, options.path !== undefined)}`),
    ),
  );
  server.listen(options, () => resolve());
  await promise;
  return server;
}

function serverOf(app: FastifyInstance, protection: Protection): Server {
  const secure = protection.secureOptions();
  if (secure === undefined) {
    return createServer(LIMITS, (request, response) => app.routing(request, response));
  }
  const server = createSecureServer(
    { ...LIMITS, ...secure, handshakeTimeout: HANDSHAKE_MILLISECONDS },
    (request, response) => app.routing(request, response),
  );
  protection.adopt(server);
  return server;
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program, or another runnerwatch, uses it',
  EACCES: 'permission denied',
  EADDRNOTAVAIL: 'this host does not have this address',
  ENOTFOUND: 'the name does not resolve',
};

const NO_FOLDER = 'its directory does not exist or is not writable';

function reasonOf(error: unknown, isSocket: boolean): string {
  const code = errnoText(error);
  // Node reports EACCES also when the folder of a socket does not exist.
  const reason = isSocket && code === 'EACCES' ? NO_FOLDER : REASONS[code];
  return reason === undefined ? code : `${reason} (${code})`;
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

/** A socket file without a listener was left behind by a process that was killed. Only sockets are removed. */
async function removeStaleSocket(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found?.isSocket() !== true) return;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const probe = connect(path, () => resolve(false));
  probe.once('error', (error) => resolve(isErrno(error, 'ECONNREFUSED')));
  const isStale = await promise;
  probe.destroy();
  if (isStale) await rm(path, { force: true });
}

function formatAddress(server: Server, scheme: string): string {
  const address = server.address();
  if (address === null) return '';
  if (typeof address === 'string') return `unix:${address}`;
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `${scheme}://${host}:${address.port}`;
}

/** Does not wait for idle keep-alive connections. */
async function closeServer(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), 1000);
  await promise;
  clearTimeout(timer);
}
