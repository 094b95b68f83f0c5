/** Connects to one address as the runner would, and says whether the server there proved that it bears the name. */
import type { Socket } from 'node:net';

import type { Clock } from '../core/clock.ts';
import type { HttpUrl } from '../core/http-url.ts';
import type { Address } from '../core/probe.ts';
import { dialLikeGo } from './dial/dial.ts';
import { hostPortOf } from './dial/first-hop.ts';
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
  const { url, trust, clock, timeoutSeconds } = options;
  const { host, port } = hostPortOf(url);
  const { socket } = await dialLikeGo([address], port, { clock, signal, timeoutSeconds });
  if (socket === undefined || trust === undefined) return socket;
  const shaken = await handshakeLikeGo(socket, { host, trust, now: clock.wall(), signal });
  if (shaken.kind !== 'secured') return undefined;
  if ((await shaken.verdict(signal)) === undefined) return shaken.socket;
  shaken.socket.destroy();
  return undefined;
}
