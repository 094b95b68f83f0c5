/** Scripted proxies on loopback: one with a given answer to CONNECT, and a SOCKS5 server. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { setImmediate } from 'node:timers/promises';

import type { ProxyDecision } from '../../src/core/target.ts';
import type { TcpServer } from './tcp-server.ts';
import { startTcpServer } from './tcp-server.ts';

export type Proxy = Extract<ProxyDecision, { kind: 'proxy' }>;

/** A decision for a proxy on loopback. */
export function proxyAt(port: number, over: Partial<Proxy> = {}): Proxy {
  return {
    kind: 'proxy',
    scheme: 'http',
    host: '127.0.0.1',
    port,
    variable: 'HTTPS_PROXY',
    ...over,
  };
}

export interface ScriptedProxy extends TcpServer {
  /** What came in, one text for each connection. */
  readonly received: readonly string[];
}

/** Reads a request to its blank line, then lets `answer` act; `nth` counts the connections from 0. */
export async function startScriptedProxy(
  answer: (socket: Socket, nth: number) => void,
): Promise<ScriptedProxy> {
  const received: string[] = [];
  const server = await startTcpServer((socket) => {
    const nth = received.push('') - 1;
    socket.on('data', (chunk: Buffer) => {
      const before = received[nth] ?? '';
      received[nth] = before + chunk.toString('latin1');
      if (before.includes('\r\n\r\n') || !received[nth]?.includes('\r\n\r\n')) return;
      answer(socket, nth);
    });
  });
  return { ...server, received };
}

export interface SocksOptions {
  readonly user?: string;
  readonly password?: string;
  /** Code of the reply; 0 opens the tunnel. */
  readonly reply?: number;
  /** Bound address in the reply: type and bytes. */
  readonly bound?: readonly number[];
  /** Sends each byte on its own. */
  readonly dribbles?: boolean;
}

export interface SocksServer extends TcpServer {
  /** `gitlab.test:443 (3)`: name, port and address type of each request. */
  readonly wanted: readonly string[];
  /** `alice:secret` */
  readonly logins: readonly string[];
}

const IPV4_BOUND = [1, 127, 0, 0, 1];

/** Connects every request to `destination` on loopback, for any requested name. */
export async function startSocksServer(
  options: SocksOptions = {},
  destination?: number,
): Promise<SocksServer> {
  const wanted: string[] = [];
  const logins: string[] = [];
  const server = await startTcpServer((socket) => {
    void serve(socket, { options, destination, wanted, logins }).catch(() => socket.destroy());
  });
  return { ...server, wanted, logins };
}

interface Stage {
  readonly options: SocksOptions;
  readonly destination: number | undefined;
  readonly wanted: string[];
  readonly logins: string[];
}

async function serve(
  socket: Socket,
  { options, destination, wanted, logins }: Stage,
): Promise<void> {
  const send = (bytes: readonly number[]): Promise<void> =>
    sendBytes(socket, bytes, options.dribbles === true ? 1 : bytes.length);
  const [, count = 0] = await take(socket, 2);
  const methods = await take(socket, count);
  const method = options.user === undefined ? 0 : 2;
  if (!methods.includes(method)) return await send([5, 255]);
  await send([5, method]);
  if (method === 2) {
    const login = `${await takeText(socket, 1)}:${await takeText(socket, 0)}`;
    logins.push(login);
    const isRight = login === `${options.user}:${options.password ?? ''}`;
    await send([1, isRight ? 0 : 1]);
    if (!isRight) return;
  }
  const [, , , type = 0] = await take(socket, 4);
  const host = await takeText(socket, 0);
  const port = (await take(socket, 2)).readUInt16BE();
  wanted.push(`${host}:${port} (${type})`);
  const reply = [5, options.reply ?? 0, 0, ...(options.bound ?? IPV4_BOUND), 0, 80];
  if (destination === undefined) return await send(reply);
  const onward = connect({ host: '127.0.0.1', port: destination });
  onward.on('error', () => socket.destroy());
  await once(onward, 'connect');
  await send(reply);
  socket.pipe(onward).pipe(socket);
}

/** In pieces of `size` bytes, each in a packet of its own. */
async function sendBytes(socket: Socket, bytes: readonly number[], size: number): Promise<void> {
  socket.setNoDelay(true);
  for (let at = 0; at < bytes.length; at += size) {
    socket.write(Buffer.from(bytes.slice(at, at + size)));
    await setImmediate();
  }
}

/** A text with its length in front, after `skip` bytes. */
async function takeText(socket: Socket, skip: number): Promise<string> {
  await take(socket, skip);
  const [length = 0] = await take(socket, 1);
  return (await take(socket, length)).toString();
}

async function take(socket: Socket, count: number): Promise<Buffer> {
  if (count === 0) return Buffer.alloc(0);
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const inspect = (): void => {
    const bytes = socket.read(count) as Buffer | null;
    if (bytes !== null) resolve(bytes);
  };
  const gone = (): void => reject(new Error('the client left'));
  socket.on('readable', inspect).once('close', gone);
  inspect();
  try {
    return await promise;
  } finally {
    socket.off('readable', inspect).off('close', gone);
  }
}
