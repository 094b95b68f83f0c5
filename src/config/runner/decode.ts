/**
 * Would the runner's decoder accept this document? Compares the tree with the schema and reports every value of the
 * wrong type; the runner itself stops at one of them, in random order.
 *
 * `visitKeys` only visits the keys: the linter finds keys without a type (unknown to the runner) with it.
 */
import type { Problem } from '../../core/reading.ts';
import { correctedLine } from './correction.ts';
import type { Mismatch } from './mismatch.ts';
import { mismatchesOf, withArticle } from './mismatch.ts';
import { redactName } from './redact-value.ts';
import type { SchemaType, TableSchema } from './schema-type.ts';
import { declaredName } from './schema-type.ts';
import type { TomlEntry, TomlTable } from './toml-tree.ts';
import { tablesOf } from './toml-tree.ts';

/** One key of the file, with the schema that the runner has for it. */
export interface KeyVisit {
  /** Declared names where known, else as written: `runners.docker.cpus`. */
  readonly path: string;
  readonly entry: TomlEntry;
  /** The table that holds it, as declared and as written. */
  readonly schema: TableSchema;
  readonly parent: TomlTable;
  /** Absent for a key that the runner does not know, and then ignores with all that is below it. */
  readonly type?: SchemaType;
}

/** Every key of a table and of the known tables below it. */
export function* visitKeys(
  table: TomlTable,
  schema: TableSchema,
  prefix = '',
): Generator<KeyVisit> {
  for (const entry of table.entries.values()) {
    const name = declaredName(schema, entry.key);
    const type = name === undefined ? undefined : schema.keys.get(name);
    const path = `${prefix}${name ?? entry.key}`;
    yield { path, entry, schema, parent: table, ...(type === undefined ? {} : { type }) };
    const below = type?.kind === 'tables' ? type.of : type;
    if (below?.kind !== 'table') continue;
    // A table where an array of tables belongs is a mistake of its own; what is in it is judged too.
    for (const child of tablesOf(entry.value)) yield* visitKeys(child, below, `${path}.`);
  }
}

/** A `type-error` for every value that does not fit its key. */
export function typeErrors(root: TomlTable, schema: TableSchema, file: string): readonly Problem[] {
  return [...visitKeys(root, schema)].flatMap(({ path, entry, type }) =>
    type === undefined
      ? []
      : mismatchesOf(entry.value, type).map((found) => typeError(path, entry, found, file)),
  );
}

function typeError(path: string, entry: TomlEntry, mismatch: Mismatch, file: string): Problem {
  const { member, expected, found } = mismatch;
  const key = member === '' ? path : `${path}.${redactName(member)}`;
  const { line, column } = mismatch.value.kind === 'table' ? entry.keyPosition : mismatch.position;
  const corrected = correctedLine(path, mismatch);
  return {
    code: 'type-error',
    file,
    line,
    column,
    message: `${key} must be ${withArticle(expected)}, but line ${line} has ${withArticle(found)}`,
    fix: fixOf(key, mismatch, corrected),
    key,
    expected,
    found,
    ...(corrected === undefined ? {} : { corrected }),
  };
}

function fixOf(key: string, { expected, value }: Mismatch, corrected: string | undefined): string {
  if (key === 'runners.shell' && value.kind === 'table') {
    return 'Remove this table. Variables for jobs go into `environment = ["NAME=value"]` under [[runners]].';
  }
  if (corrected === undefined) return `Set ${key} to ${withArticle(expected)}, or remove it.`;
  return `Write \`${corrected}\`.`;
}
