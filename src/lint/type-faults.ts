/**
 * Which rule does a value of the wrong type break? Every mismatch belongs to exactly one rule. All of them are
 * reported at once; the runner stops at one of them.
 */
import { correctedLine } from '../config/runner/correction.ts';
import type { Mismatch } from '../config/runner/mismatch.ts';
import { mismatchesOf, withArticle } from '../config/runner/mismatch.ts';
import { redactName } from '../config/runner/redact-value.ts';
import { MIN_MEMORY_BYTES } from '../config/runner/schema-constraints-executors.ts';
import { withUnit } from '../config/runner/value-forms.ts';
import type { TomlEntry } from '../config/runner/toml-tree.ts';
import type { ParsedConfig, Visit } from './parsed-config.ts';
import type { Edit, Violation } from './violation.ts';

export interface TypeFault {
  readonly code: string;
  readonly violation: Violation;
}

const known = new WeakMap<ParsedConfig, readonly TypeFault[]>();

/** Every value of the wrong type in a file. */
export function typeFaultsOf(config: ParsedConfig): readonly TypeFault[] {
  const before = known.get(config);
  if (before !== undefined) return before;
  const found = config.visits.flatMap((visit) => faultsOf(visit, config));
  known.set(config, found);
  return found;
}

function faultsOf(visit: Visit, config: ParsedConfig): readonly TypeFault[] {
  const { path, entry, type, section } = visit;
  if (type === undefined) return [];
  return mismatchesOf(entry.value, type).map((mismatch) => {
    const code = codeOf(path, mismatch);
    const key = mismatch.member === '' ? path : `${path}.${redactName(mismatch.member)}`;
    const corrected = correctionOf(path, mismatch);
    const edits = editsOf(entry, mismatch, config);
    const violation: Violation = {
      position: mismatch.value.kind === 'table' ? entry.keyPosition : mismatch.position,
      key,
      message: isHeadless(path, mismatch)
        ? 'a table of an entry stands below no [[runners]]'
        : `${key} must be ${withArticle(mismatch.expected)}, and is ${withArticle(mismatch.found)}`,
      ...(section === undefined ? {} : { entry: section.number }),
      ...(corrected === undefined ? {} : { corrected }),
      ...(edits.length === 0 ? {} : { edits }),
    };
    return { code, violation };
  });
}

function codeOf(path: string, { type, value, member }: Mismatch): string {
  if (path === 'runners') return 'P03';
  if (/^runners\.custom\.\w+_args$/.test(path)) return 'S01';
  if (path === 'runners.feature_flags' && member !== '') return 'P12';
  if (type.kind === 'tables') return 'P08';
  const isTable = value.kind === 'table';
  if (type.kind === 'table' || isTable) return 'P07';
  if (type.kind === 'list' || type.kind === 'string-or-list') return 'P06';
  return value.kind === 'array' || type.kind !== 'scalar' ? 'P07' : SCALAR_CODES[type.name];
}

/** `[runners.docker]` alone. */
function isHeadless(path: string, { value }: Mismatch): boolean {
  return path === 'runners' && value.kind === 'table' && value.form === 'implied';
}

const SCALAR_CODES = {
  string: 'P04',
  int: 'P05',
  int32: 'P05',
  float: 'P05',
  bool: 'P05',
  duration: 'P09',
  datetime: 'P11',
  any: 'P07',
} as const;

function correctionOf(path: string, mismatch: Mismatch): string | undefined {
  const isShell = path === 'runners.shell' && mismatch.value.kind === 'table';
  if (isShell) return 'environment = ["NAME=value"]';
  const size = bareSizeOf(path, mismatch);
  if (size !== undefined) return `${path.slice(path.lastIndexOf('.') + 1)} = "${withUnit(size)}"`;
  return isNoText(path, mismatch) ? undefined : correctedLine(path, mismatch);
}

/** Quotes around true, or around a number where a name belongs, would only move the mistake. */
function isNoText(path: string, { value }: Mismatch): boolean {
  return value.kind === 'boolean' || (value.kind !== 'string' && path.startsWith('log_'));
}

/** `memory = 4`: gibibytes were meant, and as a text it would be four bytes. */
function bareSizeOf(path: string, { value }: Mismatch): bigint | undefined {
  const isSize = /memory(?:_swap|_reservation)?$/.test(path) && value.kind === 'integer';
  return isSize && value.value > 0n && value.value < MIN_MEMORY_BYTES ? value.value : undefined;
}

/** Only where there is no doubt what was meant. A token is never touched. */
function editsOf(entry: TomlEntry, mismatch: Mismatch, config: ParsedConfig): readonly Edit[] {
  const { type, value } = mismatch;
  if (/token|secret|passw/i.test(`${entry.key} ${mismatch.member}`)) return [];
  if (bareSizeOf(entry.key, mismatch) !== undefined || isNoText(entry.key, mismatch)) return [];
  if (type.kind === 'tables') return headerEdit(entry, config);
  if (value.kind === 'table' || value.kind === 'array') return [];
  return type.kind === 'scalar' ? scalarEdit(mismatch) : bracketEdits(mismatch);
}

/** Brackets around one string where a list belongs. */
function bracketEdits({ value }: Mismatch): readonly Edit[] {
  if (value.kind !== 'string') return [];
  return [
    { from: value.position, to: value.position, text: '[' },
    { from: value.end, to: value.end, text: ']' },
  ];
}

function scalarEdit(mismatch: Mismatch): readonly Edit[] {
  const { value } = mismatch;
  const right = correctedLine('x', { ...mismatch, member: '' });
  // A value that may not be shown is not in the line, and so cannot be written either.
  if (right === undefined || right.includes('…')) return [];
  return [{ from: value.position, to: value.end, text: right.slice(right.indexOf('=') + 2) }];
}

/** `[runners]` → `[[runners]]`, where it is alone on its line. */
function headerEdit({ value, keyPosition }: TomlEntry, { lines }: ParsedConfig): readonly Edit[] {
  if (value.kind !== 'table' || value.form !== 'header') return [];
  const line = lines[keyPosition.line - 1] ?? '';
  const { before, name } = /^(?<before>\s*)(?<name>\[[^[\]"']+\])(?!\])/.exec(line)?.groups ?? {};
  if (before === undefined || name === undefined) return [];
  const column = before.length + 1;
  return [
    {
      from: { line: keyPosition.line, column },
      to: { line: keyPosition.line, column: column + name.length },
      text: `[${name}]`,
    },
  ];
}
