/** Where in config.toml does a name belong? Every key of the schema by its name, however it is spelled. */
import type { SchemaType, TableSchema } from '../config/runner/schema-type.ts';
import { RUNNER_CONFIG } from '../config/runner/schema.ts';

export interface Home {
  /** Path of the table that holds it: `runners.docker`; empty for the top of the file. */
  readonly table: string;
  readonly name: string;
  readonly type: SchemaType;
}

/** Without regard to case, `-` and `_`. */
export function foldName(name: string): string {
  return name.toLowerCase().replaceAll(/[-_]/g, '');
}

function* homesIn(schema: TableSchema, table: string): Generator<Home> {
  for (const [name, type] of schema.keys) {
    yield { table, name, type };
    const below = type.kind === 'tables' ? type.of : type;
    if (below.kind === 'table') yield* homesIn(below, table === '' ? name : `${table}.${name}`);
  }
}

/** By name, those of the highest tables first. */
const HOMES = Map.groupBy(
  [...homesIn(RUNNER_CONFIG, '')].toSorted((a, b) => depthOf(a.table) - depthOf(b.table)),
  ({ name }) => foldName(name),
);

/** Every table that has a key of this name, the highest first. */
export function homesOf(name: string): readonly Home[] {
  return HOMES.get(foldName(name)) ?? [];
}

function depthOf(table: string): number {
  return table === '' ? 0 : table.split('.').length;
}

/** The header that opens a table: `[[runners]]`, `[runners.docker]`. */
export function headerOf(table: string): string {
  const homes = homesOf(table.slice(table.lastIndexOf('.') + 1));
  const own = homes.find(
    (home) => (home.table === '' ? home.name : `${home.table}.${home.name}`) === table,
  );
  return own?.type.kind === 'tables' ? `[[${table}]]` : `[${table}]`;
}
