/**
 * What the runner's decoder accepts for a key, and how a table of keys is declared.
 *
 * A declaration groups the names of a table by type, separated by blanks:
 * `table({ string: 'host image', bool: 'privileged' }, { services: tables(SERVICE) })`.
 */

const SCALARS = ['string', 'int', 'int32', 'float', 'bool', 'duration', 'datetime', 'any'] as const;
export type ScalarName = (typeof SCALARS)[number];

export type SchemaType =
  | { readonly kind: 'scalar'; readonly name: ScalarName }
  | { readonly kind: 'list'; readonly of: ScalarName }
  | { readonly kind: 'string-or-list' }
  | { readonly kind: 'map'; readonly of: SchemaType }
  | TableSchema
  | { readonly kind: 'tables'; readonly of: TableSchema };

export interface TableSchema {
  readonly kind: 'table';
  readonly keys: ReadonlyMap<string, SchemaType>;
  /** The same names in lower case: the decoder compares without letter case when the exact name does not match. */
  readonly folded: ReadonlyMap<string, string>;
}

const scalar = (name: ScalarName): SchemaType => ({ kind: 'scalar', name });
const list = (of: ScalarName): SchemaType => ({ kind: 'list', of });
const map = (of: SchemaType): SchemaType => ({ kind: 'map', of });

/** The types that a declaration may name. */
const TYPES = {
  string: scalar('string'),
  int: scalar('int'),
  int32: scalar('int32'),
  float: scalar('float'),
  bool: scalar('bool'),
  /** Go's syntax (`1h30m`), or an integer of nanoseconds. */
  duration: scalar('duration'),
  datetime: scalar('datetime'),
  strings: list('string'),
  ints: list('int'),
  floats: list('float'),
  stringOrStrings: { kind: 'string-or-list' },
  mapOfString: map(scalar('string')),
  mapOfInt: map(scalar('int')),
  mapOfBool: map(scalar('bool')),
  mapOfStrings: map(list('string')),
  mapOfAny: map(scalar('any')),
} as const satisfies Record<string, SchemaType>;

type Names = Readonly<Partial<Record<keyof typeof TYPES, string>>>;

/** A table: names by type, then the tables below it. */
export function table(names: Names, below: Readonly<Record<string, SchemaType>> = {}): TableSchema {
  const keys = new Map<string, SchemaType>(
    Object.entries(names).flatMap(([type, text]) =>
      text.split(/\s+/).map((name) => [name, TYPES[type as keyof typeof TYPES]] as const),
    ),
  );
  for (const [name, type] of Object.entries(below)) keys.set(name, type);
  const folded = new Map([...keys.keys()].map((name) => [name.toLowerCase(), name]));
  return { kind: 'table', keys, folded };
}

/** An array of tables: `[[…]]`. */
export function tables(of: TableSchema): SchemaType {
  return { kind: 'tables', of };
}

/** The declared name that a written key means, or `undefined` when the runner does not know it. */
export function declaredName(schema: TableSchema, key: string): string | undefined {
  return schema.keys.has(key) ? key : schema.folded.get(key.toLowerCase());
}

/** Every key path of a schema with its type: `runners[].docker.cpus string`. */
export function pathsOf(schema: TableSchema, prefix = ''): readonly string[] {
  return [...schema.keys].flatMap(([name, type]) => {
    const path = `${prefix}${name}`;
    const line = `${path} ${typeName(type)}`;
    if (type.kind === 'table') return [line, ...pathsOf(type, `${path}.`)];
    return type.kind === 'tables' ? [line, ...pathsOf(type.of, `${path}[].`)] : [line];
  });
}

/** `string`, `string[]`, `map<string>`, `table[]`. */
export function typeName(type: SchemaType): string {
  switch (type.kind) {
    case 'scalar':
      return type.name === 'int32' ? 'int' : type.name;
    case 'list':
      return `${type.of}[]`;
    case 'string-or-list':
      return 'string|string[]';
    case 'map':
      return `map<${typeName(type.of)}>`;
    case 'table':
      return 'table';
    case 'tables':
      return 'table[]';
  }
}
