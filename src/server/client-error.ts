/**
 * Answers a client whose bytes are not a valid request: one sentence, the right status, then the connection is closed.
 * Nothing of the request is repeated.
 */
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

import { isErrno } from '../core/errno.ts';

const ANSWERS: Readonly<Record<string, readonly [status: number, text: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'the request address and headers are larger than 16 KiB'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'the request took too long to arrive'],
};
/** How long a client may continue to send after the answer. */
const LINGER_MILLISECONDS = 1000;
const OTHERWISE = [400, 'invalid request'] as const;

export function answerClientError(error: Error, socket: Duplex): void {
  const code = isErrno(error) ? (error.code ?? '') : '';
  // The client is gone or never finished the handshake: it could not read an answer.
  if (!socket.writable || code === 'ECONNRESET' || /_SSL_|_TLS_/.test(code)) {
    socket.destroy();
    return;
  }
  const [status, text] = ANSWERS[code] ?? OTHERWISE;
  const body = `${JSON.stringify({ error: text })}\n`;
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Content-Type: application/json; charset=utf-8',
    'Cache-Control: no-store',
    'X-Content-Type-Options: nosniff',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  // Closing with bytes unread would reset the connection, and the sentence would be lost: they are thrown away.
  socket.removeAllListeners('data').resume();
  const timer = setTimeout(() => socket.destroy(), LINGER_MILLISECONDS);
  socket.once('close', () => clearTimeout(timer));
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
