/**
 * The URL that Go's HTTP client requests: the name in ASCII where it is not (golang.org/x/net/idna, Lookup), user and
 * password as Basic, dots in the path resolved.
 */
import { domainToASCII } from 'node:url';

import type { HttpUrl } from '../core/http-url.ts';
import { Secret } from '../core/secret.ts';
import type { GoUrl } from './url.ts';
import { parseLikeGo } from './url.ts';

const MAX_PORT = 65_535;
/** ASCII is dialled as it is written. */
const ASCII = /^[\u0000-\u007f]*$/; // oxlint-disable-line no-control-regex -- every ASCII character

export type HttpUrlFault = 'unparsable' | 'scheme' | 'host' | 'port';

/** A fault where Go's client requests nothing. */
export function httpUrlOf(text: string, severalColons = false): HttpUrl | HttpUrlFault {
  const url = parseLikeGo(text, severalColons);
  if (url === undefined) return 'unparsable';
  if (url.scheme !== 'http' && url.scheme !== 'https') return 'scheme';
  if (url.host === '') return 'host';
  return Number(url.port) > MAX_PORT ? 'port' : build(url);
}

function build({ scheme, host, port, user, path, bareHost }: GoUrl): HttpUrl {
  const hostname = bracketed(dialledName(host));
  // The header has no zone.
  const named = hostname.replace(/%[^\]]*/, '');
  const colonPort = port === '' ? '' : `:${port}`;
  const shown = `${scheme}://${bracketed(host).replace('%', '%25')}${colonPort}`;
  const pathname = withoutDots(path);
  return {
    protocol: `${scheme}:`,
    hostname,
    port,
    host: bareHost ?? `${named}${colonPort}`,
    origin: shown,
    pathname,
    href: `${shown}${pathname}`,
    ...(bracketed(host) === hostname ? {} : { writtenHost: host }),
    ...(user === undefined
      ? {}
      : { credentials: { user: user.name, password: new Secret(user.password) } }),
  };
}

/** A name that has no ASCII form is looked up as it is, and not found. */
function dialledName(host: string): string {
  return ASCII.test(host) ? host : domainToASCII(host) || host;
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/** Go resolves the path of the request against that of the base. */
function withoutDots(path: string): string {
  const kept: string[] = [];
  for (const part of path.split('/').slice(1)) {
    if (part === '..') kept.pop();
    else if (part !== '.') kept.push(part);
  }
  return `/${kept.join('/')}`;
}
