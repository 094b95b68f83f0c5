/**
 * Is it GitLab's API that answers below `url`?
 *
 * Source    GET `api/v4/version` without a token: 401 JSON from Rails means alive (network reference 2.3).
 * Measures  none; the phase times belong to the http link.
 * Reasons   not-gitlab, wrong-path, and whatever stands in the way; see `reasons`.
 * Unknown   api-error: no connection to speak on, or the server asked for quiet.
 */
import type { Finding } from '../core/finding.ts';
import type { HttpAnswer, ReasonSpec } from '../core/probe.ts';
import { defineProbe } from '../core/probe.ts';
import type { EndpointTarget } from '../core/target.ts';
import { ExchangeError } from '../gitlab/exchange.ts';
import { fingerprint, isJson, retryAfterSeconds } from '../gitlab/fingerprint.ts';
import type { WebFault } from '../gitlab/web-fault.ts';
import { webFaultOf } from '../gitlab/web-fault.ts';

/** Less than the deadline, so that the probe itself can say "no answer". */
const ANSWER_SECONDS = 9;
/** Quiet after a 429 without a time. */
const QUIET_SECONDS = 60;

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
    meaning: 'GitLab’s API says that it is not available (503).',
    action: 'Look at the health of GitLab.',
  },
  'server-error': {
    meaning: 'GitLab’s API failed (500 or 504).',
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
    meaning: 'There was no connection to speak on.',
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

  async run(target, _options, { walk, ledger, signal }) {
    if (walk.send === undefined) {
      return {
        status: 'unknown',
        reason: 'api-error',
        detail: 'there is no connection to speak on',
      };
    }
    try {
      const request = {
        method: 'GET',
        path: 'api/v4/version',
        timeoutSeconds: ANSWER_SECONDS,
      } as const;
      const answer = await walk.send(request, signal);
      const quiet = Math.max(retryAfterSeconds(answer), answer.status === 429 ? QUIET_SECONDS : 0);
      if (quiet > 0) ledger.pause(target.id, quiet);
      return judged(target, answer);
    } catch (error) {
      if (!(error instanceof ExchangeError)) throw error;
      const reason = webFaultOf(error);
      return { status: 'fail', reason, detail: `GET ${target.id}api/v4/version: ${error.message}` };
    }
  },
});

function judged(target: EndpointTarget, answer: HttpAnswer): Finding<keyof typeof REASONS> {
  const { who, signals, server } = fingerprint(answer);
  const { status } = answer;
  const location = answer.headers['location'];
  const facts = {
    status,
    who,
    server,
    signals: signals.join(', '),
    ...(location === undefined ? {} : { location }),
  };
  const said = `GET ${target.id}api/v4/version answered ${status} by ${server === '' ? who : `${who} (${server})`}`;
  if ((status === 401 || status === 200) && who !== 'other' && isJson(answer)) {
    return { status: 'pass', facts };
  }
  const fault = webFaultOf(answer, target.url);
  if (fault === 'too-many-requests') {
    return {
      status: 'warn',
      reason: fault,
      detail: `${said}; it is left in peace until then`,
      facts,
    };
  }
  if (fault !== undefined) return { status: 'fail', reason: fault, detail: said, facts };
  const reason = who === 'rails' || who === 'workhorse' ? 'wrong-path' : 'not-gitlab';
  return { status: 'fail', reason, detail: said, facts };
}
