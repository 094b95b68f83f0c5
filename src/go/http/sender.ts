/**
 * Sends requests over the connection of the walk, one after the other, and reads the answers as Go's client does.
 *
 * Redirects are returned, not followed. When the server closes after an answer, the connection is opened once more. As
 * in Go, a GET that fails on a reused connection is sent again. One deadline covers head and body, so that a slow body
 * ends too.
 */
import type { Socket } from 'node:net';

import { deadlineOf } from '../../core/abort.ts';
import type { Clock } from '../../core/clock.ts';
import type { Send } from '../../core/exchange-error.ts';
import { ExchangeError } from '../../core/exchange-error.ts';
import type { HttpAnswer, HttpRequest } from '../../core/probe.ts';
import { redirectFault } from './redirect.ts';
import type { RequestSettings } from './request-text.ts';
import { requestText } from './request-text.ts';
import { ResponseReader } from './response-reader.ts';
import { socketErrorOf } from './socket-error.ts';

const MAX_BODY_BYTES = 64 * 1024;

export interface HttpPath extends RequestSettings {
  /** The open connection: to GitLab, or for `http://` through a proxy to that. */
  readonly socket: Socket;
  /** Opens the same connection once more. */
  readonly open: (signal: AbortSignal) => Promise<Socket>;
  readonly clock: Clock;
  /** An empty Content-Length is read as none. */
  readonly emptyLengths?: boolean;
}

/** A sender on one connection. */
export function createSender(httpPath: HttpPath): Send {
  let connection = new Connection(httpPath.socket);
  let isUsed = false;
  return async (wanted, signal) => {
    using deadline = deadlineOf(wanted.timeoutSeconds, signal);
    const ask = async (): Promise<HttpAnswer> => {
      if (!connection.isUsable()) {
        connection = new Connection(await reopenSocket(httpPath, deadline.signal));
        isUsed = false;
      }
      const answer = await sendOnce(httpPath, connection, wanted, deadline.signal);
      isUsed = true;
      return answer;
    };
    const wasUsed = isUsed && connection.isUsable();
    try {
      return await ask();
    } catch (error) {
      if (!wasUsed || wanted.method !== 'GET' || !isStale(error)) throw error;
      return await ask();
    }
  };
}

/** A server may close an idle connection at any time: only a failure on a new connection is evidence. */
function isStale(error: unknown): boolean {
  return error instanceof ExchangeError && (error.fault === 'closed' || error.fault === 'reset');
}

async function reopenSocket(httpPath: HttpPath, signal: AbortSignal): Promise<Socket> {
  try {
    return await httpPath.open(signal);
  } catch {
    if (signal.aborted) {
      throw new ExchangeError('no-answer', 'reconnecting timed out');
    }
    throw new ExchangeError('closed', 'the server closed the connection, and reconnecting failed');
  }
}

async function sendOnce(
  httpPath: HttpPath,
  connection: Connection,
  wanted: HttpRequest,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  // Its events are over.
  if (!connection.isUsable()) throw new ExchangeError('reset', 'the connection was closed at once');
  const { clock, emptyLengths = false } = httpPath;
  const start = clock.seconds();
  const { status, headers, body } = await connection.exchange(requestText(httpPath, wanted), {
    timeoutSeconds: wanted.timeoutSeconds,
    signal,
    emptyLengths,
  });
  const fault = redirectFault(status, headers);
  if (fault !== undefined) throw new ExchangeError('malformed', fault);
  return { status, headers, body, seconds: clock.seconds() - start, receivedAt: clock.wall() };
}

interface Wait {
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
  readonly emptyLengths: boolean;
}

type Received = Pick<HttpAnswer, 'status' | 'headers' | 'body'>;

/** One connection with one request at a time; what comes between two of them ends it. */
class Connection {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  isUsable(): boolean {
    return !this.#socket.destroyed && this.#socket.writable;
  }

  async exchange(text: Buffer, wait: Wait): Promise<Received> {
    const socket = this.#socket;
    const reader = new ResponseReader(wait.emptyLengths);
    socket.off('data', this.#onUnsolicited);
    const receiving = receive(socket, reader, wait);
    if (!wait.signal.aborted) socket.write(text);
    try {
      const received = await receiving;
      if (!reader.isClean || reader.head?.keepsOpen !== true) socket.destroy();
      return received;
    } catch (error) {
      socket.destroy();
      throw error;
    } finally {
      socket.on('data', this.#onUnsolicited);
    }
  }

  readonly #onUnsolicited = (): void => {
    this.#socket.destroy();
  };
}

/** Waits for the whole answer, the end of the connection, or the signal. */
async function receive(
  socket: Socket,
  reader: ResponseReader,
  { timeoutSeconds, signal }: Wait,
): Promise<Received> {
  const { promise, resolve, reject } = Promise.withResolvers<Received>();
  const settle = (): void => {
    const ended = endOf(reader);
    if (ended instanceof ExchangeError) reject(ended);
    else if (ended !== undefined) resolve(ended);
  };
  const onData = (chunk: Buffer): void => {
    reader.push(chunk);
    settle();
  };
  const onEnd = (): void => {
    reader.end();
    settle();
    reject(closedError(reader));
  };
  const onError = (error: Error): void => reject(socketErrorOf(error, reader.head !== undefined));
  const onAbort = (): void => {
    const fault = reader.head === undefined ? 'no-answer' : 'slow-body';
    reject(new ExchangeError(fault, `no complete response within ${timeoutSeconds} s`));
  };
  socket.on('data', onData).resume().once('end', onEnd).once('close', onEnd).once('error', onError);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await promise;
  } finally {
    socket.off('data', onData).off('end', onEnd).off('close', onEnd).off('error', onError);
    signal.removeEventListener('abort', onAbort);
  }
}

/** Undefined while more has to come. */
function endOf(reader: ResponseReader): Received | ExchangeError | undefined {
  const { fault, head } = reader;
  if (fault !== undefined) return new ExchangeError(fault.fault, fault.text);
  if (head === undefined) return undefined;
  // Enough to know who answered; the rest would only cost time.
  const isEnough = reader.bodyLength >= MAX_BODY_BYTES;
  if (!reader.isComplete && !isEnough) return undefined;
  const body = reader.body.subarray(0, MAX_BODY_BYTES).toString('utf8');
  return { status: head.status, headers: head.headers, body };
}

function closedError({ head }: ResponseReader): ExchangeError {
  return head === undefined
    ? new ExchangeError('closed', 'the connection was closed before a response')
    : new ExchangeError('cut', 'the connection was closed before the response was complete');
}
