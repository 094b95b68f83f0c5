/** How long an answer asks the client to wait, and when the answer was written. */
import type { Instant } from '../core/clock.ts';
import type { Send } from '../core/exchange-error.ts';
import type { HttpAnswer } from '../core/probe.ts';

/** The least quiet after a 429. */
const MIN_SECONDS = 60;
/** The most: a slip in a header must not end the watch for ever. */
const MAX_SECONDS = 86_400;

/**
 * Seconds until another request is welcome, 0 for at once: `Retry-After` of any answer as a number or a
 * date, and of a 429 the end of GitLab's own window. GitLab.com sends that end with every answer.
 */
export function retryAfterSeconds({ status, headers, receivedAt }: HttpAnswer): number {
  const now = httpDateOf(headers['date']) ?? receivedAt;
  const asked = secondsOf(headers['retry-after'], now);
  if (status !== 429) return Math.min(asked, MAX_SECONDS);
  const window = secondsOf(headers['ratelimit-resettime'], now);
  return Math.min(Math.max(asked, window, MIN_SECONDS), MAX_SECONDS);
}

function secondsOf(text: string | undefined, now: Instant): number {
  if (text !== undefined && /^\s*\d+\s*$/.test(text)) return Number(text);
  return Math.max(0, ((httpDateOf(text) ?? now) - now) / 1000);
}

/** Tells of each answer that asks for quiet. */
export function heedingRetryAfter(send: Send, pause: (seconds: number) => void): Send {
  return async (request, signal) => {
    const answer = await send(request, signal);
    const quiet = retryAfterSeconds(answer);
    if (quiet > 0) pause(quiet);
    return answer;
  };
}

const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/** Only the form that HTTP allows: `Date.parse` reads a bare number as a year. */
export function httpDateOf(text: string | undefined): Instant | undefined {
  if (text === undefined || !HTTP_DATE.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : at;
}
