/** A server with the part of Docker's API that runnerwatch uses, on a socket or on TCP. */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';

export interface DockerError {
  readonly status: number;
  readonly message: string;
}

export interface DockerScript {
  readonly info?: Readonly<Record<string, unknown>>;
  readonly version?: Readonly<Record<string, unknown>>;
  /** What runs, as the list of containers has it. */
  readonly containers?: readonly Readonly<Record<string, unknown>>[];
  /** First process by the id of a container. */
  readonly processes?: Readonly<Record<string, number>>;
  /** Environment of every container. */
  readonly environment?: readonly string[];
  /** What is known of a container, by its name. */
  readonly inspected?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** What is known of every image. */
  readonly image?: Buffer;
  /** What a container wrote, as the answer has it, or the error. */
  readonly log?: (name: string, query: URLSearchParams) => Buffer | DockerError;
  /** By path, instead of the usual answer; `silent` never answers. */
  readonly instead?: Readonly<Record<string, 'silent' | DockerError>>;
}

export interface DockerStandIn extends AsyncDisposable {
  /** Of TCP; 0 on a socket. */
  readonly port: number;
  /** The requested paths, in order. */
  readonly asked: readonly string[];
}

interface Tls {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** `listen` is the path of a socket; without one it is a port of 127.0.0.1. */
export async function startDockerServer(
  says: DockerScript = {},
  listen?: string,
  tls?: Tls,
): Promise<DockerStandIn> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    asked.push(request.url ?? '');
    answer(request.url ?? '', response, says);
  };
  const server =
    tls === undefined
      ? createServer(onRequest)
      : createTlsServer({ ...tls, requestCert: true, rejectUnauthorized: true }, onRequest);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  if (listen === undefined) server.listen(0, '127.0.0.1');
  else server.listen(listen);
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' ? (address?.port ?? 0) : 0,
    asked,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function answer(path: string, response: ServerResponse, says: DockerScript): void {
  const instead = says.instead?.[path];
  if (instead === 'silent') return;
  if (instead !== undefined) return answerError(response, instead);
  if (path === '/_ping') return void response.end('OK');
  const known = aboutContainer(new URL(path, 'http://docker'), says);
  if (known === undefined) return void response.end(JSON.stringify(bodyOf(path, says)));
  if (Buffer.isBuffer(known)) return void response.end(known);
  answerError(response, known);
}

/** What the script says of one container; undefined where it says nothing of any. */
function aboutContainer(
  { pathname, searchParams }: URL,
  { log, inspected, image }: DockerScript,
): Buffer | DockerError | undefined {
  if (/^\/images\/[^/]+\/json$/.test(pathname)) return image;
  const { name = '', what } =
    /^\/containers\/(?<name>[^/]+)\/(?<what>logs|json)$/.exec(pathname)?.groups ?? {};
  if (what === 'logs') return log?.(name, searchParams);
  if (what === undefined || inspected === undefined) return undefined;
  const found = inspected[name];
  return found === undefined
    ? { status: 404, message: `No such container: ${name}` }
    : Buffer.from(JSON.stringify(found));
}

function answerError(response: ServerResponse, { status, message }: DockerError): void {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify({ message }));
}

function bodyOf(path: string, says: DockerScript): unknown {
  if (path.startsWith('/containers/json')) return says.containers ?? [];
  const id = /^\/containers\/(?<id>[0-9a-f]+)\/json$/.exec(path)?.groups?.['id'];
  if (id !== undefined) {
    const { processes, environment: Env = [] } = says;
    return { Id: id, State: { Running: true, Pid: processes?.[id] ?? 0 }, Config: { Env } };
  }
  return path === '/info' ? infoOf(says) : versionOf(says);
}

function infoOf({ info }: DockerScript): unknown {
  return {
    DockerRootDir: '/var/lib/docker',
    ServerVersion: '29.1.2',
    ContainersRunning: 3,
    ...info,
  };
}

function versionOf({ version }: DockerScript): unknown {
  return { Version: '29.1.2', ApiVersion: '1.52', MinAPIVersion: '1.44', ...version };
}
