/** How far is this host's clock from GitLab's, by the Date of one answer? Good to one second. */
import type { HttpAnswer } from '../core/probe.ts';
import { httpDateOf } from './retry-after.ts';

/** The Date header is cut to whole seconds, and was written half-way through the exchange. */
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
