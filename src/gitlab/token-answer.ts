/**
 * Judges the answer to a request with a runner token (docs/reference/gitlab-http.md#answers-to-a-token). Never quotes
 * a body: the answer to verify holds the token.
 */
import { dateAndAge } from '../core/date-text.ts';
import { leadToCauses } from '../core/reason.ts';
import type { Instant } from '../core/clock.ts';
import type { HttpUrl } from '../core/http-url.ts';
import type { Version } from '../core/product-version.ts';
import type { HttpAnswer } from '../core/probe.ts';
import type { RunnerTarget } from '../core/target.ts';
import {
  fingerprint,
  isJson,
  isReadOnlyText,
  jsonOf,
  messageOf,
  responderOf,
} from './fingerprint.ts';
import { httpDateOf } from './retry-after.ts';
import type { WebFault } from './web-fault.ts';
import { webFaultOf } from './web-fault.ts';

export const TOKEN_REASONS = {
  ...leadToCauses(
    'missing',
    'registration-token',
    'wrong-kind',
    'checksum-mismatch',
    'rejected',
    'expired',
    'orphaned',
    'read-only',
    'forbidden-by-edge',
    'challenge',
    'login-gateway',
    'redirected',
    'migrations',
    'address-limited',
    'too-many-requests',
    'server-error',
    'unavailable',
    'expiring-soon',
  ),
  'no-system-id': {
    kind: 'unseen',
    meaning: 'This old GitLab can only be asked with a system id, and this host has none.',
    action: 'Start gitlab-runner once, so that it writes .runner_system_id.',
  },
  'verify-not-due': {
    kind: 'unseen',
    isNotDue: true,
    meaning:
      'This old GitLab is asked at most once an hour, because the request has a side effect.',
    action: 'Wait.',
  },
  ...leadToCauses('endpoint-missing'),
  'token-error': {
    kind: 'unseen',
    meaning: 'The response has no information about the token.',
    action: 'Read the detail.',
  },
} as const;

/** The version of GitLab that brought the request for a job router. */
export const ROUTER_SINCE: Version = { text: '18.7', major: 18, minor: 7 };

export type TokenFault = keyof typeof TOKEN_REASONS;

export interface TokenJudgement {
  readonly status: 'fail' | 'warn' | 'unknown';
  readonly reason: TokenFault;
  readonly detail: string;
}

interface Context {
  readonly target: RunnerTarget;
  readonly asked: HttpUrl;
  /** By this host's clock, for answers without a Date. */
  readonly now: Instant;
  /** The API's other answers on the same path have GitLab's own headers. */
  readonly isProvenElsewhere?: boolean;
}

/** `undefined` when GitLab accepts the token. */
export function judgeTokenAnswer(got: HttpAnswer, context: Context): TokenJudgement | undefined {
  const answer = redactToken(got, context.target.token.reveal());
  if (isAccepted(answer)) return undefined;
  const { name, id } = context.target;
  if (fingerprint(answer).who !== 'rails' || !isJson(answer))
    return judgeOtherAnswer(answer, context);
  const { status } = answer;
  const said = `GitLab returned ${status} for the token of ${name} (${id})`;
  const message = messageOf(answer);
  // 422 today, 403 in 17.x, and 404 in between.
  if (/orphaned/i.test(message)) return fail('orphaned', `${said}: the runner is orphaned`);
  if (status === 429 && /database migrations/i.test(message)) return unknown('migrations', said);
  if (status === 403) return judgeForbidden(answer, message, said, context);
  // Every GitLab with runners has verify; for discovery, the caller has handled a 404 before.
  if (status === 404)
    return fail('endpoint-missing', `${said}: it does not have this API endpoint`);
  return judgeOtherAnswer(answer, context);
}

/** A header can echo what was sent, and the name of a server is shown. */
function redactToken(answer: HttpAnswer, secret: string): HttpAnswer {
  const headers = Object.entries(answer.headers).map(
    ([name, value]) => [name, value.replaceAll(secret, '[hidden]')] as const,
  );
  return { ...answer, headers: Object.fromEntries(headers) };
}

/** Keys of the answers to discovery and verify. A portal that answers 200 to everything has none of them. */
const ACCEPTED_KEYS = ['server_url', 'token', 'id', 'token_expires_at'];

function isAccepted(answer: HttpAnswer): boolean {
  const isGitLab = fingerprint(answer).isProven;
  // The job router is not available. GitLab answers this only after it has accepted the token.
  if (answer.status === 501)
    return isJson(answer) && (isGitLab || /router/i.test(messageOf(answer)));
  if (answer.status !== 200) return false;
  const json = jsonOf(answer);
  // GitLab 15 and older verify with the text 200.
  const isOld = isGitLab && answer.body.trim() === '200';
  return isOld || ACCEPTED_KEYS.some((key) => json[key] !== undefined);
}

