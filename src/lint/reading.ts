/** Typed looks into the tree: a value of the wrong type is as good as absent, since the decoder's rules name it. */
import type { TomlEntry, TomlTable, TomlValue } from '../config/runner/toml-tree.ts';
import { entryOf, tablesOf } from '../config/runner/toml-tree.ts';

export interface Got<T> {
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

function got<T>(
  entry: TomlEntry | undefined,
  read: (value: TomlValue) => T | undefined,
): Got<T> | undefined {
  const value = entry === undefined ? undefined : read(entry.value);
  return entry === undefined || value === undefined ? undefined : { value, entry };
}

/** A string; also an empty one. */
export function textAt(table: TomlTable, ...path: readonly string[]): Got<string> | undefined {
  return got(entryAt(table, ...path), (value) =>
    value.kind === 'string' ? value.text : undefined,
  );
}

/** A string with something in it: the runner takes an empty one as absent. */
export function filledAt(table: TomlTable, ...path: readonly string[]): Got<string> | undefined {
  const found = textAt(table, ...path);
  return found?.value === '' ? undefined : found;
}

export function wholeAt(table: TomlTable, ...path: readonly string[]): Got<number> | undefined {
  return got(entryAt(table, ...path), (value) =>
    value.kind === 'integer' ? Number(value.value) : undefined,
  );
}

export function flagAt(table: TomlTable, ...path: readonly string[]): Got<boolean> | undefined {
  return got(entryAt(table, ...path), (value) =>
    value.kind === 'boolean' ? value.value : undefined,
  );
}

export function tableAt(table: TomlTable, ...path: readonly string[]): Got<TomlTable> | undefined {
  return got(entryAt(table, ...path), (value) => tablesOf(value)[0]);
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
export function instantAt(table: TomlTable, ...path: readonly string[]): Got<number> | undefined {
  return got(entryAt(table, ...path), (value) => {
    const at = value.kind === 'datetime' ? value.at : timeOf(value);
    return Number.isNaN(at) || new Date(at).getUTCFullYear() <= 1 ? undefined : at;
  });
}

function timeOf(value: TomlValue): number {
  return value.kind === 'string' ? Date.parse(value.text) : Number.NaN;
}
