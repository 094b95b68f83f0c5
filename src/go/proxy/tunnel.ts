/**
 * Opens a tunnel through the proxy. CONNECT as Go sends it (docs/reference/go-network.md#tunnel): Basic credentials
 * only, and only 200 is success. SOCKS5 sends the name, never an address.
 */
import type { Socket } from 'node:net';

import type { ProxyDecision } from '../../core/target.ts';
import { readHead } from './read-head.ts';
import { connectSocks } from './socks.ts';

type Proxy = Extract<ProxyDecision, { kind: 'proxy' }>;

export type Tunnel =
  | { readonly kind: 'open' }
  | {
      readonly kind: 'refused';
      /** Of the HTTP status line; SOCKS has none, and gets the status that means the same. */
      readonly status: number;
      readonly phrase: string;
      readonly headers: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'silent' }
  | { readonly kind: 'closed' }
  /** It answered what is no HTTP. */
  | { readonly kind: 'not-a-proxy'; readonly firstBytes: string };

const FIRST_BYTES = 40;

/** Requests a tunnel to `host:port` from the proxy on `socket`. Never rejects. */
export async function openTunnel(
  socket: Socket,
  proxy: Proxy,
  destination: { readonly host: string; readonly port: number },
  signal: AbortSignal,
): Promise<Tunnel> {
  if (proxy.scheme === 'socks5') return await connectSocks(socket, proxy, destination, signal);
  socket.write(connectRequest(proxy, destination));
  const head = await readHead(socket, signal);
  if (head.kind === 'timeout' && head.text === '') return { kind: 'silent' };
  // When no byte was received, the text of a reset is its errno.
  const isMute = head.text === '' || /^E[A-Z]+$/.test(head.text);
  if ((head.kind === 'closed' || head.kind === 'reset') && isMute) return { kind: 'closed' };
  return head.kind === 'head' ? classifyHead(head.text) : notAProxy(head.text);
}

function connectRequest(
  { credentials }: Proxy,
  { host, port }: { host: string; port: number },
): string {
  const authority = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  const lines = [
    `CONNECT ${authority} HTTP/1.1`,
    `Host: ${authority}`,
    'User-Agent: Go-http-client/1.1',
    ...(credentials === undefined ? [] : [`Proxy-Authorization: ${basicOf(credentials)}`]),
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** The value of a Basic authorization header. */
export function basicOf({ user, password }: NonNullable<Proxy['credentials']>): string {
  return `Basic ${Buffer.from(`${user}:${password.reveal()}`).toString('base64')}`;
}

function classifyHead(text: string): Tunnel {
  const [statusLine = '', ...lines] = text.split('\r\n');
  const match = /^HTTP\/1\.[01] (?<status>\d{3}) ?(?<phrase>.*)$/.exec(statusLine);
  if (match?.groups === undefined) return notAProxy(text);
  const status = Number(match.groups['status']);
  if (status === 200) return { kind: 'open' };
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  return { kind: 'refused', status, phrase: match.groups['phrase'] ?? '', headers };
}

function notAProxy(text: string): Tunnel {
  // These bytes go into a log line: control characters must not reach a terminal.
  return {
    kind: 'not-a-proxy',
    firstBytes: text.slice(0, FIRST_BYTES).replaceAll(/[^\x20-\x7e]/g, '.'),
  };
}
