/** Rules that follow from constraints of the schema (config/runner/schema-constraints.ts), without code of their own. */
import type {
  Constraint,
  ConstraintRow,
  KeyConstraint,
  OneOf,
  Range,
} from '../config/runner/constraint.ts';
import { isDropped, mismatchesOf } from '../config/runner/mismatch.ts';
import { CONSTRAINTS } from '../config/runner/schema-constraints.ts';
import { EXECUTOR_CONSTRAINTS } from '../config/runner/schema-constraints-executors.ts';
import type { SchemaType } from '../config/runner/schema-type.ts';
import { redactName, redactValue } from '../config/runner/redact-value.ts';
import type { TomlEntry, TomlTable, TomlValue } from '../config/runner/toml-tree.ts';
import { entryOf, tablesOf } from '../config/runner/toml-tree.ts';
import { sizeOf } from '../config/runner/value-forms.ts';
import { goDurationText } from '../core/go-duration.ts';
import { findNearest } from '../core/nearest.ts';
import type { ParsedConfig, Section } from './parsed-config.ts';
import type { Rule } from './rule.ts';
import { foldName, headerOf, homesOf } from './schema-index.ts';
import { isZeroTime, secondsOf } from './values.ts';
import type { Violation } from './violation.ts';
import { atItem, atKey, atTable, atValue, lineOf, quote, replacement } from './violation.ts';

/** A rule for each row. */
export const CONSTRAINT_RULES: readonly Rule[] = [...CONSTRAINTS, ...EXECUTOR_CONSTRAINTS].map(
  ruleOf,
);

/** The same rule with a check beside the constraints of its row. */
export function extendRule(code: string, more: Pick<Rule, 'check' | 'needs'>): Rule {
  const rule = CONSTRAINT_RULES.find((one) => one.code === code);
  if (rule === undefined) throw new Error(`no constraint has the code ${code}`);
  return {
    ...rule,
    ...more,
    check: (config, context) => [...rule.check(config, context), ...more.check(config, context)],
  };
}

function ruleOf({ keys, ...texts }: ConstraintRow): Rule {
  return {
    ...texts,
    check: (config) => keys.flatMap((constraint) => checkKeys(constraint, config)),
  };
}

function checkKeys(constraint: KeyConstraint, config: ParsedConfig): readonly Violation[] {
  const { table: path, executors, severity } = constraint;
  return tablesAt(path, config).flatMap(({ table, section }) => {
    if (executors !== undefined && !executors.includes(section?.executor ?? '')) return [];
    return checkTable(table, constraint, section).map((violation) => ({
      ...violation,
      ...(section === undefined ? {} : { entry: section.number }),
      ...(severity === undefined ? {} : { severity }),
    }));
  });
}

interface Located {
  readonly table: TomlTable;
  readonly section?: Section;
}

/** Every table of a declared path, with the `[[runners]]` it is in. */
function tablesAt(path: string, { root, sections }: ParsedConfig): readonly Located[] {
  if (path === '') return [{ table: root }];
  const [, ...names] = path.split('.');
  return sections.flatMap((section) =>
    names
      .reduce<readonly TomlTable[]>(
        (tables, name) => tables.flatMap((table) => tablesOf(entryOf(table, name)?.value)),
        [section.table],
      )
      .map((table) => ({ table, section })),
  );
}

function checkTable(
  table: TomlTable,
  constraint: KeyConstraint,
  section: Section | undefined,
): readonly Violation[] {
  const { keys, must } = constraint;
  if (must.kind === 'present') return missingKeys(table, constraint, section);
  const entries = keys.includes('*')
    ? [...table.entries.values()]
    : keys.flatMap((key) => entryOf(table, key) ?? []);
  return entries.flatMap((entry) => {
    const key = keys.includes('*') ? constraint.table : pathOf(constraint, entry);
    return checkEntry(entry, must, constraint, table).map((violation) => ({ key, ...violation }));
  });
}

/** Declared path of a key. */
function pathOf({ table, keys }: KeyConstraint, { key }: TomlEntry): string {
  const name = keys.find((one) => one.toLowerCase() === key.toLowerCase()) ?? key;
  return table === '' ? name : `${table}.${name}`;
}

function missingKeys(
  table: TomlTable,
  { table: path, keys, write }: KeyConstraint,
  section: Section | undefined,
): readonly Violation[] {
  const missing = keys.filter((key) => isAbsent(entryOf(table, key)));
  const [first] = missing;
  if (first === undefined) return [];
  const more = {
    key: keys.length === 1 ? `${path}.${first}` : path,
    ...(typeof write === 'string' ? { corrected: `${first} = ${write}` } : {}),
  };
  const empty = missing.length === 1 ? entryOf(table, first) : undefined;
  if (empty !== undefined) return [atValue(empty, `${first} is empty`, more)];
  const label = section?.label ?? 'the file';
  const owner = path === 'runners' ? label : `${headerOf(path)} of ${label}`;
  return [atTable(table, `${owner} has no ${missing.join(', ')}`, more)];
}