function fail(reason: TokenFault, detail: string): TokenJudgement {
  return { status: 'fail', reason, detail };
}

function unknown(reason: TokenFault, detail: string): TokenJudgement {
  return { status: 'unknown', reason, detail };
}

/** GitLab's own 403. It says something about the token only when it carries GitLab's headers. */
function judgeForbidden(
  answer: HttpAnswer,
  message: string,
  said: string,
  { target, now, isProvenElsewhere = false }: Context,
): TokenJudgement {
  if (isReadOnlyText(message)) return fail('read-only', `${said}: it is read-only`);
  const { isProven, server } = fingerprint(answer);
  if (!isProven) {
    const by = server === '' ? '' : ` by ${server}`;
    const detail = `403${by} in GitLab's format, but without GitLab's headers`;
    // No proxy on the path removes them, so another server wrote this.
    return isProvenElsewhere
      ? fail('forbidden-by-edge', `${detail}, which all its other responses have`)
      : unknown('token-error', detail);
  }
  const { tokenExpiresAt } = target;
  if (
    tokenExpiresAt !== undefined &&
    tokenExpiresAt < (httpDateOf(answer.headers['date']) ?? now)
  ) {
    return fail('expired', `${said}, and it expired on ${dateAndAge(tokenExpiresAt, now)}`);
  }
  return fail('rejected', said);
}

const GEO_HEADER = /(?:^|-)geo-(?:site|node|proxy|primary|secondary)|gitlab-geo/i;
const GEO_WORDS = /\bgeo\b|\bsecondary\b|\bprimary site\b/i;
const GEO_HOST = /(?:^|[.-])(?:geo|secondary)\d*(?:[.-]|$)/i;

/**
 * What shows that a refusal to write is for good: a Geo secondary, or a read-only database. A GitLab that knows
 * the discovery request answers writes in maintenance with 503, and never refuses to read.
 */
export function readOnlySiteEvidence(answer: HttpAnswer, asked: HttpUrl): string | undefined {
  const message = messageOf(answer);
  if (answer.status !== 403 || !isReadOnlyText(message)) return undefined;
  const header = Object.keys(answer.headers).find((name) => GEO_HEADER.test(name));
  if (header !== undefined) return `it sends the header ${header}`;
  if (GEO_WORDS.test(message)) return 'its message mentions Geo';
  if (GEO_HOST.test(asked.hostname)) return `its name is ${asked.hostname}`;
  return asked.pathname.endsWith('/discovery')
    ? 'it rejects reads too, which maintenance mode does not'
    : undefined;
}

/** Faults of the path that the earlier links did not meet, because they request other URLs. */
const TOKEN_FAULT_OF_WEB_FAULT: Readonly<Partial<Record<WebFault, TokenFault>>> = {
  'bad-gateway': 'unavailable',
  booting: 'unavailable',
  unavailable: 'unavailable',
  'origin-error': 'unavailable',
  maintenance: 'read-only',
  'server-error': 'server-error',
  challenge: 'challenge',
  forbidden: 'forbidden-by-edge',
  'login-gateway': 'login-gateway',
  redirected: 'redirected',
};

function judgeOtherAnswer(answer: HttpAnswer, { target, asked }: Context): TokenJudgement {
  const responder = responderOf(fingerprint(answer));
  const whose = `the token request of ${target.name} (${target.id})`;
  const said = `${responder} returned ${answer.status} for ${whose}`;
  // A 501 that is not from GitLab's job router: a server that does not support the method.
  const fault = answer.status === 501 ? undefined : webFaultOf(answer, asked);
  if (fault === 'too-many-requests')
    return unknown(isOwnLimit(answer, asked) ? 'address-limited' : fault, said);
  const reason = fault === undefined ? undefined : TOKEN_FAULT_OF_WEB_FAULT[fault];
  return reason === undefined ? unknown('token-error', said) : fail(reason, said);
}

/**
 * Discovery sends the token in a header, which Rack Attack does not read: it counts the request by address, as one
 * without a user. The runner's own requests send the token in the body. GitLab's other limits answer with JSON.
 */
function isOwnLimit(answer: HttpAnswer, asked: HttpUrl): boolean {
  return !isJson(answer) && asked.pathname.endsWith('/discovery');
}

/** An orphaned runner was once answered with 404, too. */
export function isUnknownToGitLab(answer: HttpAnswer): boolean {
  return fingerprint(answer).who === 'rails' && !/orphaned/i.test(messageOf(answer));
}
