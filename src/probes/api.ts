/**
 * Is it GitLab's API that answers below `url`?
 *
 * Source    GET `api/v4/version` without a token: 401 JSON from Rails means alive.
 *           Then POST `api/v4/runners/verify` without a token, with the runner's user agent (gitlab/runner-request.ts): what
 *           refuses the runner's kind of request alone. Where GET is refused, it tells whether the runner is, too.
 *           Only where that path is unknown: GET `/` of the host, and `/gitlab/-/health`, for a GitLab elsewhere.
 * Measures  none; the phase times belong to the http link.
 * Reasons   not-gitlab, wrong-path, and the faults of the path; see `reasons`.
 * Unknown   no-answer: the runner waits for longer. moved: the target of a redirect that keeps the runner's POST was not checked. api-error: no
 *           connection to speak on, or an answer of GitLab's own that fits nothing known.
 */
import { CHANGES_OF_NAME } from '../core/change.ts';
import type { Send } from '../core/exchange-error.ts';
import { ExchangeError } from '../core/exchange-error.ts';
import type { Finding } from '../core/finding.ts';
import { detailOf, reasonOf } from '../core/finding.ts';
import type { HttpUrl } from '../core/http-url.ts';
import { urlBelow } from '../core/http-url.ts';
import type { HttpAnswer, LinkTools } from '../core/probe.ts';
import { addressOfWalk, defineProbe } from '../core/probe.ts';
import { leadToCauses } from '../core/reason.ts';
import { ANSWER_PATIENCE, ANSWER_SECONDS } from '../core/runner-patience.ts';
import type { EndpointTarget } from '../core/target.ts';
import { answerFacts, serverLabel } from '../gitlab/answer-facts.ts';
import { fingerprint, isJson } from '../gitlab/fingerprint.ts';
import type { Refused } from '../gitlab/runner-request.ts';
import {
  refusalOfRunner,
  RUNNER_REQUEST,
  runnerReachesGitLab,
  senderOf,
} from '../gitlab/runner-request.ts';
import { retryAfterSeconds } from '../gitlab/retry-after.ts';
import { WEB_REASONS, webFaultOf } from '../gitlab/web-fault.ts';

const PATH = 'api/v4/version';

const REASONS = {
  ...WEB_REASONS,
  moved: {
    kind: 'unseen',
    meaning:
      'The API redirects with 307 or 308; the runner follows the redirect, this check does not.',
    action: 'Set `url` to the final address.',
  },
  ...leadToCauses('not-gitlab', 'wrong-path', 'only-monitor-refused'),
  'api-error': {
    kind: 'unseen',
    meaning: 'The API check has no result: no connection, or an unknown response.',
    action: 'Report the detail shown as a bug of runnerwatch.',
  },
} as const;

export const api = defineProbe({
  id: 'api',
  title: 'GitLab API',
  question: "Does GitLab's API answer below `url`?",
  kind: 'endpoint',
  changedBy: [...CHANGES_OF_NAME, 'proxy-environment'],
  needs: ['http'],
  intervalSeconds: 900,
  timeoutSeconds: ANSWER_SECONDS + 1,
  patience: ANSWER_PATIENCE,
  // `as-runner` is a kind of the http link.
  requests: { api: 'budgeted', post: 'budgeted' },
  options: {},
  reasons: REASONS,
  measures: {},

  async run(target, _options, tools) {
    const { walk, budget, signal } = tools;
    const send = senderOf(walk);
    if (send === undefined) {
      return {
        status: 'unknown',
        reason: 'api-error',
        detail: 'there is no open connection',
      };
    }
    const asked = urlBelow(target.url, PATH);
    try {
      const request = { method: 'GET', path: PATH, timeoutSeconds: ANSWER_SECONDS } as const;
      const answer = await send(request, signal);
      const quiet = retryAfterSeconds(answer);
      if (quiet > 0) budget.pause(target.id, quiet);
      const finding = await judgeAsRunner(judgeAnswer(answer, asked), target, tools, send);
      return { ...finding, facts: { ...finding.facts, ...addressOfWalk(walk) } };
    } catch (error) {
      if (!(error instanceof ExchangeError)) throw error;
      const reason = webFaultOf(error);
      const detail = `GET ${asked.href}: ${error.message}`;
      const facts = { http_fault: error.message, ...addressOfWalk(walk) };
      return { status: reason === 'no-answer' ? 'unknown' : 'fail', reason, detail, facts };
    }
  },
});

/** Refusals of our GET that the runner's POST may not meet. */
const REFUSALS: ReadonlySet<string> = new Set([
  'forbidden',
  'challenge',
  'login-gateway',
  'redirected',
]);

async function judgeAsRunner(
  judged: ApiFinding,
  { id, url }: EndpointTarget,
  { budget, signal, previous }: LinkTools,
  send: Send,
): Promise<ApiFinding> {
  const reason = reasonOf(judged) ?? '';
  if (REFUSALS.has(reason) && budget.take('as-runner', id)) {
    if (!(await runnerReachesGitLab(send, signal))) return judged;
    const detail = `${detailOf(judged)}; a request as the runner sends it reaches GitLab`;
    return { ...judged, status: 'warn', reason: 'only-monitor-refused', detail };
  }
  if (judged.status !== 'pass') return judged;
  // What was refused is not open because it was not asked again.
  if (!budget.take('post', id)) return isRefusedPost(previous) ? previous : judged;
  const refused = await refusalOfRunner(url, send, signal);
  return refused === undefined ? judged : judgeRefused(refused, urlBelow(url, RUNNER_REQUEST.path));
}

function isRefusedPost(finding: Finding | undefined): finding is ApiFinding {
  return finding?.status === 'fail' && finding.facts?.['method'] === 'POST';
}

/** GitLab answers our GET, and something in front of it refuses the runner's POST. */
function judgeRefused({ fault, answer }: Refused, asked: HttpUrl): ApiFinding {
  if (answer instanceof ExchangeError) {
    const facts = { method: 'POST', http_fault: answer.message };
    return {
      status: 'fail',
      reason: fault,
      detail: `POST ${asked.href}: ${answer.message}`,
      facts,
    };
  }
  const facts = { ...answerFacts(answer, asked), method: 'POST' };
  const detail = serverLabel(answer, asked).replace(' for GET ', ' for POST ');
  return { status: 'fail', reason: fault, detail, facts };
}

function judgeAnswer(answer: HttpAnswer, asked: HttpUrl): ApiFinding {
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
  const reason = isGitLab ? wrongAnswer(status) : notGitLab(answer);
  return { status: reason === 'api-error' ? 'unknown' : 'fail', reason, detail, facts };
}

type ApiFinding = Finding<keyof typeof REASONS>;

/** GitLab has no such path, or wants a login or shows a page there: `url` is not its root. */
function wrongAnswer(status: number): 'wrong-path' | 'api-error' {
  return status < 400 || status === 404 ? 'wrong-path' : 'api-error';
}

const PASSWORD_FIELD = /<input\b[^>]*\btype\s*=\s*["']?password/i;

/** A login page in the place of the API, or another program altogether. */
function notGitLab({ status, body }: HttpAnswer): 'login-gateway' | 'not-gitlab' {
  return (status === 200 || status === 401) && PASSWORD_FIELD.test(body)
    ? 'login-gateway'
    : 'not-gitlab';
}
