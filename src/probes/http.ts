/**
 * Does a GitLab answer at the end of the way?
 *
 * Source    GET `-/health` below the base URL: exempt from GitLab's throttles; 200, or the empty 404 of a
 *           client that is not allow-listed. gitlab/fingerprint.ts says who spoke.
 *           Only where that is refused: GET `users/sign_in`, since many close the health page alone.
 * Measures  response_seconds; clock_skew_seconds (GitLab's Date minus this clock, good to one second).
 * Reasons   who stands in the way, or what state GitLab's web tier is in; see `reasons`.
 * Unknown   http-error: no connection to speak on.
 *
 * Whether it is GitLab for certain is the question of the api link: a plain 404 passes here.
 */
import type { Socket } from 'node:net';

import { basicOf } from '../go/proxy/tunnel.ts';
import type { Fact, Finding } from '../core/finding.ts';
import type { HttpAnswer, LinkTools, ReasonSpec } from '../core/probe.ts';
import { defineProbe } from '../core/probe.ts';
import type { EndpointTarget, ProxyDecision } from '../core/target.ts';
import { answerFacts, serverLabel } from '../gitlab/answer-facts.ts';
import { skewOf } from '../gitlab/clock-skew.ts';
import { ExchangeError } from '../gitlab/exchange-error.ts';
import type { HttpPath } from '../gitlab/exchange.ts';
import { createSender } from '../gitlab/exchange.ts';
import type { HealthFault } from '../gitlab/health-fault.ts';
import { HEALTH_REQUEST, healthFaultOf } from '../gitlab/health-fault.ts';
import { retryAfterSeconds } from '../gitlab/retry-after.ts';
import { webFaultOf } from '../gitlab/web-fault.ts';

