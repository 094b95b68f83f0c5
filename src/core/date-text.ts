/** Points in time as people read them: `2026-11-28 22:24 UTC (1 day ago)`. */
import type { Instant } from './clock.ts';

const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const;

/** `2026-11-28 22:24 UTC`. */
export function dateText(at: Instant): string {
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** `2026-11-28 22:24 UTC (1 day ago)`, `(in 3 hours)`. */
export function dateAndAge(at: Instant, now: Instant): string {
  return `${dateText(at)} (${ageText(now - at)})`;
}

function ageText(milliseconds: number): string {
  const size = Math.abs(milliseconds);
  const [unit, length] = UNITS.find(([, least]) => size >= least) ?? ['minute', 60_000];
  const count = Math.floor(size / length);
  if (count === 0) return 'now';
  const span = `${count} ${unit}${count === 1 ? '' : 's'}`;
  return milliseconds >= 0 ? `${span} ago` : `in ${span}`;
}

/** A date that a fact holds as ISO text; any other text unchanged. */
export function dateOfFact(text: string): string {
  const at = Date.parse(text);
  return Number.isNaN(at) ? text : dateText(at);
}
