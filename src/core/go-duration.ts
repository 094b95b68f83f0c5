/** Go's `time.ParseDuration`: `1h30m`, `500ms`, `0`, `-1.5h`. No days, no blanks, no number without a unit. */

const UNIT_SECONDS: Readonly<Record<string, number>> = {
  ns: 1e-9,
  us: 1e-6,
  µs: 1e-6,
  μs: 1e-6,
  ms: 1e-3,
  s: 1,
  m: 60,
  h: 3600,
};

const PART = /(?<number>\d+\.?\d*|\.\d+)(?<unit>ns|us|µs|μs|ms|s|m|h)/gy;
/** Beyond this a duration does not fit into 64 bits of nanoseconds. */
const MAX_SECONDS = 2 ** 63 / 1e9;

/** Seconds, or `undefined` for what Go refuses. */
export function goDurationSeconds(text: string): number | undefined {
  const sign = text.startsWith('-') ? -1 : 1;
  const rest = text.replace(/^[+-]/, '');
  if (rest === '0') return 0;
  const parts = [...rest.matchAll(PART)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== rest) return undefined;
  const seconds = parts.reduce((sum, { groups }) => {
    const { number = '', unit = '' } = groups ?? {};
    return sum + Number(number) * (UNIT_SECONDS[unit] ?? 0);
  }, 0);
  return seconds < MAX_SECONDS ? sign * seconds : undefined;
}

/** What was probably meant by a text that Go refuses: `3600 s` → `3600s`, `1d` → `24h`, `900` → `900s`. */
export function nearestGoDuration(text: string): string | undefined {
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
