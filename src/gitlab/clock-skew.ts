/**
 * The difference between this host's clock and GitLab's, from the Date header of one answer. Accurate to one second.
 */
import type { HttpAnswer } from '../core/probe.ts';
import { httpDateOf } from './retry-after.ts';

/** The Date header has whole seconds, and was written about halfway through the exchange. */
export function skewOf({ headers, receivedAt, seconds }: HttpAnswer): {
  readonly clock_skew_seconds?: number;
} {
  const date = httpDateOf(headers['date']);
  // An answer out of a cache carries the time of its making.
  if (date === undefined || Number(headers['age'] ?? 0) > 0) return {};
  const written = receivedAt / 1000 - seconds / 2;
  const skew = date / 1000 + 0.5 - written;
  return { clock_skew_seconds: Math.abs(skew) < 1 ? 0 : Math.round(skew) };
}
