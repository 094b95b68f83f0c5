/** Asks a server over connections of its own, which are closed afterwards. */
import type { Socket } from 'node:net';

import { deadlineOf } from '../../core/abort.ts';
import type { Clock } from '../../core/clock.ts';
import type { Send } from '../../core/exchange-error.ts';
import type { HttpUrl } from '../../core/http-url.ts';
import { basicOf } from '../proxy/tunnel.ts';
import { createSender } from './sender.ts';

interface AskedServer {
  readonly url: HttpUrl;
  readonly clock: Clock;
  /** For connection, handshake and answers. */
  readonly timeoutSeconds: number;
  readonly emptyLengths: boolean;
}

/** Undefined where `connect` makes no connection. */
export async function askOver<T>(
  connect: (signal: AbortSignal) => Promise<Socket | undefined>,
  { url, clock, timeoutSeconds, emptyLengths }: AskedServer,
  signal: AbortSignal,
  ask: (send: Send) => Promise<T>,
): Promise<T | undefined> {
  using deadline = deadlineOf(timeoutSeconds, signal);
  const sockets = new Set<Socket>();
  const open = async (inTime: AbortSignal): Promise<Socket | undefined> => {
    const socket = await connect(inTime);
    if (socket !== undefined) sockets.add(socket);
    return socket;
  };
  const again = async (inTime: AbortSignal): Promise<Socket> => {
    const socket = await open(inTime);
    if (socket === undefined) throw new Error(`cannot reconnect to ${url.host}`);
    return socket;
  };
  try {
    const socket = await open(deadline.signal);
    if (socket === undefined) return undefined;
    // A login must not reach a server that has not proven its name.
    const login = url.protocol === 'https:' ? url.credentials : undefined;
    const authorization = login === undefined ? {} : { authorization: basicOf(login) };
    const httpPath = { socket, open: again, base: url, clock, emptyLengths, ...authorization };
    return await ask(createSender(httpPath));
  } finally {
    for (const one of sockets) one.destroy();
  }
}
