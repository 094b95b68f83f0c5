/** A web server on loopback that sends exactly the given bytes, and a walk that ends at it. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect } from 'node:net';

import type { Walk } from '../../src/core/probe.ts';
import type { EndpointTarget } from '../../src/core/target.ts';
import { ENDPOINT } from './probes.ts';
import type { TcpServer } from './tcp-server.ts';
import { startTcpServer } from './tcp-server.ts';

export interface ReceivedRequest {
  readonly method: string;
  /** As it is in the request line. */
  readonly path: string;
  readonly head: string;
  readonly body: string;
  /** Number of the connection it came on, from 0. */
  readonly connection: number;
}

export interface HttpServer extends TcpServer {
  readonly requests: readonly ReceivedRequest[];
}

/** The bytes of an answer, or what to do instead of one. */
export type ScriptedReply = string | ((socket: Socket) => void);
export type Script = (request: ReceivedRequest) => ScriptedReply;

/** Connections stay open after an answer, unless the script ends them. */
export async function startHttpServer(script: Script): Promise<HttpServer> {
  const requests: ReceivedRequest[] = [];
  let connections = 0;
  const server = await startTcpServer((socket) => {
    const connection = connections;
    connections += 1;
    let waiting = '';
    socket.on('data', (chunk: Buffer) => {
      waiting += chunk.toString('latin1');
      const [head = '', rest] = waiting.split('\r\n\r\n');
      const length = Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? 0);
      if (rest === undefined || rest.length < length) return;
      waiting = '';
      const [method = '', path = ''] = head.split(' ');
      const request = { method, path, head, body: rest, connection };
      requests.push(request);
      const answer = script(request);
      if (typeof answer === 'string') socket.write(answer, 'latin1');
      else answer(socket);
    });
  });
  return { ...server, requests };
}

export interface ReplyParts {
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer with its length, as any web server writes it. */
export function reply(status: number, body = '', { type, headers = {} }: ReplyParts = {}): string {
  const lines = Object.entries({
    'Content-Type': type ?? 'text/html',
    'Content-Length': String(Buffer.byteLength(body)),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}`);
  return `HTTP/1.1 ${status} Status\r\n${lines.join('\r\n')}\r\n\r\n${body}`;
}

export const RAILS_HEADERS = {
  'X-Request-Id': '01JDFZ8M5Q7R9T1V3W5X7Y9Z0A',
  'X-Runtime': '0.012',
  'X-Gitlab-Meta': '{"correlation_id":"01JDFZ8M5Q7R9T1V3W5X7Y9Z0A","version":"1"}',
} as const;

/** A JSON answer of GitLab's API. */
export function gitlab(
  status: number,
  json: Readonly<Record<string, unknown>>,
  headers: Readonly<Record<string, string>> = {},
): string {
  const type = 'application/json';
  return reply(status, JSON.stringify(json), { type, headers: { ...RAILS_HEADERS, ...headers } });
}

/** The answer of `-/health` to a client that is not allow-listed. */
export const HEALTHY = reply(404, '', { type: 'text/plain', headers: RAILS_HEADERS });
export const UNAUTHORIZED = gitlab(401, { message: '401 Unauthorized' });

export function endpointAt(port: number, path = '/'): EndpointTarget {
  const url = new URL(`http://127.0.0.1:${port}${path}`);
  return { ...ENDPOINT, id: url.href, url };
}

export interface OpenWalk extends AsyncDisposable {
  readonly walk: Walk;
}

/** A walk as the links before `http` leave it: connected, and able to open the same connection again. */
export async function walkTo(port: number): Promise<OpenWalk> {
  const open = async (): Promise<Socket> => {
    const socket = connect({ host: '127.0.0.1', port });
    await once(socket, 'connect');
    socket.on('error', () => {});
    return socket;
  };
  const walk: Walk = { socket: await open(), open };
  return {
    walk,
    [Symbol.asyncDispose]: async () => {
      const { socket } = walk;
      if (socket === undefined || socket.closed) return;
      const closed = once(socket, 'close');
      socket.destroy();
      await closed;
    },
  };
}
