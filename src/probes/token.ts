/**
 * Does GitLab accept this entry's token?
 *
 * Source    First the form of the token itself. Then GET `api/v4/runners/router/discovery` with the header
 *           `Runner-Token`, which has no side effect. Only where GitLab is too old for that, POST
 *           `api/v4/runners/verify` with the host's own system id, at most once an hour. For a proof that a fault is over, also
 *           POST `api/v4/runners/verify` without a token, as a poll is a request that writes.
 *           Where a server in front of GitLab refuses the request, it is sent once more with the runner's user agent: a refusal
 *           of our own requests says nothing about the token.
 * Measures  expiry_timestamp_seconds, from `token_expires_at`.
 * Reasons   the answer of GitLab, or the form of the token; see `reasons`. A 403 that is not GitLab's is no fault of the token.
 * Unknown   no-system-id, verify-not-due: no request without a side effect is possible. token-error.
 */
import { dateAndAge } from '../core/date-text.ts';
import { answerOrError, ExchangeError } from '../core/exchange-error.ts';
import type { HttpUrl } from '../core/http-url.ts';
import { urlBelow } from '../core/http-url.ts';
import type { HttpAnswer, LinkTools } from '../core/probe.ts';
import { addressOfWalk, defineProbe } from '../core/probe.ts';
import type { RunnerTarget } from '../core/target.ts';
import { ANSWER_SECONDS } from '../core/runner-patience.ts';
import { httpUrlOf } from '../go/http-url.ts';
import {
  acceptsWrites,
  isMonitorRefused,
  senderOf,
  withRunnerAgent,
} from '../gitlab/runner-request.ts';
import { retryAfterSeconds } from '../gitlab/retry-after.ts';
import type { TokenFault, TokenJudgement } from '../gitlab/token-answer.ts';
import {
  isUnknownToGitLab,
  judgeTokenAnswer,
  readOnlySiteEvidence,
  ROUTER_SINCE,
  TOKEN_REASONS,
} from '../gitlab/token-answer.ts';
import { discoveryRequest, verifyRequest } from '../gitlab/token-request.ts';
import { judgeTokenShape } from '../gitlab/token-shape.ts';
import { isSystemId } from '../gitlab/token.ts';

const VERIFY_SECONDS = 3600;
/** How soon the end of maintenance is seen: at the next turn of the path. A runner that polls asks five times as often. */
const RECHECK_SECONDS = 15;
/** A state of GitLab, in which verify has done nothing. */
const STATES: ReadonlySet<string> = new Set<TokenFault>([
  'read-only',
  'unavailable',
  'server-error',
  'migrations',
]);

export const token = defineProbe({
  id: 'token',
  title: 'Runner token',
  question: "Does GitLab accept this entry's token?",
  kind: 'runner',
  changedBy: ['config-url', 'config-token'],
  needs: ['api'],
  intervalSeconds: 900,
  timeoutSeconds: ANSWER_SECONDS + 1,
  requests: { token: 'budgeted', verify: 'paced' },
  isProvenByPolls: true,
  options: {
    expiring_soon_seconds: {
      kind: 'number',
      default: 7 * 86_400,
      unit: 'seconds',
      min: 0,
      max: 365 * 86_400,
      help: 'A token that expires within this time is a warning.',
    },
  },
  reasons: TOKEN_REASONS,
  measures: {
    expiry_timestamp_seconds: {
      measurement: 'validity',
      help: 'Expiry of the token by token_expires_at in config.toml; absent if it does not expire.',
      as: { metric: 'token_expiry_timestamp_seconds', targetLabel: 'runner' },
    },
  },

  async run(target, options, tools) {
    const { tokenExpiresAt, name } = target;
    const measures =
      tokenExpiresAt === undefined ? {} : { expiry_timestamp_seconds: tokenExpiresAt / 1000 };
    const facts = { runner: target.id, name, line: target.line };
    const offline = judgeTokenShape(target);
    if (offline !== undefined) return { ...offline, measures, facts };
    const { judgement, said, ...rest } = await askOf(tools)(target, tools);
    const common = {
      measures,
      facts: { ...facts, ...addressOfWalk(tools.walk), ...said },
      ...rest,
    };
    if (judgement !== undefined) return { ...judgement, ...common };
    const left = (tokenExpiresAt ?? Infinity) - tools.clock.wall();
    if (left / 1000 > options.expiring_soon_seconds) return { status: 'pass', ...common };
    const detail = `the token of ${name} expires on ${dateAndAge(tokenExpiresAt ?? 0, tools.clock.wall())}`;
    return { status: 'warn', reason: 'expiring-soon', detail, ...common };
  },
});

