/**
 * A request of the runner's kind: its user agent, a POST, a path of its own, and no token. GitLab answers 400 and does
 * nothing; what is in front of GitLab answers as it answers the runner (docs/reference/gitlab-http.md#as-the-runner-asks).
 */
import type { Send } from '../core/exchange-error.ts';
import { answerOrError, ExchangeError } from '../core/exchange-error.ts';
import type { HttpUrl } from '../core/http-url.ts';
import { urlBelow } from '../core/http-url.ts';
import { reasonOf } from '../core/finding.ts';
import type { HttpAnswer, HttpRequest, Walk } from '../core/probe.ts';
import { ANSWER_SECONDS } from '../core/runner-patience.ts';
import { fingerprint, isJson, isReadOnlyText, messageOf } from './fingerprint.ts';
import type { WebFault } from './web-fault.ts';
import { webFaultOf } from './web-fault.ts';

export const RUNNER_AGENT = 'gitlab-runner 19.4.0 (19-4-stable; go1.26.5; linux/amd64)';

export const RUNNER_REQUEST = {
  method: 'POST',
  path: 'api/v4/runners/verify',
  headers: { 'User-Agent': RUNNER_AGENT, Accept: 'application/json' },
  body: '{}',
  timeoutSeconds: ANSWER_SECONDS,
} as const satisfies HttpRequest;

/** Sends every request with the runner's user agent. */
export function withRunnerAgent(send: Send): Send {
  return async (request, signal) =>
    await send({ ...request, headers: { ...request.headers, 'User-Agent': RUNNER_AGENT } }, signal);
}

/** The links that ask whether our own requests alone are refused. */
const ASKING_LINKS = ['http', 'api'] as const;

/** Whether a link of this walk, or its result that stands, says that our own requests alone are refused. */
export function isMonitorRefused({ findings }: Walk): boolean {
  return ASKING_LINKS.some((link) => {
    const finding = findings?.get(link);
    return finding !== undefined && reasonOf(finding) === 'only-monitor-refused';
  });
}

/** Sends on the walk's connection: as the runner does where our own requests alone are refused. */
export function senderOf(walk: Walk): Send | undefined {
  const { send } = walk;
  return send !== undefined && isMonitorRefused(walk) ? withRunnerAgent(send) : send;
}

/** True when such a request gets through to GitLab, where our own was refused. */
export async function runnerReachesGitLab(send: Send, signal: AbortSignal): Promise<boolean> {
  const answer = await answerOrError(send, RUNNER_REQUEST, signal);
  return !(answer instanceof ExchangeError) && isOfGitLab(answer);
}

function isOfGitLab(answer: HttpAnswer): boolean {
  const { who } = fingerprint(answer);
  return (who === 'rails' || who === 'workhorse') && isJson(answer);
}

/** GitLab takes requests that write: it is not in maintenance, and not down. */
export async function acceptsWrites(send: Send, signal: AbortSignal): Promise<boolean> {
  const answer = await answerOrError(send, RUNNER_REQUEST, signal);
  if (answer instanceof ExchangeError || !isOfGitLab(answer)) return false;
  const { status } = answer;
  return status < 500 && status !== 429 && !isReadOnlyText(messageOf(answer));
}

/** What refuses the runner's kind of request alone. */
export type RunnerRefusal = Extract<
  WebFault,
  'forbidden' | 'challenge' | 'login-gateway' | 'redirected' | 'closed' | 'connection-reset'
>;

const REFUSALS: ReadonlySet<string> = new Set<RunnerRefusal>([
  'forbidden',
  'challenge',
  'login-gateway',
  'redirected',
  'closed',
  'connection-reset',
]);
/** Of a web server that is read-only. */
const METHOD_NOT_ALLOWED = 405;

export interface Refused {
  readonly fault: RunnerRefusal;
  readonly answer: HttpAnswer | ExchangeError;
}

/** Undefined when it gets through, and where the answer says nothing of that. */
export async function refusalOfRunner(
  base: HttpUrl,
  send: Send,
  signal: AbortSignal,
): Promise<Refused | undefined> {
  const first = await answerOrError(send, RUNNER_REQUEST, signal);
  // A connection that ended may have been an idle one: only the second one is evidence.
  const answer =
    first instanceof ExchangeError ? await answerOrError(send, RUNNER_REQUEST, signal) : first;
  const fault = faultOf(answer, base);
  return fault === undefined ? undefined : { fault, answer };
}

function faultOf(answer: HttpAnswer | ExchangeError, base: HttpUrl): RunnerRefusal | undefined {
  if (answer instanceof ExchangeError) return refusalIn(webFaultOf(answer));
  if (isOfGitLab(answer)) return undefined;
  if (answer.status === METHOD_NOT_ALLOWED) return 'forbidden';
  return refusalIn(webFaultOf(answer, urlBelow(base, RUNNER_REQUEST.path)));
}

function refusalIn(fault: WebFault | undefined): RunnerRefusal | undefined {
  return fault !== undefined && REFUSALS.has(fault) ? (fault as RunnerRefusal) : undefined;
}
