/** Keys that the runner reads and makes nothing of, or something else than was meant. */
import { declaredName } from '../../config/runner/schema-type.ts';
import { goDurationSeconds } from '../../core/go-duration.ts';
import { REQUIRED_TABLES } from '../executors.ts';
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
    title: 'A duration is a bare number',
    consequence: 'The runner takes it as nanoseconds, so that it is as good as zero.',
    fix: 'Write a text with a unit.',
    check: ({ visits }) => visits.flatMap(nanoseconds),
  },
  {
    code: 'P13',
    name: 'unknown-key',
    severity: 'warning',
    title: 'The runner does not know this key',
    consequence: 'The runner ignores it, with everything below it, without a word.',
    fix: 'Rename it to what was meant, or remove it.',
    check: (config) => unknown(config, 'P13'),
  },
  {
    code: 'P14',
    name: 'misplaced-key',
    severity: 'warning',
    title: 'A known key stands in a table that does not have it',
    consequence: 'The runner ignores it here without a word.',
    fix: 'Move it to the table it belongs to: a key belongs to the last header above it.',
    check: (config) => unknown(config, 'P14'),
  },
  {
    code: 'P15',
    name: 'key-in-another-case',
    severity: 'info',
    title: 'A key is written in another case than documented',
    consequence:
      'The runner takes it all the same; tools that look for the documented name do not.',
    fix: 'Write it as documented.',
    check: ({ visits }) => visits.flatMap(otherCase),
  },
  {
    code: 'P16',
    name: 'table-of-another-entry',
    severity: 'warning',
    title: 'A table of one executor stands under an entry of another',
    consequence:
      'A table belongs to the last [[runners]] above it, so the entry that needs it has none.',
    fix: 'Move the table below the entry that needs it, before the next [[runners]].',
    check: ({ sections }) => {
      const losers = losersOf(sections);
      return sections.flatMap((section) => foreignTables(section, losers));
    },
  },
];

function nanoseconds({ path, entry, type, section }: Visit): readonly Violation[] {
  const { value } = entry;
  const isDuration = type?.kind === 'scalar' && type.name === 'duration';
  if (!isDuration || value.kind !== 'integer' || value.value === 0n) return [];
  const seconds = Number(value.value) / 1e9;
  // From a second on, whoever wrote it counted in nanoseconds.
  const text = Math.abs(seconds) >= 1 ? goText(seconds) : `${value.value}s`;
  const isSame = Math.abs(seconds) >= 1 && goDurationSeconds(text) === seconds;
  return [
    atValue(entry, `${path} is ${value.value} ns, which is ${goText(seconds)}`, {
      key: path,
      corrected: `${entry.key} = "${text}"`,
      ...(section === undefined ? {} : { entry: section.number }),
      ...(isSame ? { edits: [{ from: value.place, to: value.end, text: `"${text}"` }] } : {}),
    }),
  ];
}

function goText(seconds: number): string {
  if (Math.abs(seconds) >= 3600 && seconds % 3600 === 0) return `${seconds / 3600}h`;
  if (Math.abs(seconds) >= 60 && seconds % 60 === 0) return `${seconds / 60}m`;
  if (Math.abs(seconds) >= 1) return `${seconds}s`;
  return Math.abs(seconds) >= 1e-3
    ? `${seconds * 1e3}ms`
    : `${Number((seconds * 1e6).toFixed(3))}µs`;
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
  const { line, column } = entry.keyPlace;
  const edit = {
    from: entry.keyPlace,
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
function losersOf(sections: readonly Section[]): ReadonlyMap<string, Section> {
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
  losers: ReadonlyMap<string, Section>,
): readonly Violation[] {
  const own = REQUIRED_TABLES.get(section.executor) ?? [];
  return [...losers].flatMap(([name, loser]) => {
    const table = subTable(section, name);
    if (table === undefined || own.includes(name)) return [];
    const message = `[runners.${name}] belongs to ${section.label}, whose executor does not use it, while ${loser.label} lacks it`;
    return [atKey(table, message, { key: `runners.${name}`, entry: section.number })];
  });
}
