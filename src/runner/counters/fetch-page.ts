/** One GET of a page of the runner, with a size limit. Ends with the signal; never rejects. */
import type { RequestOptions } from 'node:http';
import { request } from 'node:http';

import { errnoText, isErrno } from '../../core/errno.ts';
import { connectTo } from '../../host/net/network.ts';
import type { MetricsAddress } from './listen-address.ts';

const MAX_BYTES = 8 * 1024 * 1024;

export interface PageRequest {
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Page =
  | { readonly kind: 'page'; readonly text: string }
  /** Nothing listens there, or the connection ended. */
  | { readonly kind: 'refused'; readonly detail: string; readonly isClosed: boolean }
  | { readonly kind: 'silent' | 'foreign'; readonly detail: string };

export async function fetchPage(
  { host, port }: MetricsAddress,
  { path, headers = {} }: PageRequest,
  signal: AbortSignal,
): Promise<Page> {
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const { promise, resolve } = Promise.withResolvers<Page>();
  const createConnection: RequestOptions['createConnection'] = (_options, onEnd) =>
    connectTo({ host, port }, onEnd);
  const sent = request({ host, port, path, headers, signal, createConnection }, (response) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      chunks.push(chunk);
      if (bytes <= MAX_BYTES) return;
      resolve({ kind: 'foreign', detail: `the response of ${authority} is too long` });
      sent.destroy();
    });
    response.once('error', (error) => resolve(errorResult(authority, error, signal)));
    response.once('end', () => {
      const { statusCode = 0 } = response;
      if (statusCode === 200)
        resolve({ kind: 'page', text: Buffer.concat(chunks).toString('utf8') });
      else resolve({ kind: 'foreign', detail: `${authority} returned ${statusCode} for ${path}` });
    });
  });
  sent.once('error', (error) => resolve(errorResult(authority, error, signal)));
  sent.end();
  return await promise;
}

function errorResult(authority: string, error: unknown, signal: AbortSignal): Page {
  if (signal.aborted)
    return { kind: 'silent', detail: `${authority} accepted the connection and did not respond` };
  const isClosed = isErrno(error, 'ECONNREFUSED');
  return { kind: 'refused', detail: `${authority} cannot be read (${errnoText(error)})`, isClosed };
}
