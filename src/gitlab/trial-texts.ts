/** What is said of the address in use and of the right one, by the link that tells the two apart. */
import { detailOf } from '../core/finding.ts';
import type { Fault } from '../core/follow-up.ts';
import type { HttpUrl } from '../core/http-url.ts';

/** The token passes, and the runner was refused since it passed before. */
export const IN_DOUBT = 'token/pass';

/** Whether a server proves that it is the one of the name. */
export function isProving({ protocol }: HttpUrl): boolean {
  return protocol === 'https:';
}

export function rightText({ link, name }: Fault, url: HttpUrl): string {
  return link === 'token' && name !== IN_DOUBT && !isProving(url)
    ? 'where another GitLab answers'
    : (RIGHT_TEXTS[link] ?? 'where GitLab answers');
}

const RIGHT_TEXTS: Readonly<Record<string, string>> = {
  api: 'where the API of GitLab answers',
  token: 'where GitLab accepts the token',
};

/** What the address in use does: a clause that follows "which". */
export function wrongText({ link, name, finding }: Fault, url: HttpUrl): string {
  if (link === 'connect') return 'does not respond';
  if (name === IN_DOUBT && !isProving(url)) return 'leads to another GitLab';
  if (link === 'token') return 'rejects the token';
  return link === 'tls'
    ? `has a certificate that the runner rejects (${detailOf(finding)})`
    : `does not answer as GitLab (${detailOf(finding)})`;
}
