/**
 * Does GitLab accept this entry's token?
 *
 * Source    First what the token itself shows. Then GET `api/v4/runners/router/discovery` with the header
 *           `Runner-Token`, which has no side effect. Only where GitLab is too old for that, POST
 *           `api/v4/runners/verify` with the host's own system id, at most once an hour.
 * Measures  expiry_timestamp_seconds, from `token_expires_at`.
 * Reasons   what GitLab or the token itself said; see `reasons`. A 403 that is not GitLab's accuses nobody's token.
 * Unknown   no-system-id, verify-not-due: nothing could be asked without a side effect. token-error.
 */
import { dateAndAge } from '../core/date-text.ts';
import type { HttpAnswer, LinkTools, ReasonSpec } from '../core/probe.ts';
import { defineProbe } from '../core/probe.ts';
import type { RunnerTarget } from '../core/target.ts';
import { ExchangeError } from '../gitlab/exchange-error.ts';
import { answerOrError } from '../gitlab/exchange.ts';
import { retryAfterSeconds } from '../gitlab/retry-after.ts';
import type { TokenFault, TokenJudgement } from '../gitlab/token-answer.ts';
import {
  isUnknownToGitLab,
  judgeTokenAnswer,
  readOnlySiteEvidence,
} from '../gitlab/token-answer.ts';
import { judgeTokenShape } from '../gitlab/token-shape.ts';
import { isSystemId } from '../gitlab/token.ts';

/** Less than the deadline, so that the probe itself can say "no answer". */
const ANSWER_SECONDS = 9;
const VERIFY_SECONDS = 3600;

const REASONS = {
  missing: {
    meaning: 'The entry has no token, so the runner skips it.',
    action: "Put the runner's authentication token into config.toml, or set the variable it uses.",
  },
  'registration-token': {
    meaning: 'The entry has a registration token, with which a runner cannot get jobs.',
    action: 'Create a runner in GitLab and put its glrt- token into config.toml.',
  },
  'wrong-kind': {
    meaning: 'The entry has another kind of token, or a placeholder.',
    action: "Put the runner's authentication token into config.toml.",
  },
  'checksum-mismatch': {
    meaning: 'The token is truncated or mistyped: its checksum is wrong.',
    action: 'Copy the token again.',
  },
  rejected: {
    meaning: 'GitLab rejects the token.',
    action: 'Search for the runner in GitLab by its short token.',
  },
  expired: {
    meaning: 'The token has expired, and GitLab rejects it.',
    action: 'Reset the token, or get a new one from GitLab.',
  },
  orphaned: {
    meaning: 'The project or group of the runner was deleted.',
    action: 'Create a runner in an existing project or group and use its token.',
  },
  'read-only': {
    meaning: 'GitLab rejects writes: maintenance mode, or a read-only site.',
    action: 'Wait until the maintenance ends, or set `url` to the primary site.',
  },
  'forbidden-by-edge': {
    meaning: 'A server in front of GitLab blocks the request; the token was not checked.',
    action: "Allow the runner's address for GitLab's API on that server.",
  },
  challenge: {
    meaning: "A bot challenge in front of GitLab's runner API; the token was not checked.",
    action: "Exempt the runner's address from the challenge.",
  },
  'login-gateway': {
    meaning: "A login in front of GitLab's runner API; the token was not checked.",
    action: "Exempt GitLab's API from the login.",
  },
  redirected: {
    meaning: "GitLab's runner API redirects, so the runner's POST requests become GET.",
    action: 'Set `url` to the final address.',
  },
  migrations: {
    meaning: 'GitLab is migrating its database and tells runners to wait.',
    action: 'Wait.',
  },
  'address-limited': {
    meaning: 'GitLab limits unauthenticated requests from this address (429), such as this one.',
    action: 'Nothing, if only runnerwatch is limited; otherwise lower requests_per_hour.',
  },
  'too-many-requests': {
    meaning: 'GitLab limits the request rate (429).',
    action: 'Run fewer runners with this address or token.',
  },
  'server-error': {
    meaning: 'GitLab returned an internal error for the token (500).',
    action: "Search GitLab's log for the request id.",
  },
  unavailable: {
    meaning: 'GitLab is unavailable for this request (502, 503, 504).',
    action: 'Check the health of GitLab.',
  },
  'expiring-soon': {
    meaning: 'The token is valid, but expires soon.',
    action: 'Check that the runner may write config.toml, which it needs to renew the token.',
  },
  'no-system-id': {
    meaning: 'This old GitLab can only be asked with a system id, and this host has none.',
    action: 'Start gitlab-runner once, so that it writes .runner_system_id.',
  },
  'verify-not-due': {
    meaning:
      'This old GitLab is asked at most once an hour, because the request has a side effect.',
    action: 'Wait.',
  },
  'endpoint-missing': {
    meaning: 'GitLab does not have the API endpoint with which runners verify their tokens.',
    action: 'Use versions of GitLab and the runner that are closer together.',
  },
  'token-error': {
    meaning: 'The response has no information about the token.',
    action: 'Read the detail.',
  },
} as const satisfies Readonly<Record<TokenFault, ReasonSpec>>;

