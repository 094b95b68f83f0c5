/**
 * A short request over a connection of the network at hand, as a program's own client sends it.
 *
 * Promises: ends with the signal; an answer that is longer than `maxBytes` is an error. Files for TLS that cannot be used
 * are an error before anything is connected. As in Go, every certificate among the authorities is trusted by itself.
 */
import type { IncomingMessage, RequestOptions } from 'node:http';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import type { SecureContext, SecureContextOptions } from 'node:tls';
import { connect as connectTls, createSecureContext } from 'node:tls';

import { errnoText } from '../../core/errno.ts';
import type { Destination } from './network.ts';
import { connectTo } from './network.ts';

export interface ShortAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
  readonly bytes: Buffer;
}

export type ShortRequest = RequestOptions & {
  readonly maxBytes: number;
  readonly body?: string;
};

/** Of this host, not of the server: no such file has been sent. */
class TlsFilesError extends Error {
  constructor(cause: unknown) {
    super(`the files for TLS cannot be used: ${errnoText(cause)}`, { cause });
  }
}

/** The answer is not what was asked for. */
export class LongAnswerError extends Error {
  constructor(maxBytes: number) {
    super(`the answer has more than ${maxBytes} bytes`);
  }
}

/** Over TCP, with TLS where files or options for it are given. */
export async function requestOverTcp(
  destination: Destination,
  tls: SecureContextOptions | undefined,
  request: ShortRequest,
): Promise<ShortAnswer> {
  const { host, port } = destination;
  const context = tls && contextOf(tls);
  const createConnection: RequestOptions['createConnection'] = (_options, onEnd) =>
    context === undefined ? connectTo(destination, onEnd) : secureTo(destination, context, onEnd);
  const send = tls === undefined ? httpRequest : httpsRequest;
  return await sendShort(send, { ...request, host, port, createConnection });
}

function contextOf(files: SecureContextOptions): SecureContext {
  try {
    return createSecureContext({ ...files, allowPartialTrustChain: true });
  } catch (error) {
    throw new TlsFilesError(error);
  }
}

/** A TLS connection over one of the network at hand. */
function secureTo(
  destination: Destination,
  secureContext: SecureContext,
  onEnd: (error: Error | null, socket: Duplex) => void,
): undefined {
  const { host } = destination;
  const servername = isIP(host) === 0 ? { servername: host } : {};
  connectTo(destination, (error, socket) => {
    if (error === null) onEnd(null, connectTls({ secureContext, ...servername, host, socket }));
    else onEnd(error, socket);
  });
}

/** The error that the kernel would report after its own timeout. */
class ConnectTimeoutError extends Error {
  readonly code = 'ETIMEDOUT';
}

export async function sendShort(
  send: (options: RequestOptions, onAnswer: (answer: IncomingMessage) => void) => unknown,
  { maxBytes, body, ...options }: ShortRequest,
): Promise<ShortAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<ShortAnswer>();
  const request = send(options, (answer) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    answer.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= maxBytes) chunks.push(chunk);
      else answer.destroy(new LongAnswerError(maxBytes));
    });
    answer.once('error', reject);
    answer.once('end', () => {
      const { statusCode = 0, headers } = answer;
      const all = Buffer.concat(chunks);
      resolve({ status: statusCode, headers, body: all.toString(), bytes: all });
    });
  }) as ReturnType<typeof httpRequest>;
  let isConnected = false;
  request.once('socket', (socket) => {
    isConnected = !socket.connecting;
    socket.once('connect', () => (isConnected = true));
  });
  request.once('error', (error) => {
    const isLate = options.signal?.aborted === true && !isConnected;
    reject(isLate ? new ConnectTimeoutError('the connection was not accepted in time') : error);
  });
  request.end(body);
  return await promise;
}
