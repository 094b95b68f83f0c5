/**
 * What an answer to a request with a runner token means (fault matrix 0.2, network reference 2.2). Never
 * quotes a body: the answer to verify holds the token.
 */
import type { Instant } from '../core/clock.ts';
import type { HttpAnswer, Ledger } from '../core/probe.ts';
import type { RunnerTarget } from '../core/target.ts';
import {
  fingerprint,
  isJson,
  isReadOnlyText,
  messageOf,
  retryAfterSeconds,
} from './fingerprint.ts';

export type TokenFault =
  | 'missing'
  | 'registration-token'
  | 'wrong-kind'
  | 'checksum-mismatch'
  | 'rejected'
  | 'expired'
  | 'orphaned'
  | 'read-only'
  | 'forbidden-by-edge'
  | 'migrations'
  | 'too-many-requests'
  | 'server-error'
  | 'unavailable'
  | 'expiring-soon'
  | 'no-system-id'
  | 'verify-not-due'
  | 'token-error';

export interface TokenJudgement {
  readonly status: 'fail' | 'warn' | 'unknown';
  readonly reason: TokenFault;
  readonly detail: string;
}

interface Context {
  readonly target: RunnerTarget;
  readonly ledger: Ledger;
  /** By this host's clock, for answers without a Date. */
  readonly now: Instant;
}

/** Quiet after a 429 without a time. */
const QUIET_SECONDS = 60;

/** `undefined` when GitLab accepts the token. */
export function judgeTokenAnswer(answer: HttpAnswer, context: Context): TokenJudgement | undefined {
  const { status } = answer;
  const quiet = Math.max(retryAfterSeconds(answer), status === 429 ? QUIET_SECONDS : 0);
  if (quiet > 0) context.ledger.pause(context.target.endpoint ?? context.target.id, quiet);
  // 501: the job router is not available, said only after the token was accepted.
  if ((status === 200 && isJson(answer)) || status === 501) return undefined;
  const said = `GitLab answered ${status} to the token of ${context.target.name} (${context.target.id})`;
  const message = messageOf(answer);
  if (/orphaned/i.test(message)) return fail('orphaned', `${said}: the runner is orphaned`);
  if (status === 429) return limited(message, said);
  if (status === 403) return forbidden(answer, message, said, context);
  return unavailable(status, message, said);
}

function unavailable(status: number, message: string, said: string): TokenJudgement {
  if (status === 500) return fail('server-error', said);
  if (status === 503 && isReadOnlyText(message)) return fail('read-only', `${said}: maintenance`);
  if (status === 502 || status === 503 || status === 504) return fail('unavailable', said);
  return { status: 'unknown', reason: 'token-error', detail: said };
}

function fail(reason: TokenFault, detail: string): TokenJudgement {
  return { status: 'fail', reason, detail };
}

function limited(message: string, said: string): TokenJudgement {
  if (/database migrations/i.test(message)) {
    return { status: 'unknown', reason: 'migrations', detail: `${said}: database migrations` };
  }
  return { status: 'unknown', reason: 'too-many-requests', detail: said };
}

/** Only GitLab's own 403 says something about the token. */
function forbidden(
  answer: HttpAnswer,
  message: string,
  said: string,
  { target, now }: Context,
): TokenJudgement {
  if (isReadOnlyText(message)) return fail('read-only', `${said}: it is read-only`);
  const { who, server } = fingerprint(answer);
  if (who !== 'rails' || !isJson(answer)) {
    const by = server === '' ? 'something before GitLab' : server;
    return fail(
      'forbidden-by-edge',
      `${by} answered 403 to the request for ${target.name} (${target.id})`,
    );
  }
  const serverNow = Date.parse(answer.headers['date'] ?? '');
  const clock = Number.isNaN(serverNow) ? now : serverNow;
  const { tokenExpiresAt } = target;
  if (tokenExpiresAt !== undefined && tokenExpiresAt < clock) {
    return fail('expired', `${said}, and it expired on ${new Date(tokenExpiresAt).toISOString()}`);
  }
  return fail('rejected', said);
}
