/** The base URL of a GitLab, as the runner's HTTP client uses it; built by go/http-url.ts. The platform's `URL` has this form too. */
import type { Secret } from './secret.ts';

export interface HttpUrl {
  /** `https:` or `http:`. */
  readonly protocol: string;
  /** What is dialled: letters as written, an international name in ASCII, an IPv6 address in brackets. */
  readonly hostname: string;
  /** As written; empty where there is none. */
  readonly port: string;
  /** The value of the header `Host`. */
  readonly host: string;
  readonly origin: string;
  /** Escaped; that of a base URL ends with a slash. */
  readonly pathname: string;
  /** Without user and password. */
  readonly href: string;
  /** The host as written, where it is not what is dialled. */
  readonly writtenHost?: string;
  /** Sent as Basic with each request. */
  readonly credentials?: Credentials;
}

interface Credentials {
  readonly user: string;
  readonly password: Secret;
}

/** A path below the base URL (`api/v4/version`), or of its host (`/users/sign_in`). */
export function urlBelow(base: HttpUrl, path: string): HttpUrl {
  const pathname = path.startsWith('/') ? path : `${base.pathname}${path}`;
  return { ...partsOf(base), pathname, href: `${base.origin}${pathname}` };
}

/** A value that may be a `URL`, whose properties a spread does not copy. */
function partsOf(url: HttpUrl): HttpUrl {
  const { protocol, hostname, port, host, origin, pathname, href } = url;
  const parts = { protocol, hostname, port, host, origin, pathname, href };
  return { ...parts, ...(url.credentials === undefined ? {} : { credentials: url.credentials }) };
}

/** The port that is dialled. */
export function portOf({ port, protocol }: Pick<HttpUrl, 'port' | 'protocol'>): number {
  if (port !== '') return Number(port);
  return protocol === 'https:' ? 443 : 80;
}
