/** The bytes of a request. */
import type { HttpUrl } from '../../core/http-url.ts';
import { urlBelow } from '../../core/http-url.ts';
import type { HttpRequest } from '../../core/probe.ts';
import { VERSION } from '../../core/version.ts';

// oxlint-disable-next-line no-control-regex -- what Go refuses to send
const NOT_SENT = /[\x00-\x08\x0a-\x1f\x7f]/;

export interface RequestSettings {
  readonly base: HttpUrl;
  /** Of the user and password in `url`. */
  readonly authorization?: string;
  /** For `http://` through a proxy: the request line holds the whole URL, and this authorization. */
  readonly absolute?: { readonly authorization?: string };
}

export function requestText(
  { base, authorization, absolute }: RequestSettings,
  { method, path, headers, body }: HttpRequest,
): Buffer {
  const url = urlBelow(base, path);
  const all: Readonly<Record<string, string | undefined>> = {
    Host: url.host,
    'User-Agent': `runnerwatch/${VERSION}`,
    Connection: 'keep-alive',
    Authorization: authorization,
    'Proxy-Authorization': absolute?.authorization,
    'Content-Type': body === undefined ? undefined : 'application/json',
    'Content-Length': body === undefined ? undefined : String(Buffer.byteLength(body)),
    ...headers,
  };
  const lines = Object.entries(all).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}`],
  );
  const wrong = lines.find((line) => NOT_SENT.test(line));
  if (wrong !== undefined)
    throw new Error(`the header ${wrong.split(':')[0]} contains a control character`);
  const target = absolute === undefined ? url.pathname : url.href;
  return Buffer.from(
    `${[`${method} ${target} HTTP/1.1`, ...lines].join('\r\n')}\r\n\r\n${body ?? ''}`,
  );
}
