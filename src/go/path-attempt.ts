/**
 * Does this path reach GitLab? One attempt from the DNS lookup to the TLS handshake, over a path that is not
 * the one in use: direct, or by another proxy. The connection is closed at once; nothing is asked of GitLab.
 */
import type { Socket } from 'node:net';
import { createSecureContext } from 'node:tls';

import { deadlineOf } from '../core/abort.ts';
import type { Clock, Instant } from '../core/clock.ts';
import type { HttpUrl } from '../core/http-url.ts';
import type { Paths } from '../core/paths.ts';
import type { ProxyDecision } from '../core/target.ts';
import { readServerDate } from './tls/server-date.ts';
import { dialLikeGo } from './dial/dial.ts';
import { hostPortOf } from './dial/first-hop.ts';
import { handshakeLikeGo } from './tls/handshake.ts';
import { namesOf } from './tls/hostname.ts';
import { resolveLikeGo } from './dns/resolver.ts';
import { smallSegmentSocket } from './dial/small-segments.ts';
import type { Trust } from './tls/trust.ts';
import { openTunnel } from './proxy/tunnel.ts';

export interface AttemptDeps {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly paths: Paths;
  readonly dnsPort?: number;
  /** False where queries announce no EDNS. */
  readonly edns?: boolean;
  readonly trust: Trust;
  /** For name, connection, tunnel and handshake together. */
  readonly timeoutSeconds: number;
}

/** Go 1.26 sends the key of X25519MLKEM768, with which the first message takes two segments. */
const SMALL_HELLO = { ecdhCurve: 'X25519:P-256:P-384', minVersion: 'TLSv1.2' } as const;

/** The one thing that is done otherwise than the runner does it. */
export interface Change {
  /** Another name to ask for in the handshake, to see which certificate a proxy makes for it. */
  readonly serverName?: string;
  /** The peer may only send small segments. */
  readonly smallSegments?: boolean;
  /** Ask what time it is there, over a connection that need not be trusted. */
  readonly asksDate?: boolean;
  /** A first TLS message that fits into one segment: without the groups of ML-KEM. */
  readonly smallHello?: boolean;
}

export interface Attempt {
  /** The link at which it ended; `end` if the path reaches GitLab. */
  readonly reached: 'dns' | 'connect' | 'proxy' | 'tls' | 'end';
  /** The proxy answered in HTTP, also where it opened no tunnel. */
  readonly isHttpProxy?: boolean;
  /** Of GitLab's name on a direct path. */
  readonly addresses: readonly string[];
  /** SHA-256 of the certificate shown at the end, also when it is not accepted. */
  readonly leafFingerprint?: string;
  readonly leafNames?: readonly string[];
  /** Date of an answer, Unix milliseconds, when it was asked for. */
  readonly dateAt?: Instant;
}

/** One attempt over `via`; never rejects. */
export async function attemptPath(
  url: HttpUrl,
  via: ProxyDecision,
  deps: AttemptDeps,
  change: Change = {},
): Promise<Attempt> {
  using deadline = deadlineOf(deps.timeoutSeconds, deps.signal);
  const inTime = { ...deps, signal: deadline.signal };
  const server = hostPortOf(url);
  const next = via.kind === 'proxy' ? { host: via.host, port: via.port } : server;
  const found = await resolveLikeGo(next.host, { ...inTime, port: deps.dnsPort }).catch(
    () => undefined,
  );
  const resolved = found?.addresses ?? [];
  const addresses = via.kind === 'proxy' ? [] : resolved.map(({ address }) => address);
  if (resolved.length === 0) return { reached: 'dns', addresses };
  const { socket } = await dialLikeGo(resolved, next.port, {
    ...inTime,
    ...(change.smallSegments === true ? { makeSocket: smallSegmentSocket } : {}),
  });
  if (socket === undefined) return { reached: 'connect', addresses };
  try {
    const tunnel = await openedBy(socket, via, url, inTime);
    const ended = await tryBehind(tunnel.socket, url, change, inTime);
    return { addresses, ...(tunnel.isHttp ? { isHttpProxy: true } : {}), ...ended };
  } finally {
    socket.destroy();
  }
}

type Ended = Omit<Attempt, 'addresses'>;

/** What is behind the proxy, or at the address itself. */
async function tryBehind(
  opened: Socket | undefined,
  url: HttpUrl,
  change: Change,
  deps: AttemptDeps,
): Promise<Ended> {
  if (opened === undefined) return { reached: 'proxy' };
  if (url.protocol === 'http:') return { reached: 'end' };
  const { host } = hostPortOf(url);
  if (change.asksDate === true) return await dated(opened, host, deps);
  return await secured(opened, change, host, deps);
}

interface Opened {
  /** To GitLab; undefined if the proxy opens no tunnel. */
  readonly socket: Socket | undefined;
  /** The proxy answered in HTTP. */
  readonly isHttp: boolean;
}

async function openedBy(
  socket: Socket,
  proxy: ProxyDecision,
  url: HttpUrl,
  { trust, clock, signal }: AttemptDeps,
): Promise<Opened> {
  if (proxy.kind === 'direct') return { socket, isHttp: false };
  let to = socket;
  if (proxy.scheme === 'https') {
    const shaken = await handshakeLikeGo(socket, {
      host: proxy.host,
      trust,
      now: clock.wall(),
      signal,
    });
    if (shaken.kind !== 'secured') return { socket: undefined, isHttp: false };
    to = shaken.socket;
  }
  if (url.protocol === 'http:' && proxy.scheme !== 'socks5') return { socket: to, isHttp: false };
  const tunnel = await openTunnel(to, proxy, hostPortOf(url), signal);
  const isHttp = proxy.scheme !== 'socks5' && ['open', 'refused'].includes(tunnel.kind);
  return { socket: tunnel.kind === 'open' ? to : undefined, isHttp };
}

async function dated(socket: Socket, host: string, { trust, signal }: AttemptDeps): Promise<Ended> {
  const dateAt = await readServerDate(socket, host, trust, signal);
  return { reached: 'tls', ...(dateAt === undefined ? {} : { dateAt }) };
}

async function secured(
  socket: Socket,
  { serverName, smallHello }: Change,
  host: string,
  { trust, clock, signal }: AttemptDeps,
): Promise<Ended> {
  const shaken = await handshakeLikeGo(socket, {
    host: serverName ?? host,
    trust: smallHello === true ? { ...trust, context: createSecureContext(SMALL_HELLO) } : trust,
    now: clock.wall(),
    signal,
  });
  const leaf = 'shown' in shaken ? shaken.shown.sent[0] : undefined;
  const shown =
    leaf === undefined
      ? {}
      : { leafFingerprint: leaf.fingerprint256, leafNames: namesOf(leaf).dns };
  return { reached: shaken.kind === 'secured' ? 'end' : 'tls', ...shown };
}
