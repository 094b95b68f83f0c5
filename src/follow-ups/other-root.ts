/**
 * Does a GitLab answer below another path of the same host?
 *
 * Source    Pages that every GitLab shows to everyone and that its limits on the API do not count: the root, which
 *           redirects to the sign-in page, then the path that GitLab's documentation gives a GitLab that shares its host.
 * Reasons   wrong-path, of the api link: it does.
 */
import type { Send } from '../core/exchange-error.ts';
import { answerOrError, ExchangeError } from '../core/exchange-error.ts';
import { detailOf } from '../core/finding.ts';
import { defineFollowUp } from '../core/follow-up.ts';
import type { HttpUrl } from '../core/http-url.ts';
import { portOf, urlBelow } from '../core/http-url.ts';
import type { Budget, HttpAnswer } from '../core/probe.ts';
import { fingerprint } from '../gitlab/fingerprint.ts';
import { heedingRetryAfter } from '../gitlab/retry-after.ts';

const ANSWER_SECONDS = 3;
/** A longer one is not a root, and is not shown. */
const MAX_PATH = 100;
const SIGN_IN = '/users/sign_in';
/** The path in the documentation for a GitLab that shares its host. */
const USUAL_ROOT = '/gitlab';

export const otherRoot = defineFollowUp({
  id: 'other-root',
  title: 'Other path',
  question: 'Does GitLab answer below another path of the same host?',
  after: ['api/not-gitlab'],
  revises: 'api',
  cost: 'pages',
  timeoutSeconds: 7,
  rememberSeconds: 900,
  reasons: {},
  linkReasons: ['wrong-path'],
  measures: {},

  // A web server without this path may have GitLab below another one.
  subject: ({ url }, { fault }) => (fault.finding.facts?.['status'] === 404 ? url.href : undefined),

  async run({ id, url }, { walk, budget, signal, fault }) {
    const send = walk.send && metered(walk.send, id, budget);
    const root = send === undefined ? undefined : await findOtherRoot(url, send, signal);
    if (root === undefined) return {};
    const detail = `${detailOf(fault.finding)}; GitLab answers at ${root}`;
    return { status: 'fail', reason: 'wrong-path', detail, facts: { root } };
  },
});

/** Counts the pages as the link counts its own, and keeps the pause that an answer asks for. */
function metered(send: Send, id: string, budget: Budget): Send {
  const heeding = heedingRetryAfter(send, (seconds) => budget.pause(id, seconds));
  return async (request, signal) => {
    budget.take('http', id);
    return await heeding(request, signal);
  };
}

/** The root that GitLab has, such as `https://host/gitlab/`. */
async function findOtherRoot(
  url: HttpUrl,
  send: Send,
  signal: AbortSignal,
): Promise<string | undefined> {
  const root =
    rootFromRedirect(await requestPage('/', send, signal), url) ??
    (await probeUsualRoot(url, send, signal));
  if (root === undefined) return undefined;
  const found = urlBelow(url, `${root}/`);
  return found.pathname === url.pathname || root.length > MAX_PATH ? undefined : found.href;
}

async function requestPage(path: string, send: Send, signal: AbortSignal) {
  const request = { method: 'GET', path, timeoutSeconds: ANSWER_SECONDS } as const;
  const answer = await answerOrError(send, request, signal);
  return answer instanceof ExchangeError ? undefined : answer;
}

/** GitLab redirects a request without a login from its root to its sign-in page. */
function rootFromRedirect(answer: HttpAnswer | undefined, url: HttpUrl): string | undefined {
  const location = answer?.headers['location'];
  const to = location === undefined ? null : URL.parse(location, url.origin);
  const isOwn = to?.hostname === url.hostname.toLowerCase() && portOf(to) === portOf(url);
  if (!isOwn || !to.pathname.endsWith(SIGN_IN)) return undefined;
  return to.pathname.slice(0, -SIGN_IN.length);
}

async function probeUsualRoot(
  url: HttpUrl,
  send: Send,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (url.pathname.startsWith(`${USUAL_ROOT}/`)) return undefined;
  const answer = await requestPage(`${USUAL_ROOT}/-/health`, send, signal);
  return answer !== undefined && fingerprint(answer).isProven ? USUAL_ROOT : undefined;
}
