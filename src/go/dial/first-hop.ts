/** The host and port that requests for a URL connect to first: the proxy, or GitLab. */
import { withoutBrackets } from '../../core/address.ts';
import type { HttpUrl } from '../../core/http-url.ts';
import { portOf } from '../../core/http-url.ts';
import type { EndpointTarget } from '../../core/target.ts';

export interface DialledHostPort {
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
}

/** What a URL names, with the default port of its scheme. */
export function hostPortOf(url: HttpUrl): DialledHostPort {
  return { host: withoutBrackets(url.hostname), port: portOf(url) };
}

/** The proxy's address where there is one, else GitLab's. */
export function firstHopOf({
  url,
  proxy,
}: EndpointTarget): DialledHostPort & { readonly of: 'proxy' | 'gitlab' } {
  if (proxy.kind === 'proxy') return { host: proxy.host, port: proxy.port, of: 'proxy' };
  return { ...hostPortOf(url), of: 'gitlab' };
}
