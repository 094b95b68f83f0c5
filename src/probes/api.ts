/**
 * Is it GitLab's API that answers below `url`?
 *
 * Source    GET `api/v4/version` without a token: 401 JSON from Rails means alive.
 *           Only where nobody knows that path: GET `/` of the host, and `/gitlab/-/health`, for a GitLab elsewhere.
 * Measures  none; the phase times belong to the http link.
 * Reasons   not-gitlab, wrong-path, and whatever stands in the way; see `reasons`.
 * Unknown   moved: what is behind a redirect that keeps the runner's POST was not seen. api-error: no
 *           connection to speak on, or an answer of GitLab's own that fits nothing known.
 */
import type { Finding } from '../core/finding.ts';
import type { HttpAnswer, ReasonSpec } from '../core/probe.ts';
import { defineProbe } from '../core/probe.ts';
import { answerFacts, serverLabel } from '../gitlab/answer-facts.ts';
import { ExchangeError } from '../gitlab/exchange-error.ts';
import { fingerprint, isJson } from '../gitlab/fingerprint.ts';
import { retryAfterSeconds } from '../gitlab/retry-after.ts';
import type { WebFault } from '../gitlab/web-fault.ts';
import { webFaultOf } from '../gitlab/web-fault.ts';

const PATH = 'api/v4/version';
/** Less than the deadline, so that the probe itself can say "no answer". */
const ANSWER_SECONDS = 9;

const REASONS = {
  'not-gitlab': {
    meaning: 'The server at `url` is not GitLab.',
    action: 'Correct the host, port and path of `url`.',
  },
  'wrong-path': {
    meaning: 'GitLab answers, but its API is not below `url`.',
    action: 'Set `url` to the root of the instance, including its relative URL root.',
  },
  'too-many-requests': {
    meaning: 'GitLab limits the request rate of this address (429).',
    action:
      'Nothing, if only runnerwatch is limited; otherwise run fewer runners behind this address.',
  },
  'bad-gateway': {
    meaning: "The web server is up, GitLab's API behind it is down (502).",
    action: 'Check puma and gitlab-workhorse on the GitLab server.',
  },
  booting: { meaning: 'GitLab is starting.', action: 'Wait a few minutes, then check again.' },
  unavailable: {
    meaning: "GitLab's API is unavailable (503 or 504).",
    action: 'Check the health of GitLab.',
  },
  maintenance: {
    meaning: "GitLab's API is in maintenance mode (503).",
    action: 'Wait until the maintenance ends.',
  },
  'server-error': {
    meaning: "GitLab's API returns an internal error (500).",
    action: "Search GitLab's log for the request id.",
  },
  challenge: {
    meaning: "A bot challenge in front of GitLab's API blocks the runner.",
    action: "Exempt the runner's address from the challenge.",
  },
  'origin-error': {
    meaning: 'The CDN in front of GitLab cannot reach it.',
    action: 'Check the certificate and firewall of the GitLab server.',
  },
  forbidden: {
    meaning: 'A server in front of GitLab blocks its API.',
    action: "Allow the runner's address for GitLab's API on that server.",
  },
  'login-gateway': {
    meaning: "A login in front of GitLab's API blocks the runner.",
    action: "Exempt GitLab's API from the login.",
  },
  redirected: {
    meaning: "The API redirects, so the runner's POST requests become GET.",
    action: 'Set `url` to the final address.',
  },
  moved: {
    meaning:
      'The API redirects with 307 or 308; the runner follows the redirect, this check does not.',
    action: 'Set `url` to the final address.',
  },
  'client-certificate-required': {
    meaning: 'The server requires a client certificate for the API.',
    action: 'Set tls-cert-file and tls-key-file.',
  },
  'no-answer': {
    meaning: 'The API does not respond before the timeout.',
    action: 'Check the load of the GitLab server.',
  },
  'connection-reset': {
    meaning: 'The connection was reset before the response.',
    action: 'Check the load balancer and the intrusion prevention system in front of GitLab.',
  },
  closed: {
    meaning: 'The connection was closed before the response.',
    action: 'Check the web server in front of GitLab.',
  },
  'not-http': {
    meaning: 'The server does not use HTTP.',
    action: 'Correct the port in `url`.',
  },
  'api-error': {
    meaning: 'The API check has no result: no connection, or an unknown response.',
    action: 'Report the detail shown as a bug of runnerwatch.',
  },
} as const satisfies Readonly<
  Record<WebFault | 'not-gitlab' | 'wrong-path' | 'api-error', ReasonSpec>
>;

export const api = defineProbe({
  id: 'api',
  title: 'GitLab API',
  question: "Does GitLab's API answer below `url`?",
  kind: 'endpoint',
  needs: ['http'],
  intervalSeconds: 900,
  timeoutSeconds: 10,
  budgeted: true,
  options: {},
  reasons: REASONS,
  measures: {},

  async run(target, _options, { walk, budget, signal }) {
    if (walk.send === undefined) {
      return {
        status: 'unknown',
        reason: 'api-error',
        detail: 'there is no open connection',
      };
    }
    const asked = new URL(PATH, target.url);
    try {
      const request = { method: 'GET', path: PATH, timeoutSeconds: ANSWER_SECONDS } as const;
      const answer = await walk.send(request, signal);
      const quiet = retryAfterSeconds(answer);
      if (quiet > 0) budget.pause(target.id, quiet);
      return judged(answer, asked);
    } catch (error) {
      if (!(error instanceof ExchangeError)) throw error;
      return {
        status: 'fail',
        reason: webFaultOf(error),
        detail: `GET ${asked.href}: ${error.message}`,
      };
    }
  },
});

function judged(answer: HttpAnswer, asked: URL): ApiFinding {
  const { who } = fingerprint(answer);
  const { status } = answer;
  const facts = answerFacts(answer, asked);
  const detail = serverLabel(answer, asked);
  const isGitLab = who === 'rails' || who === 'workhorse';
  if ((status === 401 || status === 200) && isGitLab && isJson(answer)) {
    return { status: 'pass', facts };
  }
  const fault = webFaultOf(answer, asked);
  if (fault === 'too-many-requests') {
    return {
      status: 'warn',
      reason: fault,
      detail: `${detail}; the check waits before the next request`,
      facts,
    };
  }
  if (fault === 'moved') return { status: 'unknown', reason: fault, detail, facts };
  if (fault !== undefined) return { status: 'fail', reason: fault, detail, facts };
  const reason = isGitLab ? wrongAnswer(status) : stranger(answer);
  return { status: reason === 'api-error' ? 'unknown' : 'fail', reason, detail, facts };
}

type ApiFinding = Finding<keyof typeof REASONS>;

/** GitLab has no such path, or wants a login or shows a page there: `url` is not its root. */
function wrongAnswer(status: number): 'wrong-path' | 'api-error' {
  return status < 400 || status === 404 ? 'wrong-path' : 'api-error';
}

const PASSWORD_FIELD = /<input\b[^>]*\btype\s*=\s*["']?password/i;

/** A login page in the place of the API, or another program altogether. */
function stranger({ status, body }: HttpAnswer): 'login-gateway' | 'not-gitlab' {
  return (status === 200 || status === 401) && PASSWORD_FIELD.test(body)
    ? 'login-gateway'
    : 'not-gitlab';
}
