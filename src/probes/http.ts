/**
 * Does a GitLab answer at the end of the way?
 *
 * Source    GET `-/health` below the base URL: exempt from GitLab's throttles; 200, or the empty 404 of a
 *           client that is not allow-listed (network reference 2.3, 2.4). gitlab/fingerprint.ts says who spoke.
 * Measures  response_seconds; clock_skew_seconds (GitLab's Date minus this clock, good to one second).
 * Reasons   who stands in the way, or what state GitLab's web tier is in; see `reasons`.
 * Unknown   http-error: no connection to speak on.
 *
 * Whether it is GitLab for certain is the question of the api link: a plain 404 passes here.
 */
import { basicOf } from '../gonet/tunnel.ts';
import type { Finding } from '../core/finding.ts';
import type { HttpAnswer, LinkTools, ReasonSpec } from '../core/probe.ts';
import { defineProbe } from '../core/probe.ts';
import type { EndpointTarget } from '../core/target.ts';
import type { Way } from '../gitlab/exchange.ts';
import { createSender, ExchangeError } from '../gitlab/exchange.ts';
import { fingerprint } from '../gitlab/fingerprint.ts';
import type { WebFault } from '../gitlab/web-fault.ts';
import { webFaultOf } from '../gitlab/web-fault.ts';

/** Less than the deadline, so that the probe itself can say "no answer". */
const ANSWER_SECONDS = 9;

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
    meaning: 'The server says that it is not available (503).',
    action: 'Look at the health of GitLab and of the load balancer before it.',
  },
  'server-error': {
    meaning: 'The server failed on a trivial request (500 or 504).',
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
  'login-gateway': {
    meaning: 'A login stands before GitLab.',
    action: 'Exempt GitLab’s API from the login.',
  },
  redirected: {
    meaning: 'The address in `url` redirects elsewhere, which turns the runner’s POST into GET.',
    action: 'Put the final address into `url`.',
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
} as const satisfies Readonly<Record<WebFault | 'slow' | 'http-error', ReasonSpec>>;

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
    tools.walk.send = createSender(way);
    try {
      const request = { method: 'GET', path: '-/health', timeoutSeconds: ANSWER_SECONDS } as const;
      const answer = await tools.walk.send(request, tools.signal);
      return judged(target, answer, options.slow_seconds);
    } catch (error) {
      if (!(error instanceof ExchangeError)) throw error;
      const reason = webFaultOf(error);
      return { status: 'fail', reason, detail: `GET ${target.id}-/health: ${error.message}` };
    }
  },
});

function wayOf({ url, proxy }: EndpointTarget, { walk, clock }: LinkTools): Way | undefined {
  const { socket, open } = walk;
  if (socket === undefined || open === undefined) return undefined;
  const way = { socket, open, base: url, clock };
  // A tunnel ends at GitLab itself, and SOCKS is always one: the proxy's credentials must not go through it.
  if (proxy.kind === 'direct' || proxy.scheme === 'socks5' || url.protocol === 'https:') return way;
  const { credentials } = proxy;
  return {
    ...way,
    absolute: credentials === undefined ? {} : { authorization: basicOf(credentials) },
  };
}

type HttpFinding = Finding<keyof typeof REASONS, 'response_seconds' | 'clock_skew_seconds'>;

function judged(target: EndpointTarget, answer: HttpAnswer, slowSeconds: number): HttpFinding {
  const { who, signals, server } = fingerprint(answer);
  const measures = { response_seconds: answer.seconds, ...skewOf(answer) };
  const location = answer.headers['location'];
  const facts = {
    status: answer.status,
    who,
    server,
    signals: signals.join(', '),
    ...(location === undefined ? {} : { location }),
  };
  const said = `GET ${target.id}-/health answered ${answer.status} by ${server === '' ? who : `${who} (${server})`}`;
  const fault = webFaultOf(answer, target.url);
  if (fault !== undefined) {
    const detail = location === undefined ? said : `${said}, redirecting to ${location}`;
    return { status: 'fail', reason: fault, detail, measures, facts };
  }
  if (answer.seconds <= slowSeconds) return { status: 'pass', measures, facts };
  const detail = `${said} after ${answer.seconds.toFixed(1)} s`;
  return { status: 'warn', reason: 'slow', detail, measures, facts };
}

/** The Date header is cut to whole seconds, and was written half-way through the exchange. */
function skewOf({ headers, receivedAt, seconds }: HttpAnswer): {
  readonly clock_skew_seconds?: number;
} {
  const date = Date.parse(headers['date'] ?? '');
  if (Number.isNaN(date)) return {};
  const written = receivedAt / 1000 - seconds / 2;
  const skew = date / 1000 + 0.5 - written;
  return { clock_skew_seconds: Math.abs(skew) < 1 ? 0 : Math.round(skew) };
}
