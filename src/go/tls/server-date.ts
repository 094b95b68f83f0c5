/**
 * Reads the clock of a server whose certificate is rejected for its dates. Sends one request without any secret over
 * an unverified connection and reads only the Date header, to compare two clocks.
 */
import type { Socket } from 'node:net';
import { isIP } from 'node:net';
import { connect } from 'node:tls';

import type { Instant } from '../../core/clock.ts';
import { readHead } from '../proxy/read-head.ts';
import type { Trust } from './trust.ts';

/** Unix milliseconds, accurate to one second; undefined without a usable answer. Closes the socket. */
export async function readServerDate(
  socket: Socket,
  host: string,
  { context }: Trust,
  signal: AbortSignal,
): Promise<Instant | undefined> {
  const name = host.replace(/\.$/, '');
  const secured = connect({
    socket,
    secureContext: context,
    rejectUnauthorized: false,
    ...(isIP(name) === 0 ? { servername: name } : {}),
  });
  secured.on('error', () => {});
  secured.write(`GET /-/health HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  const head = await readHead(secured, signal);
  secured.destroy();
  const text = /^date: *(?<date>.+)$/im.exec(head.text)?.groups?.['date'];
  const at = Date.parse(text ?? '');
  return head.kind === 'head' && !Number.isNaN(at) ? at : undefined;
}
