/**
 * Does a GitLab answer at the end of the path?
 *
 * Source    GET `-/health` below the base URL: exempt from GitLab's throttles; 200, or the empty 404 of a
 *           client that is not allow-listed. gitlab/fingerprint.ts tells which server answered.
 *           Only where that is refused: GET `users/sign_in`, since many restrict only the health page; then POST
 *           `api/v4/runners/verify` without a token, as the runner would ask (gitlab/runner-request.ts).
 * Measures  response_seconds; clock_skew_seconds (GitLab's Date minus this clock, good to one second).
 * Reasons   which server in front of GitLab refuses, or the state of GitLab's web tier; see `reasons`.
 * Unknown   no-answer: the runner waits for longer. http-error: no usable connection.
 *
 * Whether it is GitLab for certain is the question of the api link: a plain 404 passes here.
 */
import type { Socket } from 'node:net';

import { goSettingsOf } from '../go/settings.ts';
import type { HttpPath } from '../go/http/sender.ts';
import { createSender } from '../go/http/sender.ts';
import { basicOf } from '../go/proxy/tunnel.ts';
import { CHANGES_OF_NAME } from '../core/change.ts';
import { ExchangeError } from '../core/exchange-error.ts';
import type { Send } from '../core/exchange-error.ts';
import type { Finding } from '../core/finding.ts';
import { detailOf, reasonOf } from '../core/finding.ts';
import type { HttpUrl } from '../core/http-url.ts';
import { urlBelow } from '../core/http-url.ts';
import type { HttpAnswer, LinkTools } from '../core/probe.ts';
import { addressOfWalk, defineProbe } from '../core/probe.ts';
import { leadToCauses } from '../core/reason.ts';
import { ANSWER_PATIENCE, ANSWER_SECONDS } from '../core/runner-patience.ts';
import type { EndpointTarget, ProxyDecision } from '../core/target.ts';
import { answerFacts, serverLabel } from '../gitlab/answer-facts.ts';
import { skewOf } from '../gitlab/clock-skew.ts';
import type { HealthFault } from '../gitlab/health-fault.ts';
import { HEALTH_REASONS, HEALTH_REQUEST, healthFaultOf } from '../gitlab/health-fault.ts';
import { runnerReachesGitLab } from '../gitlab/runner-request.ts';
import { retryAfterSeconds } from '../gitlab/retry-after.ts';
import { webFaultOf } from '../gitlab/web-fault.ts';

const REASONS = {
  ...HEALTH_REASONS,
  ...leadToCauses('slow', 'only-monitor-refused'),
  'http-error': {
    kind: 'unseen',
    meaning: 'There was no open connection.',
    action: 'Report the detail shown as a bug of runnerwatch.',
  },
} as const;

export const http = defineProbe({
  id: 'http',
  title: 'HTTP',
  question: "Does GitLab's web server answer, and in which state?",
  kind: 'endpoint',
  changedBy: [...CHANGES_OF_NAME, 'proxy-environment'],
  refreshes: { links: ['api'], exceptReasons: ['slow'] },
  needs: ['connect', 'proxy', 'tls'],
  intervalSeconds: 60,
  timeoutSeconds: ANSWER_SECONDS + 1,
  patience: ANSWER_PATIENCE,
  requests: { http: 'counted', 'as-runner': 'paced' },
  options: {
    slow_seconds: {
      kind: 'number',
      default: 5,
      unit: 'seconds',
      min: 0.1,
      max: 60,
      help: 'A response that takes longer is a warning.',
    },
  },
  reasons: REASONS,
  measures: {
    response_seconds: {
      measurement: 'responseTime',
      help: 'Time from the request to the end of the response.',
      as: { metric: 'path_phase_seconds', labels: { phase: 'http' } },
    },
    clock_skew_seconds: {
      help: "Date header of GitLab's response minus this host's clock, accurate to one second.",
      as: { metric: 'clock_skew_seconds' },
    },
  },

  async run(target, options, tools) {
    const httpPath = httpPathOf(target, tools);
    if (httpPath === undefined) {
      return {
        status: 'unknown',
        reason: 'http-error',
        detail: 'there is no open connection',
      };
    }
    const send = createSender(httpPath);
    tools.walk.send = send;
    const asked = urlBelow(target.url, HEALTH_REQUEST.path);
    try {
      const answer = await send(HEALTH_REQUEST, tools.signal);
      const quiet = retryAfterSeconds(answer);
      if (quiet > 0) tools.budget.pause(target.id, quiet);
      const fault = await healthFaultOf(answer, target, send, tools.signal);
      const judged = judgeAnswer(answer, asked, fault, options.slow_seconds, target.proxy);
      const finding = await judgeAsRunner(judged, fault, target.id, tools, send);
      return { ...finding, facts: { ...finding.facts, ...addressOfWalk(tools.walk) } };
    } catch (error) {
      if (!(error instanceof ExchangeError)) throw error;
      const detail = `GET ${asked.href}: ${error.message}`;
      const reason = webFaultOf(error);
      const facts = { http_fault: error.message, ...addressOfWalk(tools.walk) };
      return { status: reason === 'no-answer' ? 'unknown' : 'fail', reason, detail, facts };
    }
  },
});

