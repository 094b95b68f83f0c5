/**
 * Sends requests over the connection of the walk, one after the other, and reads the answers.
 *
 * Redirects are returned, not followed. When the server closes after an answer, the connection is opened once more. As
 * in Go, a GET that fails on a reused connection is sent again. One deadline covers head and body, so that a slow body
 * ends too.
 */
import type { ClientRequest, IncomingMessage } from 'node:http';
import { Agent, request } from 'node:http';
import type { Socket } from 'node:net';

import { deadlineOf } from '../core/abort.ts';
import type { Clock } from '../core/clock.ts';
import type { HttpUrl } from '../core/http-url.ts';
import { urlBelow } from '../core/http-url.ts';
import type { HttpAnswer, HttpRequest } from '../core/probe.ts';
import { VERSION } from '../core/version.ts';
import { ExchangeError, exchangeErrorOf } from './exchange-error.ts';

const MAX_BODY_BYTES = 64 * 1024;
/** Go accepts far more than Node's 16 KiB: an answer that the runner can read must not be a fault here. */
const MAX_HEADER_BYTES = 1024 * 1024;

export interface HttpPath {
  /** The open connection: to GitLab, or for `http://` through a proxy to that. */
  readonly socket: Socket;
  /** Opens the same connection once more. */
  readonly open: (signal: AbortSignal) => Promise<Socket>;
  readonly base: HttpUrl;
  /** Of the user and password in `url`. */
  readonly authorization?: string;
  /** For `http://` through a proxy: the request line holds the whole URL, and this authorization. */
  readonly absolute?: { readonly authorization?: string };
  readonly clock: Clock;
}

export type Send = (request: HttpRequest, signal: AbortSignal) => Promise<HttpAnswer>;

/** A sender on one connection. It rejects with an ExchangeError and with nothing else. */
export function createSender(httpPath: HttpPath): Send {
  let agent = new OneSocketAgent(httpPath.socket);
  let isUsed = false;
  return async (wanted, signal) => {
    using deadline = deadlineOf(wanted.timeoutSeconds, signal);
    const ask = async (): Promise<HttpAnswer> => {
      // Node itself ends a connection that the server will not use again, or whose answer was not read out.
      if (!agent.isUsable()) {
        agent = new OneSocketAgent(await reopenSocket(httpPath, deadline.signal));
        isUsed = false;
      }
      const answer = await sendOnce(httpPath, agent, wanted, deadline.signal);
      isUsed = true;
      return answer;
    };
    const wasUsed = isUsed && agent.isUsable();
    try {
      return await ask();
    } catch (error) {
      if (!wasUsed || wanted.method !== 'GET' || !isStale(error)) throw error;
      return await ask();
    }
  };
}

/** The answer, or the error: for a request whose failure is not a fault of the calling link. */
export async function answerOrError(
  send: Send,
  request: HttpRequest,
  signal: AbortSignal,
): Promise<HttpAnswer | ExchangeError> {
  try {
    return await send(request, signal);
  } catch (error) {
    if (error instanceof ExchangeError) return error;
    throw error;
  }
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
  agent: OneSocketAgent,
  wanted: HttpRequest,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  // Node would wait for an end that has been.
  if (!agent.isUsable()) throw new ExchangeError('reset', 'the connection was closed at once');
  const { clock } = httpPath;
  const start = clock.seconds();
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  const sent = startRequest(httpPath, agent, wanted);
  let head: IncomingMessage | undefined;
  const failed = (error: unknown): void =>
    reject(exchangeErrorOf(error, signal, head !== undefined));
  sent.on('error', failed);
  sent.on('response', (message) => {
    head = message;
    void (async () => {
      try {
        resolve(answerOf(message, await readBody(message), clock, start));
      } catch (error) {
        failed(error);
      }
    })();
  });
  const onAbort = (): void => {
    const fault = head === undefined ? 'no-answer' : 'slow-body';
    reject(new ExchangeError(fault, `no complete response within ${wanted.timeoutSeconds} s`));
    sent.destroy();
  };
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  sent.end(wanted.body);
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function startRequest(
  httpPath: HttpPath,
  agent: Agent,
  { method, path, headers, body }: HttpRequest,
): ClientRequest {
  const url = urlBelow(httpPath.base, path);
  const { authorization } = httpPath;
  const proxyAuthorization = httpPath.absolute?.authorization;
  return request({
    method,
    host: url.hostname,
    port: url.port,
    path: httpPath.absolute === undefined ? url.pathname : url.href,
    headers: {
      Host: url.host,
      'User-Agent': `runnerwatch/${VERSION}`,
      Connection: 'keep-alive',
      ...(authorization === undefined ? {} : { Authorization: authorization }),
      ...(proxyAuthorization === undefined ? {} : { 'Proxy-Authorization': proxyAuthorization }),
      ...(body === undefined
        ? {}
        : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }),
      ...headers,
    },
    agent,
    maxHeaderSize: MAX_HEADER_BYTES,
    // Go tolerates small protocol errors of a web server, and what the runner can read must be read here.
    insecureHTTPParser: true,
  });
}

/** Hands out one given socket and leaves it open after the answer. */
class OneSocketAgent extends Agent {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    super({ keepAlive: true, maxSockets: 1 });
    this.#socket = socket;
  }

  override createConnection(): Socket {
    return this.#socket;
  }

  isUsable(): boolean {
    return !this.#socket.destroyed && this.#socket.writable;
  }
}

async function readBody(message: IncomingMessage): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const chunks: Buffer[] = [];
  let length = 0;
  message.on('data', (chunk: Buffer) => {
    length += chunk.length;
    chunks.push(chunk);
    if (length <= MAX_BODY_BYTES) return;
    // Enough to know who answered; the rest would only cost time.
    resolve(Buffer.concat(chunks).subarray(0, MAX_BODY_BYTES).toString('utf8'));
    message.destroy();
  });
  message.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
  message.on('aborted', () =>
    reject(new ExchangeError('cut', 'the connection was closed before the response was complete')),
  );
  message.on('error', reject);
  return await promise;
}

function answerOf(message: IncomingMessage, body: string, clock: Clock, start: number): HttpAnswer {
  const headers = Object.fromEntries(
    Object.entries(message.headers).map(([name, value]) => [name, [value].flat().join(', ')]),
  );
  return {
    status: message.statusCode ?? 0,
    headers,
    body,
    seconds: clock.seconds() - start,
    receivedAt: clock.wall(),
  };
}
