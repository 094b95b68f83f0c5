/**
 * GitLab's API is not found below `url`: does GitLab answer below another path of the same host? Requests pages that
 * every GitLab shows without a login and that its API rate limits do not count.
 */
import type { HttpAnswer } from '../core/probe.ts';
import { ExchangeError } from './exchange-error.ts';
import { answerOrError } from './exchange.ts';
import type { Send } from './exchange.ts';
import { fingerprint } from './fingerprint.ts';

const ANSWER_SECONDS = 3;
/** A longer one is no root, and is not shown. */
const MAX_PATH = 100;
const SIGN_IN = '/users/sign_in';
/** Where the documentation puts a GitLab that shares its host. */
const USUAL_ROOT = '/gitlab';

/** The root that GitLab has, such as `https://host/gitlab/`. */
export async function findOtherRoot(
  url: URL,
  send: Send,
  signal: AbortSignal,
): Promise<string | undefined> {
  const root =
    rootFromRedirect(await requestPage('/', send, signal), url) ??
    (await probeUsualRoot(url, send, signal));
  if (root === undefined) return undefined;
  const found = new URL(`${root}/`, url);
  return found.pathname === url.pathname || root.length > MAX_PATH ? undefined : found.href;
}

async function requestPage(path: string, send: Send, signal: AbortSignal) {
  const request = { method: 'GET', path, timeoutSeconds: ANSWER_SECONDS } as const;
  const answer = await answerOrError(send, request, signal);
  return answer instanceof ExchangeError ? undefined : answer;
}

/** GitLab redirects a request without a login from its root to its sign-in page. */
function rootFromRedirect(answer: HttpAnswer | undefined, url: URL): string | undefined {
  const location = answer?.headers['location'];
  const to = location === undefined ? null : URL.parse(location, url.origin);
  if (to === null || to.host !== url.host || !to.pathname.endsWith(SIGN_IN)) return undefined;
  return to.pathname.slice(0, -SIGN_IN.length);
}

async function probeUsualRoot(
  url: URL,
  send: Send,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (url.pathname.startsWith(`${USUAL_ROOT}/`)) return undefined;
  const answer = await requestPage(`${USUAL_ROOT}/-/health`, send, signal);
  return answer !== undefined && fingerprint(answer).isProven ? USUAL_ROOT : undefined;
}
