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
    meaning: 'Something answers, and it is not GitLab.',
    action: 'Correct host, port and path of `url`.',
  },
  'wrong-path': {
    meaning: 'GitLab answers, and its API is not below `url`.',
    action: 'Put the instance’s root into `url`, with its relative root if it has one.',
  },
  'too-many-requests': {
    meaning: 'GitLab limits the rate of requests from this address (429).',
    action: 'Nothing, if only runnerwatch is limited; else fewer runners behind this address.',
  },
  'bad-gateway': {
    meaning: 'The web tier answers, and GitLab’s API does not (502).',
    action: 'Look at puma and gitlab-workhorse on the GitLab server.',
  },
  booting: { meaning: 'GitLab is starting.', action: 'Wait some minutes and look again.' },
  unavailable: {
    meaning: 'GitLab’s API says that it is not available (503 or 504).',
    action: 'Look at the health of GitLab.',
  },
  maintenance: {
    meaning: 'GitLab’s API says that it is in maintenance (503).',
    action: 'Wait for the end of the maintenance.',
  },
  'server-error': {
    meaning: 'GitLab’s API failed (500).',
    action: 'Look at GitLab’s own log for the request id.',
  },
  challenge: {
    meaning: 'A bot challenge stands before GitLab’s API.',
    action: 'Exempt the runner’s address from the challenge.',
  },
  'origin-error': {
    meaning: 'The CDN before GitLab cannot reach it.',
    action: 'Look at the origin’s certificate and firewall.',
  },
  forbidden: {
    meaning: 'Something before GitLab refuses its API.',
    action: 'Allow the runner’s address on the way to GitLab’s API.',
  },
  'login-gateway': {
    meaning: 'A login stands before GitLab’s API.',
    action: 'Exempt GitLab’s API from the login.',
  },
  redirected: {
    meaning: 'The API redirects elsewhere, which turns the runner’s POST into GET.',
    action: 'Put the final address into `url`.',
  },
  moved: {
    meaning:
      'The API redirects elsewhere by 307 or 308; the runner follows, and this check does not.',
    action: 'Put the final address into `url`.',
  },
  'client-certificate-required': {
    meaning: 'The server wants a client certificate for the API.',
    action: 'Set tls-cert-file and tls-key-file.',
  },
  'no-answer': {
    meaning: 'The API does not answer in time.',
    action: 'Look at the load of the GitLab server.',
  },
  'connection-reset': {
    meaning: 'The connection was reset instead of an answer.',
    action: 'Look at load balancer and intrusion prevention before GitLab.',
  },
  closed: {
    meaning: 'The connection was closed instead of an answer.',
    action: 'Look at the web server before GitLab.',
  },
  'not-http': {
    meaning: 'What answers does not speak HTTP.',
    action: 'Correct the port in `url`.',
  },
  'api-error': {
    meaning: 'The API could not be judged: no connection, or an answer that fits nothing known.',
    action: 'Report it with the detail shown.',
  },
} as const satisfies Readonly<
  Record<WebFault | 'not-gitlab' | 'wrong-path' | 'api-error', ReasonSpec>
>;

export const api = defineProbe({
  id: 'api',
  title: 'GitLab API',
  question: 'Is it GitLab’s API that answers below `url`?',
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
        detail: 'there is no connection to speak on',
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
    return { status: 'warn', reason: fault, detail: `${detail}; it is left in peace now`, facts };
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
