/** Sends one HTTP request, or raw bytes, on a connection of its own. */
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

export interface RequestSpec extends RequestOptions {
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
export async function sendRequest(
  address: string,
  { body, ...options }: RequestSpec = {},
): Promise<HttpReply> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpReply>();
  const send = address.startsWith('https:') ? secureRequest : request;
  const sent = send(address, { agent: false, ...options }, (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.once('error', reject);
    response.once('end', () => {
      const content = Buffer.concat(chunks);
      const { statusCode: status = 0, headers } = response;
      resolve({ status, headers, body: content, text: content.toString() });
    });
  });
  sent.once('error', reject);
  sent.end(body);
  return await promise;
}

/** Sends raw bytes and returns the answer when the server ends the connection. */
export async function sendBytes(to: NetConnectOpts, bytes: string | Buffer): Promise<string> {
  const socket = connect(to);
  let received = '';
  socket.setEncoding('latin1').on('data', (text: string) => (received += text));
  // A server that stops reading early resets the connection; the answer before that counts.
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.on('error', () => {}).once('close', () => resolve());
  socket.write(bytes);
  await promise;
  return received;
}
