/** Keys that the runner ignores, or reads with another meaning than intended. */
import { isDropped, withArticle } from '../../config/runner/mismatch.ts';
import { declaredName } from '../../config/runner/schema-type.ts';
import { goDurationSeconds, goDurationText } from '../../core/go-duration.ts';
import { REQUIRED_TABLES } from '../../config/runner/executors.ts';
import type { ParsedConfig, Section, Visit } from '../parsed-config.ts';
import { subTable } from '../parsed-config.ts';
import type { Rule } from '../rule.ts';
import { headerOf } from '../schema-index.ts';
import { unknownKeysOf } from '../unknown-keys.ts';
import type { Violation } from '../violation.ts';
import { atKey, atValue } from '../violation.ts';

export const KEY_RULES: readonly Rule[] = [
  {
    code: 'P10',
    name: 'duration-in-nanoseconds',
    severity: 'warning',
    title: 'A duration is a number without a unit',
    consequence: 'The runner reads it as nanoseconds, which is nearly zero.',
    fix: 'Write a duration with a unit, in quotes.',
    check: ({ visits }) => visits.flatMap(nanoseconds),
  },
  {
    code: 'P13',
    name: 'unknown-key',
    severity: 'warning',
    title: 'The key does not exist',
    consequence: 'The runner silently ignores it and everything below it.',
    fix: 'Rename it to the key that was meant, or remove it.',
    check: (config) => unknown(config, 'P13'),
  },
  {
    code: 'P14',
    name: 'misplaced-key',
    severity: 'warning',
    title: 'The key belongs to another table',
    consequence: 'The runner silently ignores it here.',
    fix: 'Move it below the header of its table: a key belongs to the last header above it.',
    check: (config) => unknown(config, 'P14'),
  },
  {
    code: 'P17',
    name: 'map-dropped',
    severity: 'warning',
    title: 'A table of names and values is given as something else',
    consequence: 'The runner silently ignores it, and starts.',
    fix: 'Write a table: its header, and below it a line for each name.',
    check: ({ visits }) => visits.flatMap(droppedMap),
  },
  {
    code: 'P15',
    name: 'key-in-another-case',
    severity: 'info',
    title: 'The case of the key is not as documented',
    consequence: 'The runner accepts it; other tools may not find the key.',
    fix: 'Write the key as documented.',
    check: ({ visits }) => visits.flatMap(otherCase),
  },
  {
    code: 'P16',
    name: 'table-of-another-entry',
    severity: 'warning',
    title: 'The table of an executor is under an entry with another executor',
    consequence:
      'A table belongs to the last [[runners]] above it, so that the entry that needs it has none.',
    fix: 'Move the table below the entry that needs it, before the next [[runners]].',
    check: ({ sections }) => {
      const needed = missingTablesOf(sections);
      return sections.flatMap((section) => foreignTables(section, needed));
    },
  },
];

function nanoseconds({ path, entry, type, section }: Visit): readonly Violation[] {
  const { value } = entry;
  const isDuration = type?.kind === 'scalar' && type.name === 'duration';
  if (!isDuration || value.kind !== 'integer' || value.value === 0n) return [];
  const seconds = Number(value.value) / 1e9;
  // A value of a second or more was meant as nanoseconds.
  const text = Math.abs(seconds) >= 1 ? goDurationText(seconds) : `${value.value}s`;
  const isSame = Math.abs(seconds) >= 1 && goDurationSeconds(text) === seconds;
  return [
    atValue(entry, `${path} is ${value.value} ns, which is ${goDurationText(seconds)}`, {
      key: path,
      corrected: `${entry.key} = "${text}"`,
      ...(section === undefined ? {} : { entry: section.number }),
      ...(isSame ? { edits: [{ from: value.position, to: value.end, text: `"${text}"` }] } : {}),
    }),
  ];
}

function droppedMap({ path, entry, type, section }: Visit): readonly Violation[] {
  const { value } = entry;
  if (type === undefined || !isDropped(value, type)) return [];
  return [
    atValue(entry, `${path} must be a table, and is ${withArticle(value.kind)}`, {
      key: path,
      corrected: headerOf(path),
      ...(section === undefined ? {} : { entry: section.number }),
    }),
  ];
}

function unknown(config: ParsedConfig, code: string): readonly Violation[] {
  return unknownKeysOf(config)
    .filter((found) => found.code === code)
    .map(({ violation }) => violation);
}

function otherCase({ path, entry, schema, parent, type, section }: Visit): readonly Violation[] {
  const name = declaredName(schema, entry.key);
  if (type === undefined || name === undefined || name === entry.key) return [];
  const isHeader =
    type.kind === 'tables' || (entry.value.kind === 'table' && entry.value.form !== 'inline');
  const isTaken = parent.entries.has(name);
  const { line, column } = entry.keyPosition;
  const edit = {
    from: entry.keyPosition,
    to: { line, column: column + entry.key.length },
    text: name,
  };
  return [
    atKey(entry, `${entry.key} is documented as ${name}`, {
      key: path,
      corrected: isHeader ? headerOf(path) : name,
      ...(section === undefined ? {} : { entry: section.number }),
      ...(isHeader || isTaken ? {} : { edits: [edit] }),
    }),
  ];
}

/** Of each table the first entry that needs it and lacks it. */
function missingTablesOf(sections: readonly Section[]): ReadonlyMap<string, Section> {
  const lacking = sections.flatMap((section) =>
    (REQUIRED_TABLES.get(section.executor) ?? [])
      .filter((name) => subTable(section, name) === undefined)
      .map((name) => [name, section] as const),
  );
  return new Map(lacking.toReversed());
}

/** Tables that this entry does not need, and another one lacks. */
function foreignTables(
  section: Section,
  needed: ReadonlyMap<string, Section>,
): readonly Violation[] {
  const own = REQUIRED_TABLES.get(section.executor) ?? [];
  return [...needed].flatMap(([name, owner]) => {
    const table = subTable(section, name);
    if (table === undefined || own.includes(name)) return [];
    const message = `[runners.${name}] belongs to ${section.label}, whose executor does not use it, and ${owner.label} needs it`;
    return [atKey(table, message, { key: `runners.${name}`, entry: section.number })];
  });
}
