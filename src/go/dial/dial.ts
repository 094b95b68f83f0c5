/**
 * Connects to a list of addresses as Go's dialer does: the first family one address after the other, the other family
 * 300 ms later or as soon as the first has failed, each address with its share of the timeout. The error that counts
 * is that of the first address.
 */
import type { Socket } from 'node:net';

import { deadlineOf } from '../../core/abort.ts';
import type { Clock } from '../../core/clock.ts';
import { errnoText } from '../../core/errno.ts';
import type { Attempt } from '../../core/lookup.ts';
import type { Address } from '../../core/probe.ts';
import { newTcpSocket } from '../../host/net/network.ts';

const FALLBACK_DELAY_MILLISECONDS = 300;
const MIN_SHARE_SECONDS = 2;
const MAX_PORT = 65_535;

export interface DialResult {
  /** Absent when no address answered. */
  readonly socket: Socket | undefined;
  readonly address: Address | undefined;
  /** In the order of the addresses. */
  readonly attempts: readonly Attempt[];
}

export interface DialOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly timeoutSeconds: number;
  /** Makes an unconnected socket with options of its own; Node's plain one when absent. */
  readonly makeSocket?: (family: Address['family']) => Socket | undefined;
}

/** Never rejects; an aborted signal ends it with what was tried until then. */
export async function dialLikeGo(
  addresses: readonly Address[],
  port: number,
  deps: DialOptions,
): Promise<DialResult> {
  const attempts: Attempt[] = [];
  const [first] = addresses;
  if (first === undefined) return { socket: undefined, address: undefined, attempts };
  const primaries = addresses.filter(({ family }) => family === first.family);
  const fallbacks = addresses.filter(({ family }) => family !== first.family);
  using race = createRace(deps.signal);
  const dial = (list: readonly Address[]): Promise<Connection | undefined> =>
    dialSerial(list, port, { ...deps, signal: race.signal }, attempts);
  const primary = dial(primaries);
  const lists =
    fallbacks.length === 0 ? [primary] : [primary, startAfterDelay(primary, () => dial(fallbacks))];
  const won = await firstConnection(lists);
  race.end();
  // Both families may connect in the same moment: only one socket is handed on.
  for (const late of await Promise.all(lists)) if (late !== won) late?.socket.destroy();
  return {
    socket: won?.socket,
    address: won?.address,
    attempts: sortByAddress(attempts, addresses),
  };
}

/** They were noted as they ended; the first one of the first family is the one whose error counts. */
function sortByAddress(
  attempts: readonly Attempt[],
  addresses: readonly Address[],
): readonly Attempt[] {
  return attempts.toSorted((a, b) => addresses.indexOf(a.address) - addresses.indexOf(b.address));
}

interface Connection {
  readonly socket: Socket;
  readonly address: Address;
}

/** A signal for all attempts of one dial: the losers are destroyed when one has won. */
function createRace(parent: AbortSignal): Disposable & { signal: AbortSignal; end: () => void } {
  const controller = new AbortController();
  const end = (): void => controller.abort();
  parent.addEventListener('abort', end, { once: true });
  if (parent.aborted) end();
  return {
    signal: controller.signal,
    end,
    [Symbol.dispose]: () => parent.removeEventListener('abort', end),
  };
}

async function dialSerial(
  addresses: readonly Address[],
  port: number,
  deps: DialOptions,
  attempts: Attempt[],
): Promise<Connection | undefined> {
  const { clock, signal, timeoutSeconds, makeSocket } = deps;
  const end = clock.seconds() + timeoutSeconds;
  for (const [index, address] of addresses.entries()) {
    if (signal.aborted) return undefined;
    const left = end - clock.seconds();
    const share = Math.min(left, Math.max(MIN_SHARE_SECONDS, left / (addresses.length - index)));
    const start = clock.seconds();
    const { socket, outcome } = await dialOne(
      address,
      port,
      Math.max(0, share),
      signal,
      makeSocket,
    );
    attempts.push({ address, outcome, seconds: clock.seconds() - start });
    if (socket !== undefined) return { socket, address };
  }
  return undefined;
}

async function dialOne(
  { address, family }: Address,
  port: number,
  timeoutSeconds: number,
  signal: AbortSignal,
  makeSocket: DialOptions['makeSocket'],
): Promise<{ readonly socket: Socket | undefined; readonly outcome: string }> {
  if (port > MAX_PORT) return { socket: undefined, outcome: 'invalid port' };
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = unconnectedSocket(family, makeSocket);
  if (socket instanceof Error) return { socket: undefined, outcome: errnoText(socket) };
  socket.setNoDelay(true).connect({ host: address, port, family });
  // Stays for the socket's life: one that dies between two links must not end the process.
  socket.on('error', (error) => resolve(errnoText(error)));
  socket.once('connect', () => resolve('ok'));
  using deadline = deadlineOf(timeoutSeconds);
  const onTimeout = (): void => resolve('timeout');
  const onAbort = (): void => resolve('abandoned');
  deadline.signal.addEventListener('abort', onTimeout, { once: true });
  signal.addEventListener('abort', onAbort, { once: true });
  const ended = await promise;
  // A connection request is refused, never reset: the connection was made, and the next read reports the reset.
  const outcome = ended === 'ECONNRESET' ? 'ok' : ended;
  signal.removeEventListener('abort', onAbort);
  if (outcome === 'ok' && !signal.aborted) return { socket, outcome };
  socket.destroy();
  return { socket: undefined, outcome: outcome === 'ok' ? 'abandoned' : outcome };
}

function unconnectedSocket(
  family: Address['family'],
  makeSocket: DialOptions['makeSocket'],
): Socket | Error {
  try {
    return makeSocket?.(family) ?? newTcpSocket(family);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** Starts the second list after the delay, or at once when the first has failed; not at all when it won. */
async function startAfterDelay(
  primary: Promise<Connection | undefined>,
  start: () => Promise<Connection | undefined>,
): Promise<Connection | undefined> {
  const { promise: delay, resolve } = Promise.withResolvers<'delay'>();
  const timer = setTimeout(() => resolve('delay'), FALLBACK_DELAY_MILLISECONDS);
  const early = await Promise.race([primary, delay]);
  clearTimeout(timer);
  return early === 'delay' || early === undefined ? await start() : undefined;
}

/** The first list that won; `undefined` when all have failed. */
async function firstConnection(
  lists: readonly Promise<Connection | undefined>[],
): Promise<Connection | undefined> {
  const wins = lists.map(async (list) => {
    const won = await list;
    if (won === undefined) throw new Error('no address responded');
    return won;
  });
  try {
    return await Promise.any(wins);
  } catch {
    return undefined;
  }
}
