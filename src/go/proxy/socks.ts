/** SOCKS5 (RFC 1928, RFC 1929) as Go's client implements it: it sends the name, not an address. */
import type { Socket } from 'node:net';

import type { ProxyDecision } from '../../core/target.ts';
import { readBytes } from './read-head.ts';
import type { Tunnel } from './tunnel.ts';

type Proxy = Extract<ProxyDecision, { kind: 'proxy' }>;

const NO_AUTHENTICATION = 0;
const USER_PASSWORD = 2;
/** "Connection not allowed by ruleset": the proxy's own rules refuse it, not the network behind it. */
const FORBIDDEN = 2;
const REFUSALS: readonly string[] = [
  'succeeded',
  'general SOCKS server failure',
  'connection not allowed by ruleset',
  'network unreachable',
  'host unreachable',
  'connection refused',
  'TTL expired',
  'command not supported',
  'address type not supported',
];

export async function connectSocks(
  socket: Socket,
  proxy: Proxy,
  { host, port }: { readonly host: string; readonly port: number },
  signal: AbortSignal,
): Promise<Tunnel> {
  const { credentials } = proxy;
  socket.write(Buffer.from(credentials === undefined ? [5, 1, 0] : [5, 2, 0, USER_PASSWORD]));
  const method = await readBytes(socket, 2, signal);
  if (method === undefined) return missingReply(signal);
  if (method[0] !== 5) return { kind: 'not-a-proxy', firstBytes: method.toString('hex') };
  if (method[1] === USER_PASSWORD && credentials !== undefined) {
    socket.write(userPassword(credentials.user, credentials.password.reveal()));
    const answer = await readBytes(socket, 2, signal);
    if (answer === undefined) return missingReply(signal);
    if (answer[1] !== 0) return proxyRefusal('username or password refused', 407);
  } else if (method[1] !== NO_AUTHENTICATION) return proxyRefusal('authentication required', 407);
  const name = Buffer.from(host);
  socket.write(
    Buffer.concat([
      Buffer.from([5, 1, 0, 3, name.length]),
      name,
      Buffer.from([port >> 8, port & 255]),
    ]),
  );
  return await readConnectReply(socket, signal);
}

async function readConnectReply(socket: Socket, signal: AbortSignal): Promise<Tunnel> {
  const head = await readBytes(socket, 4, signal);
  if (head === undefined) return missingReply(signal);
  const code = head[1] ?? 0;
  if (code !== 0)
    return proxyRefusal(REFUSALS[code] ?? `SOCKS error ${code}`, code === FORBIDDEN ? 403 : 502);
  const length = head[3] === 3 ? await readBytes(socket, 1, signal) : undefined;
  const addressBytes = head[3] === 4 ? 16 : (length?.[0] ?? 4);
  const bound = await readBytes(socket, addressBytes + 2, signal);
  return bound === undefined ? missingReply(signal) : { kind: 'open' };
}

function userPassword(user: string, password: string): Buffer {
  const [name, word] = [Buffer.from(user), Buffer.from(password)];
  return Buffer.concat([Buffer.from([1, name.length]), name, Buffer.from([word.length]), word]);
}

function proxyRefusal(phrase: string, status: number): Tunnel {
  return { kind: 'refused', status, phrase, headers: {} };
}

function missingReply(signal: AbortSignal): Tunnel {
  return signal.aborted ? { kind: 'silent' } : { kind: 'closed' };
}
