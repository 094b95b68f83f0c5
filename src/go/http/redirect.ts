/** Why Go's client cannot follow a redirect; it then has no answer at all. */
import { parseLikeGo } from '../url.ts';

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Undefined for an answer that is none, and for one that can be followed. */
export function redirectFault(
  status: number,
  headers: Readonly<Record<string, string>>,
): string | undefined {
  const location = headers['location'] ?? '';
  if (!REDIRECTS.has(status) || location === '') return undefined;
  const to = parseLikeGo(location);
  if (to === undefined) return 'the redirect has a header Location that is not a URL';
  if (to.scheme === '') return undefined;
  if (to.scheme !== 'http' && to.scheme !== 'https')
    return 'the redirect leads to an address that is neither http nor https';
  return to.host === '' ? 'the redirect leads to an address without a host' : undefined;
}
