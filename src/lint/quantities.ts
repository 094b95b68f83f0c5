/** Sizes as Docker's libraries read them, and Go's rational numbers: docs/reference/runner-config.md#docker. */
import { goDurationSeconds } from '../core/go-duration.ts';
import type { TomlEntry, TomlTable } from '../config/runner/toml-tree.ts';
import type { Got } from './reading.ts';
import { filledAt } from './reading.ts';

const SIZE = /^(?<number>\d+(?:\.\d+)?)\s?(?:(?<unit>[kmgtp])?(?:i?b)?)$/i;
const POWERS = 'kmgtp';

/** Bytes of `4g`, `512 MiB`, `1073741824`; `undefined` for what the runner dies of. */
export function sizeOf(text: string): number | undefined {
  const { number, unit = '' } = SIZE.exec(text.trim())?.groups ?? {};
  if (number === undefined || /^\d+(?:\.\d+)?\s?ib$/i.test(text.trim())) return undefined;
  return Math.floor(Number(number) * 1024 ** (POWERS.indexOf(unit.toLowerCase()) + 1 || 0));
}

/** `2`, `1.5`, `1/2`, `1e1`; `undefined` for what Go does not read. */
export function rationalOf(text: string): number | undefined {
  const { top, bottom } = /^[+-]?(?<top>\d+)\/(?<bottom>\d+)$/.exec(text)?.groups ?? {};
  if (top !== undefined && bottom !== undefined) {
    return Number(bottom) === 0 ? undefined : Number(top) / Number(bottom);
  }
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined;
}

/** A size at a path; absent where there is none that can be read. */
export function bytesOf(table: TomlTable, ...path: readonly string[]): Got<number> | undefined {
  const found = filledAt(table, ...path);
  const value = found === undefined ? undefined : sizeOf(found.value);
  return found === undefined || value === undefined ? undefined : { value, entry: found.entry };
}

/** A number of processors at a path. */
export function cpusOf(table: TomlTable, ...path: readonly string[]): Got<number> | undefined {
  const found = filledAt(table, ...path);
  const value = found === undefined ? undefined : rationalOf(found.value);
  return found === undefined || value === undefined ? undefined : { value, entry: found.entry };
}

/** Of a duration in any of its forms. */
export function secondsOf(entry: TomlEntry | undefined): number | undefined {
  if (entry?.value.kind === 'string') return goDurationSeconds(entry.value.text);
  return entry?.value.kind === 'integer' ? Number(entry.value.value) / 1e9 : undefined;
}