function isAbsent(entry: TomlEntry | undefined): boolean {
  const value = entry?.value;
  if (value?.kind === 'datetime') return isZeroTime(value.at);
  return value === undefined || (value.kind === 'string' && value.text === '');
}

function checkEntry(
  entry: TomlEntry,
  must: Exclude<Constraint, { kind: 'present' }>,
  constraint: KeyConstraint,
  table: TomlTable,
): readonly Violation[] {
  switch (must.kind) {
    case 'needs':
      return checkNeeds(entry, must, constraint, table);
    case 'no-effect':
      return checkNoEffect(entry, must);
    case 'named':
      return checkName(entry, must, constraint);
    case 'not':
      return checkNot(entry, must, constraint, table);
    case 'range':
      return checkRange(entry, must, constraint);
    case 'one-of':
      return textsIn(entry, constraint).flatMap((item) => checkOneOf(item, must, constraint));
    case 'form':
      return textsIn(entry, constraint).flatMap((item) => checkForm(item, must, constraint));
  }
}

function checkNeeds(
  entry: TomlEntry,
  { key, line }: Extract<Constraint, { kind: 'needs' }>,
  constraint: KeyConstraint,
  table: TomlTable,
): readonly Violation[] {
  if (!isSet(entry, constraint) || !isAbsent(entryOf(table, key))) return [];
  return line === undefined
    ? [atKey(entry, `${entry.key} is set without ${key}`)]
    : [atKey(entry, `${entry.key} has no effect without ${key}`, { corrected: line })];
}

function checkNoEffect(
  entry: TomlEntry,
  { why, line }: Extract<Constraint, { kind: 'no-effect' }>,
): readonly Violation[] {
  if (isAbsent(entry)) return [];
  const more = line === undefined ? {} : { corrected: line };
  return [atKey(entry, `${entry.key} has no effect ${why}`, more)];
}

function checkName(
  entry: TomlEntry,
  { names, suggests }: Extract<Constraint, { kind: 'named' }>,
  { table }: KeyConstraint,
): readonly Violation[] {
  if (names.includes(entry.key)) return [];
  const map = table.slice(table.lastIndexOf('.') + 1);
  const near = suggests === true ? findNearest(entry.key.toUpperCase(), names) : undefined;
  const more = near === undefined ? {} : { corrected: near };
  return [atKey(entry, `unknown name "${redactName(entry.key)}" in ${map}`, more)];
}

/** On, or filled; a value of the wrong type is left to the type rules. */
function isSet(entry: TomlEntry, constraint: KeyConstraint): boolean {
  const { value } = entry;
  const type = typeOf(entry, constraint);
  if (isAbsent(entry) || type === undefined || isDropped(value, type)) return false;
  if (mismatchesOf(value, type).length > 0) return false;
  return value.kind !== 'boolean' || value.value;
}

/** Declared type of a key. */
function typeOf({ key }: TomlEntry, { table }: KeyConstraint): SchemaType | undefined {
  return homesOf(key).find((home) => home.table === table)?.type;
}

function checkNot(
  entry: TomlEntry,
  { values, unless = [] }: Extract<Constraint, { kind: 'not' }>,
  { write }: KeyConstraint,
  table: TomlTable,
): readonly Violation[] {
  const value = plainValue(entry.value);
  if (value === undefined || !values.includes(value)) return [];
  if (unless.some((key) => entryOf(table, key) !== undefined)) return [];
  const shown = typeof value === 'string' ? quote(entry.key, value) : String(value);
  const more = typeof write === 'string' ? { corrected: `${entry.key} = ${write}` } : {};
  const message = `${entry.key} is ${shown}`;
  return [typeof value === 'boolean' ? atKey(entry, message, more) : atValue(entry, message, more)];
}

function plainValue(value: TomlValue): string | number | boolean | undefined {
  if (value.kind === 'array') {
    const [first] = value.elements;
    return first === undefined ? undefined : plainValue(first);
  }
  if (value.kind === 'string') return value.text.toLowerCase();
  if (value.kind === 'integer') return Number(value.value);
  return value.kind === 'boolean' ? value.value : undefined;
}

