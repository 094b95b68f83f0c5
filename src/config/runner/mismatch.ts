/**
 * Does a value match the type of its key, as the runner's decoder sees it
 * (docs/reference/runner-config.md#what-the-decoder-accepts)? One value may have several mismatches: each member of an
 * array or a map is checked.
 */
import { goDurationSeconds } from '../../core/go-duration.ts';
import type { ScalarName, SchemaType } from './schema-type.ts';
import type { Position, TomlValue } from './toml-tree.ts';

export interface Mismatch {
  readonly position: Position;
  /** Below the key: the name in a map, or empty. */
  readonly member: string;
  /** `string`, `array of tables`, … */
  readonly expected: string;
  readonly found: string;
  /** The value that does not match and the type of its position, for the corrected line. */
  readonly value: TomlValue;
  readonly type: SchemaType;
}

/** Every mismatch of one value; empty when it matches. Keys of tables are not checked here. */
export function mismatchesOf(value: TomlValue, type: SchemaType): readonly Mismatch[] {
  switch (type.kind) {
    case 'scalar':
      return isOfType(value, type.name) ? [] : [mismatch(value, type)];
    case 'list':
      return listMismatches(value, type);
    case 'string-or-list':
      return value.kind === 'string'
        ? []
        : listMismatches(value, { kind: 'list', of: 'string' }).map((found) => ({
            ...found,
            expected: expectedLabel(type),
          }));
    case 'map':
      return mapMismatches(value, type);
    case 'table':
      return value.kind === 'table' ? [] : [mismatch(value, type)];
    case 'tables': {
      const isArrayOfTables =
        value.kind === 'array' && value.elements.every(({ kind }) => kind === 'table');
      return isArrayOfTables ? [] : [mismatch(value, type)];
    }
  }
}

function listMismatches(
  value: TomlValue,
  type: Extract<SchemaType, { kind: 'list' }>,
): readonly Mismatch[] {
  if (value.kind !== 'array') return [mismatch(value, type)];
  const wrong = value.elements.find((element) => !isOfType(element, type.of));
  if (wrong === undefined) return [];
  return [
    {
      ...mismatch(value, type),
      position: wrong.position,
      found: `array with ${withArticle(foundLabel(wrong))}`,
    },
  ];
}

function mapMismatches(
  value: TomlValue,
  type: Extract<SchemaType, { kind: 'map' }>,
): readonly Mismatch[] {
  if (value.kind !== 'table') return [mismatch(value, type)];
  return [...value.entries.values()].flatMap((entry) =>
    mismatchesOf(entry.value, type.of).map((found) => ({ ...found, member: entry.key })),
  );
}

function mismatch(value: TomlValue, type: SchemaType): Mismatch {
  return {
    position: value.position,
    member: '',
    expected: expectedLabel(type),
    found: foundLabel(value, type),
    value,
    type,
  };
}

function isOfType(value: TomlValue, name: ScalarName): boolean {
  switch (name) {
    case 'any':
      return true;
    case 'string':
      return value.kind === 'string';
    case 'int':
      return value.kind === 'integer';
    case 'float':
      return value.kind === 'float' || value.kind === 'integer';
    case 'bool':
      return value.kind === 'boolean';
    case 'duration':
      if (value.kind === 'string') return goDurationSeconds(value.text) !== undefined;
      return value.kind === 'integer';
    case 'datetime':
      return value.kind === 'datetime' || (value.kind === 'string' && isRfc3339(value.text));
  }
}

/** What Go's time.Time reads from a text. */
export function isRfc3339(text: string): boolean {
  const form = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/;
  return form.test(text) && !Number.isNaN(Date.parse(text));
}

const EXPECTED: Readonly<Record<ScalarName, string>> = {
  any: 'value',
  string: 'string',
  int: 'integer',
  float: 'number',
  bool: 'boolean',
  duration: 'duration such as "1h30m"',
  datetime: 'date and time such as 2027-01-31T00:00:00Z',
};

const PLURALS: Readonly<Record<ScalarName, string>> = {
  any: 'values',
  string: 'strings',
  int: 'integers',
  float: 'numbers',
  bool: 'booleans',
  duration: 'durations',
  datetime: 'dates',
};

function expectedLabel(type: SchemaType): string {
  switch (type.kind) {
    case 'scalar':
      return EXPECTED[type.name];
    case 'list':
      return `array of ${PLURALS[type.of]}`;
    case 'string-or-list':
      return 'string or array of strings';
    case 'map':
    case 'table':
      return 'table';
    case 'tables':
      return 'array of tables';
  }
}

function foundLabel(value: TomlValue, type?: SchemaType): string {
  if (value.kind === 'array') {
    return value.elements[0]?.kind === 'table' ? 'array of tables' : 'array';
  }
  const isText = value.kind === 'string' && type?.kind === 'scalar';
  if (isText && type.name === 'duration') return 'string that is not a duration';
  if (isText && type.name === 'datetime') return 'string that is not a date';
  return value.kind;
}

/** `an integer`, `a string`. */
export function withArticle(noun: string): string {
  return /^[aeiou]/.test(noun) ? `an ${noun}` : `a ${noun}`;
}
