/** One position where a rule is broken, and how it is reported: at a key, a value, an element or a table. No text of it holds a secret. */
import { redactValue } from '../config/runner/redact-value.ts';
import type { Position, TomlEntry, TomlTable, TomlValue } from '../config/runner/toml-tree.ts';
import type { LintEffect, LintSeverity } from '../core/lint.ts';

/** A change of the text that is certainly right. */
export interface Edit {
  readonly from: Position;
  /** Behind the last character that goes. */
  readonly to: Position;
  readonly text: string;
}

/** One position where a rule is broken. */
export interface Violation {
  /** Absent where it is about the whole file or the host. */
  readonly position?: Position;
  /** `runners.docker.cpus`. */
  readonly key?: string;
  /** Number of its `[[runners]]`. */
  readonly entry?: number;
  /** One clause with what is there: no secret, no full stop. */
  readonly message: string;
  /** What to write instead. */
  readonly corrected?: string;
  readonly edits?: readonly Edit[];
  /** Set if this case is more or less severe than the rule. */
  readonly severity?: LintSeverity;
  readonly effect?: LintEffect;
}

type More = Omit<Violation, 'position' | 'message'>;

/** At the value of a key. */
export function atValue(
  { value, keyPosition }: TomlEntry,
  message: string,
  more: More = {},
): Violation {
  const isTable = value.kind === 'table' && value.form !== 'inline';
  return { position: isTable ? keyPosition : value.position, message, ...more };
}

/** At the key itself. */
export function atKey({ keyPosition }: TomlEntry, message: string, more: More = {}): Violation {
  return { position: keyPosition, message, ...more };
}

/** At an element of an array. */
export function atItem({ position }: TomlValue, message: string, more: More = {}): Violation {
  return { position, message, ...more };
}

/** At the header of a table that lacks something. */
export function atTable({ position }: TomlTable, message: string, more: More = {}): Violation {
  return { position, message, ...more };
}

/** `key = "text"`, with a text that may be shown. */
export function lineOf(key: string, text: string): string {
  return `${key} = "${redactValue(key, text)}"`;
}

/** The correction of a string value, and the change that makes it. */
export function replacement(
  entry: TomlEntry,
  text: string,
): Pick<Violation, 'corrected' | 'edits'> {
  const { key, value } = entry;
  return {
    corrected: lineOf(key, text),
    edits: [{ from: value.position, to: value.end, text: JSON.stringify(text) }],
  };
}

/** A value as it may be quoted in a message. */
export function quote(key: string, text: string): string {
  return `"${redactValue(key, text)}"`;
}