/** As the api link shows what gave GitLab away. */
const HEADERS_OF_GITLAB = /X-Gitlab-Meta|X-Request-Id/;

/** GitLab's answer; no judgement means that the token is accepted. */
interface Asked {
  readonly judgement?: TokenJudgement;
  readonly holdsSeconds?: number;
  readonly recheckSeconds?: number;
  readonly said?: Readonly<Record<string, string>>;
}

function unknown(reason: TokenFault, detail: string): Asked {
  return { judgement: { status: 'unknown', reason, detail } };
}

const SINCE = { server_at_least: ROUTER_SINCE.text };

type Send = NonNullable<LinkTools['walk']['send']>;

function askOf({ previous, provesEnd = false }: LinkTools) {
  if (previous?.recheckSeconds !== undefined) return recheckToken;
  return provesEnd ? proveToken : requestToken;
}

/** GitLab did not take the request before; one without a token tells whether it does now. */
async function recheckToken(target: RunnerTarget, tools: LinkTools): Promise<Asked> {
  const { budget, previous, walk } = tools;
  const send = senderOf(walk);
  if (send === undefined) return unknown('token-error', 'there is no open connection');
  const endpoint = endpointOf(target);
  if (await takesWrites(endpoint, tools, send)) {
    const isAllowed = budget.take('token', endpoint);
    return await verifyToken(target, tools, send, isAllowed ? 0 : VERIFY_SECONDS);
  }
  const { status, reason, detail } = previous as TokenJudgement;
  return { judgement: { status, reason, detail }, recheckSeconds: RECHECK_SECONDS };
}

/** Asked once for all entries of the walk. */
async function takesWrites(
  endpoint: string,
  { budget, signal, walk }: LinkTools,
  send: Send,
): Promise<boolean> {
  walk.acceptsWrites ??= budget.take('as-runner', endpoint) && (await acceptsWrites(send, signal));
  return walk.acceptsWrites;
}

/** A poll is a request that writes: in maintenance GitLab answers what only reads. */
async function proveToken(target: RunnerTarget, tools: LinkTools): Promise<Asked> {
  const asked = await requestToken(target, tools);
  const send = senderOf(tools.walk);
  if (asked.judgement !== undefined || send === undefined) return asked;
  if (await takesWrites(endpointOf(target), tools, send)) return asked;
  return unknown('unavailable', 'GitLab accepts the token, and takes no request that writes');
}

async function requestToken(target: RunnerTarget, tools: LinkTools): Promise<Asked> {
  const send = senderOf(tools.walk);
  if (send === undefined) return unknown('token-error', 'there is no open connection');
  const asked = await discover(target, tools, send);
  return isRefused(asked) ? await judgeRefusal(asked, target, tools, send) : asked;
}

/** Refusals of a server in front of GitLab, which the runner's requests may not meet. */
const REFUSALS: ReadonlySet<TokenFault | undefined> = new Set<TokenFault>([
  'forbidden-by-edge',
  'challenge',
  'login-gateway',
  'redirected',
]);

function isRefused({ judgement }: Asked): boolean {
  return REFUSALS.has(judgement?.reason);
}

/** The refusal may have begun after the links before were asked. */
async function judgeRefusal(
  refused: Asked,
  target: RunnerTarget,
  tools: LinkTools,
  send: Send,
): Promise<Asked> {
  if (isMonitorRefused(tools.walk)) {
    const refusal = refused.judgement?.detail ?? '';
    return unknown('token-error', `${refusal}; a request as the runner sends it reaches GitLab`);
  }
  const isAllowed = tools.budget.take('token', endpointOf(target));
  return isAllowed ? await discover(target, tools, withRunnerAgent(send)) : refused;
}

