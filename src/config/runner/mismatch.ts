/**
 * Does a value match the type of its key, as the runner's decoder sees it
 * (docs/reference/runner-config.md#what-the-decoder-accepts)? One value may have several mismatches: each member of an
 * array or a map is checked.
 */
import { goDurationSeconds } from '../../core/go-duration.ts';
import { goTime } from '../../core/go-time.ts';
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

/** What is no table where a map belongs: the decoder goes on without it, and says nothing. */
export function isDropped(value: TomlValue, type: SchemaType): boolean {
  return type.kind === 'map' && value.kind !== 'table';
}

function mapMismatches(
  value: TomlValue,
  type: Extract<SchemaType, { kind: 'map' }>,
): readonly Mismatch[] {
  if (value.kind !== 'table') return [];
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

const FITS: Readonly<Record<ScalarName, (value: TomlValue) => boolean>> = {
  any: () => true,
  string: ({ kind }) => kind === 'string',
  bool: ({ kind }) => kind === 'boolean',
  int: ({ kind }) => kind === 'integer',
  int32: (value) => value.kind === 'integer' && BigInt.asIntN(32, value.value) === value.value,
  float: (value) =>
    value.kind === 'float' || (value.kind === 'integer' && isSafeFloat(value.value)),
  duration: (value) =>
    value.kind === 'string'
      ? goDurationSeconds(value.text) !== undefined
      : value.kind === 'integer',
  datetime: (value) =>
    value.kind === 'string' ? goTime(value.text) !== undefined : value.kind === 'datetime',
};

function isOfType(value: TomlValue, name: ScalarName): boolean {
  return FITS[name](value);
}

/** The decoder takes no integer that a float could not hold exactly. */
function isSafeFloat(value: bigint): boolean {
  return value >= -MAX_SAFE_FLOAT && value <= MAX_SAFE_FLOAT;
}

const MAX_SAFE_FLOAT = 2n ** 53n - 1n;

const EXPECTED: Readonly<Record<ScalarName, string>> = {
  any: 'value',
  string: 'string',
  int: 'integer',
  int32: 'integer of 32 bits',
  float: 'number',
  bool: 'boolean',
  duration: 'duration such as "1h30m"',
  datetime: 'date and time such as 2027-01-31T00:00:00Z',
};

const PLURALS: Readonly<Record<ScalarName, string>> = {
  any: 'values',
  string: 'strings',
  int: 'integers',
  int32: 'integers of 32 bits',
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

/** What a value of the right kind is not. */
const WRONG: Readonly<Partial<Record<ScalarName, string>>> = {
  duration: 'string that is not a duration',
  datetime: 'string that is not a date',
  int32: 'larger number',
  float: 'larger number',
};

function foundLabel(value: TomlValue, type?: SchemaType): string {
  if (value.kind === 'array') {
    return value.elements[0]?.kind === 'table' ? 'array of tables' : 'array';
  }
  const name = type?.kind === 'scalar' ? type.name : 'any';
  const isNumeric = name === 'int32' || name === 'float';
  const isOfKind = value.kind === (isNumeric ? 'integer' : 'string');
  return (isOfKind ? WRONG[name] : undefined) ?? value.kind;
}

/** `an integer`, `a string`. */
export function withArticle(noun: string): string {
  return /^[aeiou]/.test(noun) ? `an ${noun}` : `a ${noun}`;
}