/** Refusals that may be of our user agent or of our request alone; where the pages only want a login, the api link asks. */
const REFUSALS: ReadonlySet<HealthFault | undefined> = new Set<HealthFault>([
  'forbidden',
  'banned',
  'challenge',
]);
/** How long a request as the runner would ask holds: while we alone are refused, and while both are. */
const ASKED_SECONDS = { alone: 900, both: 300 };

/** Where we are refused: whether the runner would be, too. If not, the links behind ask as the runner does. */
async function judgeAsRunner(
  judged: HttpFinding,
  fault: HealthFault | undefined,
  target: string,
  { budget, previous, signal }: LinkTools,
  send: Send,
): Promise<HttpFinding> {
  if (!REFUSALS.has(fault)) return judged;
  const before = previous === undefined ? undefined : reasonOf(previous);
  const wasAlone = before === 'only-monitor-refused';
  const holds = wasAlone ? ASKED_SECONDS.alone : ASKED_SECONDS.both;
  const isAsked = budget.once(`as-runner:${target}`, before === fault || wasAlone ? holds : 0);
  const isAlone =
    isAsked && budget.take('as-runner', target)
      ? await runnerReachesGitLab(send, signal)
      : wasAlone;
  if (!isAlone) return judged;
  const detail = `${detailOf(judged)}; a request as the runner sends it reaches GitLab`;
  return { ...judged, status: 'warn', reason: 'only-monitor-refused', detail };
}

function httpPathOf(
  { url, proxy }: EndpointTarget,
  { walk, clock, process, program }: LinkTools,
): HttpPath | undefined {
  const { socket, open } = walk;
  if (socket === undefined || open === undefined) return undefined;
  const again = async (signal: AbortSignal): Promise<Socket> => {
    const opened = await open(signal);
    // The walk closes what it knows of.
    walk.socket = opened;
    return opened;
  };
  const login = url.credentials;
  const httpPath = {
    socket,
    open: again,
    base: url,
    clock,
    emptyLengths: goSettingsOf(process ?? program).emptyLengths,
    ...(login === undefined ? {} : { authorization: basicOf(login) }),
  };
  // A tunnel ends at GitLab itself, and SOCKS is always one: the proxy's credentials must not go through it.
  if (proxy.kind === 'direct' || proxy.scheme === 'socks5' || url.protocol === 'https:')
    return httpPath;
  const { credentials } = proxy;
  return {
    ...httpPath,
    absolute: credentials === undefined ? {} : { authorization: basicOf(credentials) },
  };
}

/** What a browser meets, and the runner perhaps not: the api link decides. */
const NOT_DECISIVE: ReadonlySet<HealthFault> = new Set<HealthFault>([
  'login-gateway',
  'redirected',
]);

type HttpFinding = Finding<keyof typeof REASONS, 'response_seconds' | 'clock_skew_seconds'>;

function judgeAnswer(
  answer: HttpAnswer,
  asked: HttpUrl,
  fault: HealthFault | undefined,
  slowSeconds: number,
  proxy: ProxyDecision,
): HttpFinding {
  const measures = { response_seconds: answer.seconds, ...skewOf(answer) };
  const via =
    proxy.kind === 'direct'
      ? {}
      : { proxy: `${proxy.host}:${proxy.port}`, variable: proxy.variable, destination: asked.host };
  const facts = { ...answerFacts(answer, asked), ...via };
  const detail = serverLabel(answer, asked);
  if (fault !== undefined) {
    const status = NOT_DECISIVE.has(fault) ? 'warn' : 'fail';
    return { status, reason: fault, detail, measures, facts };
  }
  if (answer.seconds <= slowSeconds) return { status: 'pass', measures, facts };
  const late = `${detail} after ${answer.seconds.toFixed(1)} s`;
  return { status: 'warn', reason: 'slow', detail: late, measures, facts };
}
