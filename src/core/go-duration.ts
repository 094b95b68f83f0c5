/** Go's `time.ParseDuration`: `1h30m`, `500ms`, `0`, `-1.5h`. No days, no blanks, no number without a unit. */

const UNIT_NANOSECONDS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1000n,
  µs: 1000n,
  μs: 1000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

const PART = /(?:(?<whole>\d+)(?:\.(?<part>\d*))?|\.(?<only>\d+))(?<unit>ns|us|µs|μs|ms|s|m|h)/gy;
/** Of 64 bits, with a sign. */
const MAX_NANOSECONDS = 2n ** 63n;
const MAX_DIGITS = 19;

/** Seconds, or `undefined` for what Go refuses. */
export function goDurationSeconds(text: string): number | undefined {
  const isNegative = text.startsWith('-');
  const rest = text.replace(/^[+-]/, '');
  if (rest === '0') return 0;
  const parts = [...rest.matchAll(PART)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== rest) return undefined;
  const sum = parts.reduce((before, { groups }) => before + nanosecondsOf(groups), 0n);
  if (sum > MAX_NANOSECONDS || (sum === MAX_NANOSECONDS && !isNegative)) return undefined;
  return ((isNegative ? -1 : 1) * Number(sum)) / 1e9;
}

function nanosecondsOf(groups: RegExpExecArray['groups']): bigint {
  const { whole = '0', part, only, unit = '' } = groups ?? {};
  const size = UNIT_NANOSECONDS[unit] ?? 0n;
  const fraction = Math.trunc(Number(`0.${part ?? only ?? ''}`) * Number(size));
  const digits = whole.replace(/^0+(?=\d)/, '');
  // Far more than 64 bits: not worth the time to count it.
  return digits.length > MAX_DIGITS
    ? MAX_NANOSECONDS + 1n
    : BigInt(digits) * size + BigInt(fraction);
}

/** Nobody means a longer one. */
const MAX_MEANT = 100;

/** What was probably meant by a text that Go refuses: `3600 s` → `3600s`, `1d` → `24h`, `900` → `900s`. */
export function nearestGoDuration(text: string): string | undefined {
  if (text.length > MAX_MEANT) return undefined;
  const short = text
    .trim()
    .toLowerCase()
    .replaceAll(/\s+/g, '')
    .replaceAll(/(?<=\d)(?:hours?|hrs?)/g, 'h')
    .replaceAll(/(?<=\d)(?:minutes?|mins?)/g, 'm')
    .replaceAll(/(?<=\d)(?:seconds?|secs?)/g, 's')
    .replaceAll(/(?<days>\d+)(?:days?|d)/g, (_, days: string) => `${Number(days) * 24}h`);
  const withUnit = /^\d+(?:\.\d+)?$/.test(short) ? `${short}s` : short;
  return goDurationSeconds(withUnit) === undefined ? undefined : withUnit;
}

/** `2h`, `15m`, `90s`, `500ms`: a duration as Go's users write it. */
export function goDurationText(seconds: number): string {
  const size = Math.abs(seconds);
  if (size >= 3600 && seconds % 3600 === 0) return `${seconds / 3600}h`;
  if (size >= 60 && seconds % 60 === 0) return `${seconds / 60}m`;
  if (size >= 1) return `${seconds}s`;
  return size >= 1e-3 ? `${seconds * 1e3}ms` : `${Number((seconds * 1e6).toFixed(3))}µs`;
}
