/** Asks an HTTP server once, on a connection of its own; and sends it bytes that are no request. */
import type { IncomingHttpHeaders, RequestOptions } from 'node:http';
import { request } from 'node:http';
import { request as secureRequest } from 'node:https';
import type { NetConnectOpts } from 'node:net';
import { connect } from 'node:net';

export interface HttpReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
}

export interface Question extends RequestOptions {
  readonly body?: string;
  /** Options of TLS, for an https address. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
  readonly maxVersion?: 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';
  readonly servername?: string;
}

/** `address` is a URL; a unix socket is given as `socketPath` beside any URL. */
export async function ask(
  address: string,
  { body, ...question }: Question = {},
): Promise<HttpReply> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpReply>();
  const send = address.startsWith('https:') ? secureRequest : request;
  const sent = send(address, { agent: false, ...question }, (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.once('error', reject);
    response.once('end', () => {
      const whole = Buffer.concat(chunks);
      const { statusCode: status = 0, headers } = response;
      resolve({ status, headers, body: whole, text: whole.toString() });
    });
  });
  sent.once('error', reject);
  sent.end(body);
  return await promise;
}

/** What comes back for raw bytes until the server ends the connection. */
export async function tell(to: NetConnectOpts, bytes: string | Buffer): Promise<string> {
  const socket = connect(to);
  let heard = '';
  socket.setEncoding('latin1').on('data', (text: string) => (heard += text));
  // A server that stops reading in the middle resets; what it said before is what counts.
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.on('error', () => {}).once('close', () => resolve());
  socket.write(bytes);
  await promise;
  return heard;
}