function checkRange(
  entry: TomlEntry,
  range: Range,
  constraint: KeyConstraint,
): readonly Violation[] {
  const value = quantityOf(entry, range);
  if (value === undefined || (value === 0 && range.allowsZero === true)) return [];
  const bound = brokenBound(value, range);
  if (bound === undefined) return [];
  const text = entry.value.kind === 'string' ? entry.value.text : '';
  const more = correctionOf({ entry, value: entry.value, text, isElement: false }, constraint);
  return [atValue(entry, `${entry.key} is ${quantityText(value, range)}, ${bound}`, more)];
}

function quantityOf(entry: TomlEntry, { of }: Range): number | undefined {
  const { value } = entry;
  if (of === 'duration') return secondsOf(entry);
  if (of === 'size') return value.kind === 'string' ? sizeOf(value.text) : undefined;
  return value.kind === 'integer' ? Number(value.value) : undefined;
}

function brokenBound(value: number, range: Range): string | undefined {
  const { min, max } = range;
  if (min !== undefined && value < min) return `below ${quantityText(min, range)}`;
  return max !== undefined && value > max ? `above ${quantityText(max, range)}` : undefined;
}

function quantityText(value: number, { of }: Range): string {
  switch (of) {
    case 'integer':
      return String(value);
    case 'seconds':
      return `${value} s`;
    case 'duration':
      return goDurationText(value);
    case 'size':
      return value < 2 ** 20 ? `${value} bytes` : `${Number((value / 2 ** 20).toFixed(1))} MiB`;
  }
}

/** A text of a value: the value itself, or an element of a list. */
interface Item {
  readonly entry: TomlEntry;
  readonly value: TomlValue;
  readonly text: string;
  readonly isElement: boolean;
}

/** A lone text where a list belongs is left to the type rules. */
function textsIn(entry: TomlEntry, constraint: KeyConstraint): readonly Item[] {
  const kind = typeOf(entry, constraint)?.kind;
  const isElement = kind === 'list' || kind === 'string-or-list';
  const { value } = entry;
  if (kind === 'list' && value.kind !== 'array') return [];
  const values = value.kind === 'array' ? value.elements : [value];
  return values.flatMap((item) =>
    item.kind === 'string' ? [{ entry, value: item, text: item.text, isElement }] : [],
  );
}

function at(
  { entry, value, isElement }: Item,
  message: string,
  more: Partial<Violation>,
): Violation {
  return isElement ? atItem(value, message, more) : atValue(entry, message, more);
}

/** `memory "4 gigs"`; without the text where it may be secret. */
function nameOf({ entry, text, isElement }: Item, { table, keys }: KeyConstraint): string {
  const map = table.slice(table.lastIndexOf('.') + 1);
  const name = keys.includes('*') ? `${map}.${redactName(entry.key)}` : entry.key;
  if (redactValue(entry.key, text) === text) return `${name} "${text}"`;
  return isElement ? `an element of ${name}` : name;
}

function checkForm(
  item: Item,
  { is, test }: Extract<Constraint, { kind: 'form' }>,
  constraint: KeyConstraint,
): readonly Violation[] {
  if (item.text === '' || test(item.text)) return [];
  return [at(item, `${nameOf(item, constraint)} is not ${is}`, correctionOf(item, constraint))];
}

function checkOneOf(item: Item, must: OneOf, constraint: KeyConstraint): readonly Violation[] {
  const { entry, text } = item;
  if (text === '' && must.rejectsEmpty !== true) return [];
  if (must.values.includes(must.ignoresCase === true ? text.toLowerCase() : text)) return [];
  const message = text === '' ? `${entry.key} is empty` : `unknown ${nameOf(item, constraint)}`;
  const meant =
    must.aliases?.[text] ?? must.values.find((value) => foldName(value) === foldName(text.trim()));
  if (meant !== undefined) return [at(item, message, certainCorrection(item, meant))];
  const near = must.suggests === true ? findNearest(text.toLowerCase(), must.values) : undefined;
  const suggestion = near === undefined ? constraint : { ...constraint, write: () => near };
  return [at(item, message, correctionOf(item, suggestion))];
}

function certainCorrection(item: Item, meant: string): Partial<Violation> {
  const { value, isElement, entry } = item;
  if (!isElement) return replacement(entry, meant);
  return {
    corrected: `"${meant}"`,
    edits: [{ from: value.position, to: value.end, text: `"${meant}"` }],
  };
}

function correctionOf(item: Item, { write, isCertain }: KeyConstraint): Partial<Violation> {
  const { entry, text, isElement } = item;
  if (typeof write === 'string') {
    return { corrected: isElement ? write : `${entry.key} = ${write}` };
  }
  const meant = write?.(text);
  if (meant === undefined) return {};
  if (isCertain?.(text) === true) return certainCorrection(item, meant);
  return { corrected: isElement ? quote(entry.key, meant) : lineOf(entry.key, meant) };
}