export const token = defineProbe({
  id: 'token',
  title: 'Runner token',
  question: "Does GitLab accept this entry's token?",
  kind: 'runner',
  needs: ['api'],
  intervalSeconds: 900,
  timeoutSeconds: 10,
  budgeted: true,
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
  reasons: REASONS,
  measures: {
    expiry_timestamp_seconds: {
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
    const { judgement, said, ...rest } = await asked(target, tools);
    const common = { measures, facts: { ...facts, ...said }, ...rest };
    if (judgement !== undefined) return { ...judgement, ...common };
    const left = (tokenExpiresAt ?? Infinity) - tools.clock.wall();
    if (left / 1000 > options.expiring_soon_seconds) return { status: 'pass', ...common };
    const detail = `the token of ${name} expires on ${dateAndAge(tokenExpiresAt ?? 0, tools.clock.wall())}`;
    return { status: 'warn', reason: 'expiring-soon', detail, ...common };
  },
});

/** As the api link shows what gave GitLab away. */
const HEADERS_OF_GITLAB = /X-Gitlab-Meta|X-Request-Id/;

/** What GitLab said; no judgement means that the token is good. */
interface Asked {
  readonly judgement?: TokenJudgement;
  readonly holdsSeconds?: number;
  readonly said?: Readonly<Record<string, string>>;
}

function unknown(reason: TokenFault, detail: string): Asked {
  return { judgement: { status: 'unknown', reason, detail } };
}

/** The version of GitLab that brought the request. */
const SINCE = { server_at_least: '18.7' };

type Send = NonNullable<LinkTools['walk']['send']>;

async function asked(target: RunnerTarget, tools: LinkTools): Promise<Asked> {
  const { send } = tools.walk;
  if (send === undefined) return unknown('token-error', 'there is no open connection');
  const path = 'api/v4/runners/router/discovery';
  const headers = { 'Runner-Token': target.token.reveal(), Accept: 'application/json' };
  const request = { method: 'GET', path, headers, timeoutSeconds: ANSWER_SECONDS } as const;
  const answer = await answerOrError(send, request, tools.signal);
  if (answer instanceof ExchangeError) return noAnswer(answer);
  // Somebody else's 404 says nothing about GitLab's age.
  if (answer.status === 404 && isUnknownToGitLab(answer)) {
    return await verified(target, tools, send);
  }
  const known = [200, 501].includes(answer.status) ? SINCE : {};
  const { said, ...rest } = judged(answer, path, target, tools);
  return { ...rest, said: { ...said, ...known } };
}

function noAnswer({ message }: ExchangeError): Asked {
  return unknown('token-error', `GitLab did not respond to the token request: ${message}`);
}

function judged(
  answer: HttpAnswer,
  path: string,
  target: RunnerTarget,
  { budget, clock, walk }: LinkTools,
): Asked {
  const quiet = retryAfterSeconds(answer);
  if (quiet > 0) budget.pause(endpointOf(target), quiet);
  const asked = new URL(path, target.endpoint ?? target.url);
  const signals = String(walk.findings?.get('api')?.facts?.['signals'] ?? '');
  const isProvenElsewhere = HEADERS_OF_GITLAB.test(signals);
  const context = { target, asked, now: clock.wall(), isProvenElsewhere };
  const judgement = judgeTokenAnswer(answer, context);
  // While GitLab asks for quiet, what it said last is what holds.
  const held = quiet > 0 ? { holdsSeconds: quiet } : {};
  const sign = readOnlySiteEvidence(answer, asked);
  const said = sign === undefined ? {} : { read_only_site: sign };
  return judgement === undefined ? held : { judgement, said, ...held };
}

function endpointOf({ endpoint, id }: RunnerTarget): string {
  return endpoint ?? id;
}

/** For a GitLab without the discovery request: verify, with the host's own system id or not at all. */
async function verified(target: RunnerTarget, tools: LinkTools, send: Send): Promise<Asked> {
  const { systemId, id } = target;
  const { budget } = tools;
  if (systemId === undefined || !isSystemId(systemId)) {
    const detail = `this GitLab can only be asked about ${id} with a system id, and .runner_system_id has none`;
    return unknown('no-system-id', detail);
  }
  // `once` marks the hour as used, so it comes after the question whether anything may be sent at all.
  const mayAsk =
    budget.allows('verify', endpointOf(target)) &&
    budget.once(`verify:${id}`, VERIFY_SECONDS) &&
    budget.take('verify', endpointOf(target));
  if (!mayAsk) {
    return unknown('verify-not-due', `this GitLab is asked about ${id} at most once an hour`);
  }
  const body = JSON.stringify({ token: target.token.reveal(), system_id: systemId });
  const path = 'api/v4/runners/verify';
  const request = { method: 'POST', path, body, timeoutSeconds: ANSWER_SECONDS } as const;
  const answer = await answerOrError(send, request, tools.signal);
  const said =
    answer instanceof ExchangeError ? noAnswer(answer) : judged(answer, path, target, tools);
  return { ...said, holdsSeconds: Math.max(VERIFY_SECONDS, said.holdsSeconds ?? 0) };
}
