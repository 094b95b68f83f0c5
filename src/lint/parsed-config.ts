/** A config.toml that parses, as the rules read it: the tree, its entries, every key with its type. */
import type { KeyVisit } from '../config/runner/decode.ts';
import { visitKeys } from '../config/runner/decode.ts';
import { RUNNER_CONFIG } from '../config/runner/schema.ts';
import { redactName } from '../config/runner/redact-value.ts';
import type { TomlEntry, TomlTable } from '../config/runner/toml-tree.ts';
import { entryOf, tablesOf } from '../config/runner/toml-tree.ts';
import { flagAt, textAt, wholeAt } from './values.ts';

/** One `[[runners]]`. */
export interface Section {
  /** From 1. */
  readonly number: number;
  readonly table: TomlTable;
  /** Empty where there is none. */
  readonly executor: string;
  /** `entry "docker-1"`, or by its number. */
  readonly label: string;
}

export interface Visit extends KeyVisit {
  readonly section?: Section;
}

export interface ParsedConfig {
  readonly file: string;
  readonly root: TomlTable;
  /** Of the text, without line ends. They contain secrets. */
  readonly lines: readonly string[];
  readonly sections: readonly Section[];
  /** Every key of the file, in its order. */
  readonly visits: readonly Visit[];
  /** `concurrent`, or its default. */
  readonly concurrent: number;
}

const RUNNERS = RUNNER_CONFIG.keys.get('runners');
const RUNNER_TABLE = RUNNERS?.kind === 'tables' ? RUNNERS.of : RUNNER_CONFIG;

export function parsedConfigOf(root: TomlTable, file: string, text: string): ParsedConfig {
  const value = entryOf(root, 'runners')?.value;
  // A table below no [[runners]] is one mistake, and no entry.
  const isImplied = value?.kind === 'table' && value.form === 'implied';
  const sections = tablesOf(isImplied ? undefined : value).map((table, index) =>
    sectionOf(table, index + 1),
  );
  const globals = [...visitKeys(root, RUNNER_CONFIG)].filter(
    ({ path }) => !path.startsWith('runners.'),
  );
  const own = sections.flatMap((section) =>
    [...visitKeys(section.table, RUNNER_TABLE, 'runners.')].map((visit) => ({ ...visit, section })),
  );
  return {
    file,
    root,
    lines: text.split(/\r?\n/),
    sections,
    visits: [...globals, ...own],
    concurrent: wholeAt(root, 'concurrent')?.value ?? 1,
  };
}

function sectionOf(table: TomlTable, number: number): Section {
  const name = textAt(table, 'name')?.value ?? '';
  return {
    number,
    table,
    executor: textAt(table, 'executor')?.value ?? '',
    label: name !== '' && redactName(name) === name ? `entry "${name}"` : `entry ${number}`,
  };
}

/** Whether a feature flag is on in an entry; where it is not set, the default of the runner. */
export function isFlagOn({ table }: Section, flag: string, byDefault = false): boolean {
  return flagAt(table, 'feature_flags', flag)?.value ?? byDefault;
}

/** The key of a sub-table of an entry, whatever its value is. */
export function subTable({ table }: Section, name: string): TomlEntry | undefined {
  return entryOf(table, name);
}
