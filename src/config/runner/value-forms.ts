/** The forms of texts in config.toml, as the runner or Docker parses them (docs/reference/runner-config.md#docker). */
import { isIP } from 'node:net';

const DIGITS = String.raw`\d+(?:_\d+)*`;
const HEX = String.raw`[\da-f]+(?:_[\da-f]+)*`;
const DECIMAL = new RegExp(
  `^[+-]?(?:${DIGITS}(?:\\.(?:${DIGITS})?)?|\\.${DIGITS})(?:e[+-]?${DIGITS})?$`,
  'i',
);
/** `0x1p4` is 16. */
const HEXADECIMAL = new RegExp(
  `^(?<sign>[+-]?)0x_?(?<whole>${HEX})?(?:\\.(?<part>${HEX})?)?p(?<power>[+-]?${DIGITS})$`,
  'i',
);

/** Go's strconv.ParseFloat of a finite number; `undefined` for what it refuses. */
function goFloat(text: string): number | undefined {
  const value = DECIMAL.test(text) ? Number(text.replaceAll('_', '')) : hexadecimalOf(text);
  return value !== undefined && Number.isFinite(value) ? value : undefined;
}

function hexadecimalOf(text: string): number | undefined {
  const { groups } = HEXADECIMAL.exec(text.replaceAll(/(?<=[\da-f])_(?=[\da-f])/gi, '')) ?? {};
  const { sign = '', whole = '', part = '', power = '' } = groups ?? {};
  if (whole + part === '') return undefined;
  const mantissa = Number.parseInt(whole + part, 16) / 16 ** part.length;
  return (sign === '-' ? -1 : 1) * mantissa * 2 ** Number(power);
}

const SIZE = /^(?<number>[^]*[\d. ])(?<unit>[^\d. ]*)$/;
const UNIT = /^(?:b|(?<power>[kmgtp])(?:i?b)?)?$/i;
const POWERS = 'kmgtp';

/**
 * Bytes of `4g`, `512 MiB`, `1073741824`, as RAMInBytes of docker/go-units 0.5.0 reads them: without a unit they are
 * bytes, and one blank may stand before the unit. `undefined` for what the runner exits on.
 */
export function sizeOf(text: string): number | undefined {
  const { number = '', unit = '' } = SIZE.exec(text)?.groups ?? {};
  const { power = '' } = UNIT.exec(unit)?.groups ?? {};
  const value = goFloat(number.replace(/ $/, ''));
  if (value === undefined || value < 0 || !UNIT.test(unit)) return undefined;
  return Math.trunc(value * (power === '' ? 1 : 1024 ** (POWERS.indexOf(power.toLowerCase()) + 1)));
}

/** A number that is too small for bytes, with the unit that was probably meant: `4g`, `512m`, `1048576k`. */
export function withUnit(value: bigint): string {
  if (value < 64n) return `${value}g`;
  return value < 65_536n ? `${value}m` : `${value}k`;
}

const INTEGER =
  /^(?<sign>[+-]?)(?<digits>0x_?[\da-f]+(?:_[\da-f]+)*|0b_?[01]+(?:_[01]+)*|0o_?[0-7]+(?:_[0-7]+)*|\d+(?:_\d+)*)$/i;

/** `2`, `1.5`, `1/2`, `1e1`, as SetString of Go's big.Rat reads them; `undefined` for what it refuses. */
export function rationalOf(text: string): number | undefined {
  const [top = '', bottom, ...more] = text.split('/');
  if (bottom === undefined) return goFloat(text) ?? integerOf(text);
  const [above, below] = [integerOf(top), /^[+-]/.test(bottom) ? undefined : integerOf(bottom)];
  return above === undefined || !below || more.length > 0 ? undefined : above / below;
}

function integerOf(text: string): number | undefined {
  const { sign, digits } = INTEGER.exec(text)?.groups ?? {};
  if (digits === undefined) return undefined;
  return (sign === '-' ? -1 : 1) * Number(digits.replaceAll('_', ''));
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
