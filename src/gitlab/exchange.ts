/**
 * Sends requests over the connection of the walk, one after the other, and reads the answers.
 *
 * Redirects are returned, not followed. A server that closes after an answer makes the same way be opened
 * once more. A deadline covers head and body, so that a dribbling body ends too.
 */
import type { ClientRequest, IncomingMessage } from 'node:http';
import { Agent, request } from 'node:http';
import type { Socket } from 'node:net';

import { deadlineOf } from '../core/abort.ts';
import type { Clock } from '../core/clock.ts';
import { isErrno } from '../core/errno.ts';
import type { HttpAnswer, HttpRequest } from '../core/probe.ts';
import { VERSION } from '../core/version.ts';

const MOST_BODY_BYTES = 64 * 1024;

/** How an exchange ended without an answer. */
export type ExchangeFault =
  | 'closed'
  | 'reset'
  | 'no-answer'
  | 'slow-body'
  | 'malformed'
  | 'client-certificate-required';

export class ExchangeError extends Error {
  readonly fault: ExchangeFault;

  constructor(fault: ExchangeFault, message: string) {
    super(message);
    this.name = 'ExchangeError';
    this.fault = fault;
  }
}

export interface Way {
  /** The open connection: to GitLab, or for `http://` through a proxy to that. */
  readonly socket: Socket;
  /** Opens the same way once more. */
  readonly open: (signal: AbortSignal) => Promise<Socket>;
  readonly base: URL;
  /** For `http://` through a proxy: the request line holds the whole URL, and this authorization. */
  readonly absolute?: { readonly authorization?: string };
  readonly clock: Clock;
}

export type Send = (request: HttpRequest, signal: AbortSignal) => Promise<HttpAnswer>;

/** A sender on one way. It rejects with an ExchangeError and with nothing else. */
export function createSender(way: Way): Send {
  let agent = new OneSocketAgent(way.socket);
  let isClosing = false;
  return async (wanted, signal) => {
    using deadline = deadlineOf(wanted.timeoutSeconds, signal);
    if (isClosing || !agent.isUsable()) {
      agent = new OneSocketAgent(await reopened(way, deadline.signal));
    }
    const answer = await exchange(way, agent, wanted, deadline.signal);
    isClosing = answer.headers['connection'] === 'close';
    return answer;
  };
}

async function reopened(way: Way, signal: AbortSignal): Promise<Socket> {
  try {
    return await way.open(signal);
  } catch {
    throw new ExchangeError(
      'closed',
      'the server closed the connection, and it cannot be opened again',
    );
  }
}

async function exchange(
  way: Way,
  agent: OneSocketAgent,
  wanted: HttpRequest,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const { clock } = way;
  const start = clock.seconds();
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  const sent = requestOn(way, agent, wanted);
  let head: IncomingMessage | undefined;
  sent.on('error', (error) => reject(faultOf(error, signal)));
  sent.on('response', (message) => {
    head = message;
    readBody(message).then(
      (body) => resolve(answerOf(message, body, clock, start)),
      (error: unknown) => reject(faultOf(error, signal)),
    );
  });
  const onAbort = (): void => {
    const fault = head === undefined ? 'no-answer' : 'slow-body';
    reject(new ExchangeError(fault, `no complete answer within ${wanted.timeoutSeconds} s`));
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

function requestOn(
  way: Way,
  agent: Agent,
  { method, path, headers, body }: HttpRequest,
): ClientRequest {
  const url = new URL(path, way.base);
  const authorization = way.absolute?.authorization;
  return request({
    method,
    host: url.hostname,
    port: url.port,
    path: way.absolute === undefined ? `${url.pathname}${url.search}` : url.href,
    headers: {
      Host: url.host,
      'User-Agent': `runnerwatch/${VERSION}`,
      Connection: 'keep-alive',
      ...(authorization === undefined ? {} : { 'Proxy-Authorization': authorization }),
      ...(body === undefined
        ? {}
        : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }),
      ...headers,
    },
    agent,
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
    if (length <= MOST_BODY_BYTES) return;
    // Enough to know who answered; the rest would only cost time.
    resolve(Buffer.concat(chunks).subarray(0, MOST_BODY_BYTES).toString('utf8'));
    message.destroy();
  });
  message.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
  message.on('aborted', () =>
    reject(new ExchangeError('reset', 'the connection ended within the body')),
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

const CERTIFICATE_ALERTS = /SSL alert number (?:40|42|45|46|48|116)\b/;

function faultOf(error: unknown, signal: AbortSignal): ExchangeError {
  if (error instanceof ExchangeError) return error;
  if (signal.aborted) return new ExchangeError('no-answer', 'no answer in time');
  const text = error instanceof Error ? error.message : '';
  // TLS 1.3: the server's refusal of a missing client certificate arrives with the first read.
  if (CERTIFICATE_ALERTS.test(text)) {
    return new ExchangeError(
      'client-certificate-required',
      'the server refused the client certificate after the handshake',
    );
  }
  if (isErrno(error) && error.code?.startsWith('HPE_') === true) {
    return new ExchangeError('malformed', `the answer is no HTTP (${error.code})`);
  }
  // "socket hang up" is Node's word for an end without an answer; it borrows the code of a reset.
  if (text === 'socket hang up' || isErrno(error, 'EPIPE')) {
    return new ExchangeError('closed', 'the connection was closed without an answer');
  }
  return new ExchangeError(
    'reset',
    `the connection broke: ${isErrno(error) ? error.code : 'unknown error'}`,
  );
}
