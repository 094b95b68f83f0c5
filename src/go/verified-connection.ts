/**
 * Connects to one address as the runner would, or through its proxy, and says whether the server there proved that it bears
 * the name.
 */
import type { Socket } from 'node:net';

import type { Clock } from '../core/clock.ts';
import type { HttpUrl } from '../core/http-url.ts';
import type { Address } from '../core/probe.ts';
import type { ProxyDecision } from '../core/target.ts';
import { dialLikeGo } from './dial/dial.ts';
import { hostPortOf } from './dial/first-hop.ts';
import { openTunnel } from './proxy/tunnel.ts';
import { handshakeLikeGo } from './tls/handshake.ts';
import type { Trust } from './tls/trust.ts';

export interface ConnectionOptions {
  readonly url: HttpUrl;
  /** Undefined for `http://`. */
  readonly trust: Trust | undefined;
  readonly clock: Clock;
  readonly timeoutSeconds: number;
}

/** Undefined when the runner would not get as far: no answer, or a certificate that it rejects. */
export async function connectTo(
  address: Address,
  options: ConnectionOptions,
  signal: AbortSignal,
): Promise<Socket | undefined> {
  const { url, clock, timeoutSeconds } = options;
  const { port } = hostPortOf(url);
  const { socket } = await dialLikeGo([address], port, { clock, signal, timeoutSeconds });
  return socket && (await secure(socket, options, signal));
}

export interface ProxyPath {
  readonly proxy: Extract<ProxyDecision, { kind: 'proxy' }>;
  /** Of the proxy. */
  readonly addresses: readonly Address[];
}

/** The same behind a proxy, which is asked for this host: the name, or an address of it. */
export async function connectThrough(
  { proxy, addresses }: ProxyPath,
  host: string,
  options: ConnectionOptions,
  signal: AbortSignal,
): Promise<Socket | undefined> {
  const { url, clock, timeoutSeconds } = options;
  const { port } = hostPortOf(url);
  const deps = { clock, signal, timeoutSeconds };
  const { socket: dialled } = await dialLikeGo(addresses, proxy.port, deps);
  if (dialled === undefined) return undefined;
  const isSecure = proxy.scheme === 'https';
  const socket = isSecure ? await secure(dialled, options, signal, proxy.host) : dialled;
  if (socket === undefined) return undefined;
  const tunnel = await openTunnel(socket, proxy, { host, port }, signal);
  if (tunnel.kind === 'open') return await secure(socket, options, signal);
  socket.destroy();
  return undefined;
}

async function secure(
  socket: Socket,
  { url, trust, clock }: ConnectionOptions,
  signal: AbortSignal,
  host = hostPortOf(url).host,
): Promise<Socket | undefined> {
  if (trust === undefined) return socket;
  const shaken = await handshakeLikeGo(socket, { host, trust, now: clock.wall(), signal });
  if (shaken.kind !== 'secured') {
    socket.destroy();
    return undefined;
  }
  if ((await shaken.verdict(signal)) === undefined) return shaken.socket;
  shaken.socket.destroy();
  return undefined;
}
