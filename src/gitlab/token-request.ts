/** The requests that ask GitLab about the token of an entry. */
import type { HttpRequest } from '../core/probe.ts';
import { ANSWER_SECONDS } from '../core/runner-patience.ts';
import type { RunnerTarget } from '../core/target.ts';

/** Without a side effect. */
export function discoveryRequest({ token }: RunnerTarget): HttpRequest {
  return {
    method: 'GET',
    path: 'api/v4/runners/router/discovery',
    headers: { 'Runner-Token': token.reveal(), Accept: 'application/json' },
    timeoutSeconds: ANSWER_SECONDS,
  };
}

/** For a GitLab without discovery. It makes the system id known there. */
export function verifyRequest({ token }: RunnerTarget, systemId: string): HttpRequest {
  return {
    method: 'POST',
    path: 'api/v4/runners/verify',
    body: JSON.stringify({ token: token.reveal(), system_id: systemId }),
    timeoutSeconds: ANSWER_SECONDS,
  };
}