const REASONS = {
  'bad-gateway': {
    meaning: 'The web tier answers, and GitLab behind it does not (502).',
    action: 'Look at puma and gitlab-workhorse on the GitLab server.',
  },
  booting: {
    meaning: 'GitLab is starting.',
    action: 'Wait some minutes and look again.',
  },
  unavailable: {
    meaning: 'The server says that it is not available (503 or 504).',
    action: 'Look at the health of GitLab and of the load balancer before it.',
  },
  maintenance: {
    meaning: 'GitLab says that it is in maintenance (503).',
    action: 'Wait for the end of the maintenance.',
  },
  'server-error': {
    meaning: 'The server failed on a trivial request (500).',
    action: 'Look at GitLab’s own log for the request id.',
  },
  'too-many-requests': {
    meaning: 'The server limits the rate of requests (429).',
    action: 'Wait; then lower the number of clients behind this address.',
  },
  challenge: {
    meaning: 'A bot challenge stands before GitLab.',
    action: 'Exempt the runner’s address from the challenge.',
  },
  'origin-error': {
    meaning: 'The CDN before GitLab cannot reach it.',
    action: 'Look at the origin’s certificate and firewall.',
  },
  forbidden: {
    meaning: 'Something before GitLab refuses the request.',
    action: 'Allow the runner’s address on the way to GitLab’s API.',
  },
  banned: {
    meaning: 'A plain “Forbidden” on every path: this address is banned.',
    action: 'Lift the ban: Rack Attack in GitLab, or the list of the edge before it.',
  },
  'login-gateway': {
    meaning: 'A login stands before GitLab’s pages; the api link tells whether its API is exempt.',
    action: 'Exempt GitLab’s API from the login.',
  },
  redirected: {
    meaning: 'The address in `url` redirects elsewhere, which turns the runner’s POST into GET.',
    action: 'Put the final address into `url`.',
  },
  'proxy-auth-required': {
    meaning: 'The proxy wants a name and a password, and has none (407).',
    action: 'Put them into the proxy variable of the runner.',
  },
  'proxy-auth-rejected': {
    meaning: 'The proxy refuses the name or the password (407).',
    action: 'Correct them in the proxy variable of the runner.',
  },
  'proxy-denied': {
    meaning: 'The proxy refuses the request by a rule of its own.',
    action: 'Allow GitLab in the rules of the proxy.',
  },
  'proxy-upstream-failed': {
    meaning: 'The proxy cannot reach GitLab.',
    action: 'Look at name lookup and firewall of the proxy.',
  },
  'client-certificate-required': {
    meaning: 'The server wants a client certificate, and says so only after the handshake.',
    action: 'Set tls-cert-file and tls-key-file.',
  },
  'no-answer': {
    meaning: 'The connection stands, and no answer comes.',
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
  slow: {
    meaning: 'The answer is right, and late.',
    action: 'Look at the load of the GitLab server.',
  },
  'http-error': {
    meaning: 'There was no connection to speak on.',
    action: 'Report it with the detail shown.',
  },
} as const satisfies Readonly<Record<HealthFault | 'slow' | 'http-error', ReasonSpec>>;

export const http = defineProbe({
  id: 'http',
  title: 'HTTP',
  question: 'Does a web server answer at the end of the way, and in which state?',
  kind: 'endpoint',
  needs: ['connect', 'proxy', 'tls'],
  intervalSeconds: 60,
  timeoutSeconds: 10,
  options: {
    slow_seconds: {
      kind: 'number',
      default: 5,
      unit: 'seconds',
      min: 0.1,
      max: 60,
      help: 'An answer that takes longer is a warning.',
    },
  },
  reasons: REASONS,
  measures: {
    response_seconds: {
      help: 'Time from the request to the end of the answer.',
      as: { metric: 'path_phase_seconds', labels: { phase: 'http' } },
    },
    clock_skew_seconds: {
      help: 'Date of GitLab’s answer minus this host’s clock, good to one second.',
      as: { metric: 'clock_skew_seconds' },
    },
  },

  async run(target, options, tools) {
    const way = wayOf(target, tools);
    if (way === undefined) {
      return {
        status: 'unknown',
        reason: 'http-error',
        detail: 'there is no connection to speak on',
      };
    }
    const send = createSender(way);
    tools.walk.send = send;
    const asked = new URL(HEALTH_REQUEST.path, target.url);
    try {
      const answer = await send(HEALTH_REQUEST, tools.signal);
      const quiet = retryAfterSeconds(answer);
      if (quiet > 0) tools.budget.pause(target.id, quiet);
      const fault = await healthFaultOf(answer, target, send, tools.signal);
      const finding = judged(answer, asked, fault, options.slow_seconds, target.proxy);
      return { ...finding, facts: { ...finding.facts, ...dialled(tools) } };
    } catch (error) {
      if (!(error instanceof ExchangeError)) throw error;
      const detail = `GET ${asked.href}: ${error.message}`;
      return { status: 'fail', reason: webFaultOf(error), detail };
    }
  },
});

/** Which of several backends it was that answered. */
function dialled({ walk }: LinkTools): { readonly address?: Fact } {
  const address = walk.findings?.get('connect')?.facts?.['address'];
  return address === undefined ? {} : { address };
}

function wayOf({ url, proxy }: EndpointTarget, { walk, clock }: LinkTools): HttpPath | undefined {
  const { socket, open } = walk;
  if (socket === undefined || open === undefined) return undefined;
  const again = async (signal: AbortSignal): Promise<Socket> => {
    const opened = await open(signal);
    // The walk closes what it knows of.
    walk.socket = opened;
    return opened;
  };
  const way = { socket, open: again, base: url, clock };
  // A tunnel ends at GitLab itself, and SOCKS is always one: the proxy's credentials must not go through it.
  if (proxy.kind === 'direct' || proxy.scheme === 'socks5' || url.protocol === 'https:') return way;
  const { credentials } = proxy;
  return {
    ...way,
    absolute: credentials === undefined ? {} : { authorization: basicOf(credentials) },
  };
}

/** What a browser meets, and the runner perhaps not: the api link decides. */
const NOT_DECISIVE: ReadonlySet<HealthFault> = new Set<HealthFault>([
  'login-gateway',
  'redirected',
]);

type HttpFinding = Finding<keyof typeof REASONS, 'response_seconds' | 'clock_skew_seconds'>;

function judged(
  answer: HttpAnswer,
  asked: URL,
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
