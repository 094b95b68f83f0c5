/** Spots at keys, values and tables, with texts that hold no secret. */
import { shownText } from '../config/runner/shown-text.ts';
import type { TomlEntry, TomlTable, TomlValue } from '../config/runner/toml-tree.ts';
import type { Spot } from './rule.ts';

type More = Omit<Spot, 'place' | 'message'>;

/** At the value of a key. */
export function atValue({ value, keyPlace }: TomlEntry, message: string, more: More = {}): Spot {
  const isTable = value.kind === 'table' && value.form !== 'inline';
  return { place: isTable ? keyPlace : value.place, message, ...more };
}

/** At the key itself. */
export function atKey({ keyPlace }: TomlEntry, message: string, more: More = {}): Spot {
  return { place: keyPlace, message, ...more };
}

/** At an element of an array. */
export function atItem({ place }: TomlValue, message: string, more: More = {}): Spot {
  return { place, message, ...more };
}

/** At the header of a table that lacks something. */
export function atTable({ place }: TomlTable, message: string, more: More = {}): Spot {
  return { place, message, ...more };
}

/** `key = "text"`, with a text that may be shown. */
export function lineOf(key: string, text: string): string {
  return `${key} = "${shownText(key, text)}"`;
}

/** The correction of a string value, and the change that makes it. */
export function rewritten(entry: TomlEntry, text: string): Pick<Spot, 'corrected' | 'edits'> {
  const { key, value } = entry;
  return {
    corrected: lineOf(key, text),
    edits: [{ from: value.place, to: value.end, text: JSON.stringify(text) }],
  };
}

/** A value as it may be quoted in a message. */
export function shown(key: string, text: string): string {
  return `"${shownText(key, text)}"`;
}
