/**
 * What proves that an address serves the GitLab that the runner wants: its health page, else an answer of its API; and
 * for a token that is rejected elsewhere, that it is accepted here. Nothing is asked that the caller does not allow.
 */
import type { Send } from '../core/exchange-error.ts';
import { answerOrError, ExchangeError } from '../core/exchange-error.ts';
import type { HttpUrl } from '../core/http-url.ts';
import { urlBelow } from '../core/http-url.ts';
import type { Instant } from '../core/clock.ts';
import type { HttpAnswer, HttpRequest } from '../core/probe.ts';
import type { RunnerTarget } from '../core/target.ts';
import { fingerprint, isJson } from './fingerprint.ts';
import { HEALTH_REQUEST } from './health-fault.ts';
import type { TokenFault } from './token-answer.ts';
import { isUnknownToGitLab, judgeTokenAnswer } from './token-answer.ts';
import { discoveryRequest, verifyRequest } from './token-request.ts';
import { isSystemId } from './token.ts';
import { webFaultOf } from './web-fault.ts';

/** `not-asked`: the request that would tell may not be sent now. */
export type Proof = 'proven' | 'refuted' | 'not-asked';

/** `rejected`: the GitLab that answers does not accept the token. */
export type TokenProof = Proof | 'rejected';

/** Refusals that only a GitLab gives, and not a server in front of it, or one that is down. */
const REJECTIONS: ReadonlySet<string> = new Set<TokenFault>(['rejected', 'expired', 'orphaned']);

const ANSWER_SECONDS = 3;
const API_REQUEST: HttpRequest = {
  method: 'GET',
  path: 'api/v4/version',
  timeoutSeconds: ANSWER_SECONDS,
};

/** Called right before the request that it allows and counts. */
export type MayAsk = (kind: 'http' | 'api') => boolean;

export async function proveGitLab(
  send: Send,
  base: HttpUrl,
  mayAsk: MayAsk,
  signal: AbortSignal,
): Promise<Proof> {
  if (!mayAsk('http')) return 'not-asked';
  const request = { ...HEALTH_REQUEST, timeoutSeconds: ANSWER_SECONDS };
  const answer = await answerOrError(send, request, signal);
  if (answer instanceof ExchangeError) return 'refuted';
  if (answer.status === 429) return 'not-asked';
  if (answer.status >= 500) return 'refuted';
  const fault = webFaultOf(answer, urlBelow(base, request.path));
  // Many web servers restrict the health page alone.
  if (fault === undefined && isGitLab(answer)) return 'proven';
  return await proveApi(send, mayAsk, signal);
}

/** The same question as that of the api link. */
export async function proveApi(send: Send, mayAsk: MayAsk, signal: AbortSignal): Promise<Proof> {
  if (!mayAsk('api')) return 'not-asked';
  const answer = await answerOrError(send, API_REQUEST, signal);
  if (answer instanceof ExchangeError) return 'refuted';
  if (answer.status === 429) return 'not-asked';
  const isAlive = answer.status === 401 || answer.status === 200;
  return isAlive && isGitLab(answer) && isJson(answer) ? 'proven' : 'refuted';
}

function isGitLab(answer: HttpAnswer): boolean {
  const { who } = fingerprint(answer);
  return who === 'rails' || who === 'workhorse';
}

export interface TokenQuestion {
  readonly runner: RunnerTarget;
  readonly base: HttpUrl;
  readonly now: Instant;
  readonly mayAsk: () => boolean;
  /** For the request with a side effect. */
  readonly mayVerify: () => boolean;
}

/** Only for a server whose identity was verified: the token must not reach another one. */
export async function proveToken(
  send: Send,
  question: TokenQuestion,
  signal: AbortSignal,
): Promise<TokenProof> {
  const { runner, mayAsk } = question;
  if (!mayAsk()) return 'not-asked';
  const request = discoveryRequest(runner);
  const answer = await answerOrError(send, request, signal);
  if (answer instanceof ExchangeError) return 'not-asked';
  if (answer.status !== 404 || !isUnknownToGitLab(answer)) {
    return judgeProof(answer, request, question);
  }
  const { systemId } = runner;
  if (systemId === undefined || !isSystemId(systemId) || !question.mayVerify()) return 'not-asked';
  const verify = verifyRequest(runner, systemId);
  const verified = await answerOrError(send, verify, signal);
  if (verified instanceof ExchangeError) return 'not-asked';
  return judgeProof(verified, verify, question);
}

function judgeProof(
  answer: HttpAnswer,
  { path }: HttpRequest,
  question: TokenQuestion,
): TokenProof {
  const { runner: target, base, now } = question;
  const context = { target, asked: urlBelow(base, path), now };
  const judgement = judgeTokenAnswer(answer, context);
  if (judgement === undefined) return 'proven';
  if (judgement.status !== 'fail') return 'not-asked';
  return REJECTIONS.has(judgement.reason) ? 'rejected' : 'refuted';
}
