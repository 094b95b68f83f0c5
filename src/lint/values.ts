/**
 * Typed values of the tree. A value of the wrong type counts as absent here, since the type rules report it; url
 * and token are read as the runner has them, with `$NAME` replaced from its environment.
 */
import type { BaseUrl } from '../config/runner/base-url.ts';
import { baseUrlOf } from '../config/runner/base-url.ts';
import { expandEnvironment } from '../config/runner/expand.ts';
import type { TomlEntry, TomlTable, TomlValue } from '../config/runner/toml-tree.ts';
import { entryOf, tablesOf } from '../config/runner/toml-tree.ts';
import { rationalOf, sizeOf } from '../config/runner/value-forms.ts';
import { goDurationSeconds } from '../core/go-duration.ts';
import { goTime } from '../core/go-time.ts';
import { Secret } from '../core/secret.ts';
import type { LintContext } from './context.ts';
import type { Section } from './parsed-config.ts';

export interface Found<T> {
  readonly value: T;
  readonly entry: TomlEntry;
}

/** The entry at the end of a path of keys. */
export function entryAt(table: TomlTable, ...path: readonly string[]): TomlEntry | undefined {
  const [key = '', ...rest] = path;
  const entry = entryOf(table, key);
  if (entry === undefined || rest.length === 0) return entry;
  const [below] = tablesOf(entry.value);
  return below === undefined ? undefined : entryAt(below, ...rest);
}

function readEntry<T>(
  entry: TomlEntry | undefined,
  read: (value: TomlValue) => T | undefined,
): Found<T> | undefined {
  const value = entry === undefined ? undefined : read(entry.value);
  return entry === undefined || value === undefined ? undefined : { value, entry };
}

/** A string; also an empty one. */
export function textAt(table: TomlTable, ...path: readonly string[]): Found<string> | undefined {
  return readEntry(entryAt(table, ...path), (value) =>
    value.kind === 'string' ? value.text : undefined,
  );
}

/** A string with something in it: the runner takes an empty one as absent. */
export function filledAt(table: TomlTable, ...path: readonly string[]): Found<string> | undefined {
  const found = textAt(table, ...path);
  return found?.value === '' ? undefined : found;
}

export function wholeAt(table: TomlTable, ...path: readonly string[]): Found<number> | undefined {
  return readEntry(entryAt(table, ...path), (value) =>
    value.kind === 'integer' ? Number(value.value) : undefined,
  );
}

export function flagAt(table: TomlTable, ...path: readonly string[]): Found<boolean> | undefined {
  return readEntry(entryAt(table, ...path), (value) =>
    value.kind === 'boolean' ? value.value : undefined,
  );
}

export function tableAt(
  table: TomlTable,
  ...path: readonly string[]
): Found<TomlTable> | undefined {
  return readEntry(entryAt(table, ...path), (value) => tablesOf(value)[0]);
}

export interface TextItem {
  readonly text: string;
  readonly value: Extract<TomlValue, { kind: 'string' }>;
}

/** The strings of an array, or one string alone. */
export function textsAt(table: TomlTable, ...path: readonly string[]): readonly TextItem[] {
  const value = entryAt(table, ...path)?.value;
  const values = value?.kind === 'array' ? value.elements : [value];
  return values.flatMap((item) =>
    item?.kind === 'string' ? [{ text: item.text, value: item }] : [],
  );
}

/** The names and values of a table of strings. */
export function pairsAt(
  table: TomlTable,
  ...path: readonly string[]
): readonly { readonly name: string; readonly text: string; readonly entry: TomlEntry }[] {
  const below = tableAt(table, ...path)?.value;
  return [...(below?.entries.values() ?? [])].flatMap((entry) =>
    entry.value.kind === 'string' ? [{ name: entry.key, text: entry.value.text, entry }] : [],
  );
}

/** Unix milliseconds; Go's zero time and what is no time are absent. */
export function instantAt(table: TomlTable, ...path: readonly string[]): Found<number> | undefined {
  return readEntry(entryAt(table, ...path), (value) => {
    const at = value.kind === 'datetime' ? value.at : timeOf(value);
    return Number.isNaN(at) || isZeroTime(at) ? undefined : at;
  });
}

/** What Go writes for no time. */
export function isZeroTime(at: number): boolean {
  return new Date(at).getUTCFullYear() <= 1;
}

function timeOf(value: TomlValue): number {
  return value.kind === 'string' ? (goTime(value.text) ?? Number.NaN) : Number.NaN;
}

/** A size at a path; absent where it cannot be parsed. */
export function bytesOf(table: TomlTable, ...path: readonly string[]): Found<number> | undefined {
  const found = filledAt(table, ...path);
  const value = found === undefined ? undefined : sizeOf(found.value);
  return found === undefined || value === undefined ? undefined : { value, entry: found.entry };
}

/** A number of processors at a path. */
export function cpusOf(table: TomlTable, ...path: readonly string[]): Found<number> | undefined {
  const found = filledAt(table, ...path);
  const value = found === undefined ? undefined : rationalOf(found.value);
  return found === undefined || value === undefined ? undefined : { value, entry: found.entry };
}

/** Of a duration in any of its forms. */
export function secondsOf(entry: TomlEntry | undefined): number | undefined {
  if (entry?.value.kind === 'string') return goDurationSeconds(entry.value.text);
  return entry?.value.kind === 'integer' ? Number(entry.value.value) / 1e9 : undefined;
}

export interface Expanded {
  readonly entry: TomlEntry;
  readonly text: string;
  /** Variables that the process does not have. */
  readonly unset: readonly string[];
}

/** `undefined` where the key is absent, or names variables and the environment is not known. */
export function expandedAt(
  { table }: Section,
  key: 'url' | 'token',
  { environment }: LintContext,
): Expanded | undefined {
  const found = textAt(table, key);
  if (found === undefined) return undefined;
  const expansion = expandEnvironment(found.value, environment);
  if (expansion.kind === 'blind') return undefined;
  return { entry: found.entry, text: expansion.text, unset: expansion.unset };
}

/** The token, which no output may show. */
export function tokenOf(
  section: Section,
  context: LintContext,
):
  | { readonly entry: TomlEntry; readonly token: Secret; readonly unset: readonly string[] }
  | undefined {
  const found = expandedAt(section, 'token', context);
  return found === undefined
    ? undefined
    : { entry: found.entry, token: new Secret(found.text), unset: found.unset };
}

export interface ExpandedUrl extends Expanded {
  readonly base: BaseUrl;
}

/** url as the runner uses it, and what is wrong with it. */
export function urlAt(section: Section, context: LintContext): ExpandedUrl | undefined {
  const found = expandedAt(section, 'url', context);
  return found === undefined ? undefined : { ...found, base: baseUrlOf(found.text) };
}
