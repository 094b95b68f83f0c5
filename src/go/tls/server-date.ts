/**
 * What time is it at the server whose certificate is refused for its dates? One request without any secret over
 * a connection that nobody has to trust: only the Date of the answer is read, to compare two clocks.
 */
import type { Socket } from 'node:net';
import { isIP } from 'node:net';
import { connect } from 'node:tls';

import type { Instant } from '../../core/clock.ts';
import { readHead } from '../proxy/read-head.ts';
import type { Trust } from './trust.ts';

/** Unix milliseconds, good to one second; undefined when no answer tells. Takes the socket with it. */
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