async function discover(target: RunnerTarget, tools: LinkTools, send: Send): Promise<Asked> {
  const request = discoveryRequest(target);
  const answer = await answerOrError(send, request, tools.signal);
  if (answer instanceof ExchangeError) return noAnswer(answer);
  // A 404 from another server says nothing about GitLab's version.
  if (answer.status === 404 && isUnknownToGitLab(answer)) {
    return await verifyToken(target, tools, send);
  }
  const known = [200, 501].includes(answer.status) ? SINCE : {};
  const { said, ...rest } = judgeAnswer(answer, request.path, target, tools);
  return { ...rest, said: { ...said, ...known } };
}

function noAnswer({ message }: ExchangeError): Asked {
  return unknown('token-error', `GitLab did not respond to the token request: ${message}`);
}

function judgeAnswer(
  answer: HttpAnswer,
  path: string,
  target: RunnerTarget,
  { budget, clock, walk }: LinkTools,
): Asked {
  const quiet = retryAfterSeconds(answer);
  if (quiet > 0) budget.pause(endpointOf(target), quiet);
  const asked = askedUrlOf(target, path);
  const signals = String(walk.findings?.get('api')?.facts?.['signals'] ?? '');
  const isProvenElsewhere = HEADERS_OF_GITLAB.test(signals);
  const context = { target, asked, now: clock.wall(), isProvenElsewhere };
  const judgement = judgeTokenAnswer(answer, context);
  // While GitLab asks for a pause, the last result stays valid.
  const held = quiet > 0 ? { holdsSeconds: quiet } : {};
  const sign = readOnlySiteEvidence(answer, asked);
  const said = sign === undefined ? {} : { read_only_site: sign };
  return judgement === undefined ? held : { judgement, said, ...held };
}

/** The id of the endpoint begins with its URL. */
function askedUrlOf({ endpoint, url }: RunnerTarget, path: string): HttpUrl {
  const base = httpUrlOf((endpoint ?? url).replace(/#.*/, ''));
  if (typeof base === 'string') throw new Error(`the endpoint of a checked token ${base}`);
  return urlBelow(base, path);
}

function endpointOf({ endpoint, id }: RunnerTarget): string {
  return endpoint ?? id;
}

/** For a GitLab without the discovery request: verify, with the host's own system id or not at all. */
async function verifyToken(
  target: RunnerTarget,
  tools: LinkTools,
  send: Send,
  apartSeconds = VERIFY_SECONDS,
): Promise<Asked> {
  const { systemId, id } = target;
  const { budget } = tools;
  if (systemId === undefined || !isSystemId(systemId)) {
    const detail = `this GitLab can only be asked about ${id} with a system id, and .runner_system_id has none`;
    return unknown('no-system-id', detail);
  }
  // `once` marks the hour as used, so it comes after the question whether anything may be sent at all.
  const mayAsk =
    budget.allows('verify', endpointOf(target)) &&
    budget.once(`verify:${id}`, apartSeconds) &&
    budget.take('verify', endpointOf(target));
  if (!mayAsk) {
    return unknown('verify-not-due', `this GitLab is asked about ${id} at most once an hour`);
  }
  const request = verifyRequest(target, systemId);
  const answer = await answerOrError(send, request, tools.signal);
  const said =
    answer instanceof ExchangeError
      ? noAnswer(answer)
      : judgeAnswer(answer, request.path, target, tools);
  return { ...said, ...validityOf(said) };
}

/** An hour; but a state of GitLab, in which the request has done nothing, until it is over. */
function validityOf({ judgement, said, holdsSeconds = 0 }: Asked): Partial<Asked> {
  const isState = STATES.has(judgement?.reason ?? '') && said?.['read_only_site'] === undefined;
  if (isState) return { recheckSeconds: RECHECK_SECONDS };
  return { holdsSeconds: Math.max(VERIFY_SECONDS, holdsSeconds) };
}
