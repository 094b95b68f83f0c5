/** The forms of texts in config.toml, as the runner or Docker parses them (docs/reference/runner-config.md#docker). */
import { isIP } from 'node:net';

const SIZE = /^(?<number>\d+(?:\.\d+)?)\s?(?:(?<unit>[kmgtp])?(?:i?b)?)$/i;
const POWERS = 'kmgtp';

/** Bytes of `4g`, `512 MiB`, `1073741824`; `undefined` for what the runner exits on. */
export function sizeOf(text: string): number | undefined {
  const { number, unit = '' } = SIZE.exec(text.trim())?.groups ?? {};
  if (number === undefined || /^\d+(?:\.\d+)?\s?ib$/i.test(text.trim())) return undefined;
  return Math.floor(Number(number) * 1024 ** (POWERS.indexOf(unit.toLowerCase()) + 1 || 0));
}

/** `2`, `1.5`, `1/2`, `1e1`; `undefined` for what Go does not parse. */
export function rationalOf(text: string): number | undefined {
  const { top, bottom } = /^[+-]?(?<top>\d+)\/(?<bottom>\d+)$/.exec(text)?.groups ?? {};
  if (top !== undefined && bottom !== undefined) {
    return Number(bottom) === 0 ? undefined : Number(top) / Number(bottom);
  }
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined;
}

const SOURCE = String.raw`(?:(?<source>\/[^:]*|[A-Za-z0-9][\w.-]*):)?`;
const TARGET = String.raw`(?<target>\/[^:]*)`;
const MODE =
  '(?::(?<mode>(?:ro|rw|O|z|Z|r?shared|r?slave|r?private|cached|delegated|consistent|nocopy)(?:,(?:ro|rw|O|z|Z|r?shared|r?slave|r?private|cached|delegated|consistent|nocopy))*))?';
const VOLUME = new RegExp(`^${SOURCE}${TARGET}${MODE}$`, 'i');

export interface Volume {
  readonly source?: string;
  readonly target: string;
}

/** `undefined` for what the runner refuses: a relative path, `~`, an unknown mode. */
export function volumeOf(text: string): Volume | undefined {
  const { source, target } = VOLUME.exec(text)?.groups ?? {};
  if (target === undefined) return undefined;
  return source === undefined ? { target } : { source, target };
}

export function isIpAddress(text: string): boolean {
  return isIP(text) !== 0;
}

export function isMacAddress(text: string): boolean {
  return (
    /^(?:[0-9a-f]{2}([:-]))(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}$/i.test(text) ||
    /^(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}$/i.test(text)
  );
}

/** Five to seven fields of cron, or a name such as @daily. */
export function isCronPeriod(text: string): boolean {
  const fields = text.trim().split(/\s+/);
  return (
    text.startsWith('@') ||
    (fields.length >= 5 &&
      fields.length <= 7 &&
      fields.every((field) => /^[\w*,/?#-]+$/.test(field)))
  );
}

export function isTimeZone(text: string): boolean {
  if (text === 'Local') return true;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).format(0) !== '';
  } catch {
    return false;
  }
}

/** Go's expressions have no lookaround; what JavaScript cannot compile either is certainly broken. */
export function isGoExpression(text: string): boolean {
  if (/\(\?<?[=!]/.test(text)) return false;
  // Flags and classes that only Go has.
  if (/\(\?[a-zA-Z-]+[:)]|\[\[:/.test(text)) return true;
  try {
    return new RegExp(text.replaceAll('(?P<', '(?<')).source !== '';
  } catch {
    return false;
  }
}
