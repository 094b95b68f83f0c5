/** A TOML document as values with their positions. Lines and columns count from 1. */

export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface TomlTable {
  readonly kind: 'table';
  readonly position: Position;
  /** Behind its last character; of a header or an implied table, behind its name. */
  readonly end: Position;
  /** As written: `[runners.docker]`, `{ … }`, or only implied by the header of a table below it. */
  readonly form: 'header' | 'inline' | 'implied';
  readonly entries: ReadonlyMap<string, TomlEntry>;
}

export interface TomlArray {
  readonly kind: 'array';
  readonly position: Position;
  readonly end: Position;
  readonly elements: readonly TomlValue[];
}

interface Spanned {
  readonly position: Position;
  /** Behind its last character. */
  readonly end: Position;
}

export type TomlScalar =
  | (Spanned & { readonly kind: 'string'; readonly text: string })
  | (Spanned & { readonly kind: 'integer'; readonly value: bigint })
  | (Spanned & { readonly kind: 'float'; readonly value: number })
  | (Spanned & { readonly kind: 'boolean'; readonly value: boolean })
  | (Spanned & {
      readonly kind: 'datetime';
      /** As written. */
      readonly text: string;
      /** Unix milliseconds; a date without a zone is read as UTC. */
      readonly at: number;
    });

export type TomlValue = TomlScalar | TomlArray | TomlTable;

export interface TomlEntry {
  /** As written in the file. */
  readonly key: string;
  readonly keyPosition: Position;
  readonly value: TomlValue;
}

const foldedTables = new WeakMap<TomlTable, ReadonlyMap<string, TomlEntry>>();

/** Its keys in lower case, the first of equal ones; made once, since most questions are about keys that are absent. */
function foldedOf(table: TomlTable): ReadonlyMap<string, TomlEntry> {
  const known = foldedTables.get(table);
  if (known !== undefined) return known;
  const entries = [...table.entries.values()].toReversed();
  const folded = new Map(entries.map((entry) => [entry.key.toLowerCase(), entry]));
  foldedTables.set(table, folded);
  return folded;
}

/** The entry of a key, found as the runner's decoder does it: exactly, else without regard to case. */
export function entryOf(table: TomlTable, key: string): TomlEntry | undefined {
  return table.entries.get(key) ?? foldedOf(table).get(key.toLowerCase());
}

/** The tables under a key, whether written as one table or as an array of tables. */
export function tablesOf(value: TomlValue | undefined): readonly TomlTable[] {
  if (value === undefined) return [];
  if (value.kind === 'table') return [value];
  return value.kind === 'array' ? value.elements.filter((element) => element.kind === 'table') : [];
}
