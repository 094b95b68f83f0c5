/** Reads the head of an HTTP answer from a socket and leaves the bytes after it unread. */
import type { Socket } from 'node:net';

import { errnoText, isErrno } from '../../core/errno.ts';

const HEAD_END = '\r\n\r\n';
const MAX_BYTES = 16 * 1024;

export type Head =
  | { readonly kind: 'head'; readonly text: string }
  /** It ended, or sent what is no HTTP; the first bytes are kept as evidence. */
  | { readonly kind: 'closed' | 'reset' | 'timeout' | 'too-long'; readonly text: string };

/** Waits for the blank line, the end, an error or the signal. Never rejects. */
export async function readHead(socket: Socket, signal: AbortSignal): Promise<Head> {
  const { promise, resolve } = Promise.withResolvers<Head>();
  let bytes = Buffer.alloc(0);
  const text = (): string => bytes.toString('latin1');
  const onData = (chunk: Buffer): void => {
    bytes = Buffer.concat([bytes, chunk]);
    const end = text().indexOf(HEAD_END);
    if (end !== -1) {
      const rest = bytes.subarray(end + HEAD_END.length);
      socket.pause();
      if (rest.length > 0) socket.unshift(rest);
      resolve({ kind: 'head', text: text().slice(0, end) });
    } else if (bytes.length > MAX_BYTES) resolve({ kind: 'too-long', text: text() });
  };
  const onEnd = (): void => resolve({ kind: 'closed', text: text() });
  const onError = (error: Error): void => {
    const kind = isErrno(error, 'ECONNRESET', 'EPIPE') ? 'reset' : 'closed';
    resolve({ kind, text: text() === '' ? errnoText(error) : text() });
  };
  const onAbort = (): void => resolve({ kind: 'timeout', text: text() });
  socket.on('data', onData).once('end', onEnd).once('close', onEnd).once('error', onError);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  // It died between two links: its events are over.
  if (socket.destroyed) onEnd();
  const head = await promise;
  socket.off('data', onData).off('end', onEnd).off('close', onEnd).off('error', onError);
  signal.removeEventListener('abort', onAbort);
  return head;
}

/** Reads exactly `count` bytes; undefined when they do not come. */
export async function readBytes(
  socket: Socket,
  count: number,
  signal: AbortSignal,
): Promise<Buffer | undefined> {
  const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
  const take = (): void => {
    if (socket.readableLength < count) return;
    resolve(socket.read(count) as Buffer);
  };
  const give = (): void => resolve(undefined);
  socket.on('readable', take).once('end', give).once('error', give);
  signal.addEventListener('abort', give, { once: true });
  take();
  const bytes = await promise;
  socket.off('readable', take).off('end', give).off('error', give);
  signal.removeEventListener('abort', give);
  return bytes;
}
