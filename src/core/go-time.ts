/**
 * Go's time.Time of a text, as UnmarshalText of its package time reads RFC 3339: also with one digit for the hour, a comma
 * before the fraction, and an offset of 24 hours or 60 minutes.
 */
import type { Instant } from './clock.ts';

const FORM =
  /^(?<date>\d{4}-\d{2}-\d{2})T(?<hour>\d{1,2})(?<rest>:\d{2}:\d{2})(?:[.,](?<fraction>\d+))?(?<zone>Z|[+-]\d{2}:\d{2})$/;
const MAX_OFFSET = { hours: 24, minutes: 60 };

/** `undefined` for what Go refuses. */
export function goTime(text: string): Instant | undefined {
  const { date, hour, rest, fraction, zone } = FORM.exec(text)?.groups ?? {};
  const offset = offsetMinutes(zone ?? '');
  const at = instantOf(date ?? '', `${(hour ?? '').padStart(2, '0')}${rest}`);
  if (at === undefined || offset === undefined) return undefined;
  return at + Math.floor(Number(`0.${fraction ?? 0}`) * 1000) - offset * 60_000;
}

/** Neither a day that the month does not have, nor 24 o'clock, which to JavaScript are of the next day. */
function instantOf(date: string, time: string): Instant | undefined {
  const at = Date.parse(`${date}T${time}Z`);
  return Number.isNaN(at) || new Date(at).toISOString().slice(0, 10) !== date ? undefined : at;
}

function offsetMinutes(zone: string): number | undefined {
  const [hours = 0, minutes = 0] = zone.slice(1).split(':').map(Number);
  if (hours > MAX_OFFSET.hours || minutes > MAX_OFFSET.minutes) return undefined;
  return (hours * 60 + minutes) * (zone.startsWith('-') ? -1 : 1);
}
