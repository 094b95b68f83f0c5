/** One reading of a thing that may change, and the difference between two of them. */
import type { Change, ChangedLine, ChangeKind } from '../core/change.ts';
import type { Instant } from '../core/clock.ts';
import { isRecord } from '../core/json.ts';

/** What is kept of a reading until the next one, over a restart too. */
export interface TraceValue {
  readonly text: string;
  readonly lines?: readonly ChangedLine[];
  /** Where a symbolic link leads. */
  readonly link?: string;
  /** There are more lines than these. */
  readonly isCut?: boolean;
  /** The lines are told beside the text. */
  readonly isShown?: boolean;
}

export interface Trace extends TraceValue {
  readonly kind: ChangeKind;
  /** When it changed last; absent where that is not known. */
  readonly changedAt?: Instant;
  readonly path?: string;
  readonly place?: string;
  /** The order of its lines has a meaning. */
  readonly isOrdered?: boolean;
}

const MAX_LINES = 12;

export function valueOf({ text, lines, link, isCut, isShown }: Trace): TraceValue {
  return {
    text,
    ...(lines === undefined ? {} : { lines }),
    ...(link === undefined ? {} : { link }),
    ...(isCut === undefined ? {} : { isCut }),
    ...(isShown === undefined ? {} : { isShown }),
  };
}

/** What differs, as a change without its time. */
export function differenceOf(
  what: string,
  before: TraceValue,
  after: Trace,
): Omit<Change, 'at' | 'earliest'> {
  const { kind, path, place, lines = [] } = after;
  const old = before.lines ?? [];
  const removed = without(old, lines);
  const added = without(lines, old).map((line) =>
    countOf(line, lines) > countOf(line, without(lines, old))
      ? { ...line, isRepeated: true }
      : line,
  ) as readonly ChangedLine[];
  return {
    kind,
    what,
    ...(path === undefined ? {} : { path }),
    ...(place === undefined ? {} : { place }),
    before: shownText(before),
    after: shownText(after),
    ...cutLines(removed, added, before.isCut === true || after.isCut === true),
    ...(after.isOrdered === true && old.length > 0 && old.length <= MAX_LINES
      ? { linesBefore: old.map(({ text }) => text) }
      : {}),
    ...(before.link === undefined ? {} : { linkBefore: before.link }),
    ...(after.link === undefined ? {} : { linkAfter: after.link }),
  };
}

function cutLines(
  removed: readonly ChangedLine[],
  added: readonly ChangedLine[],
  areCut: boolean,
): Pick<Change, 'removed' | 'added' | 'isCut'> {
  const isCut = areCut || Math.max(removed.length, added.length) > MAX_LINES;
  return {
    ...(removed.length === 0 ? {} : { removed: removed.slice(0, MAX_LINES) }),
    ...(added.length === 0 ? {} : { added: added.slice(0, MAX_LINES) }),
    ...(isCut ? { isCut } : {}),
  };
}

/** `nameserver 10.0.0.2; search example.com; sha256 12ab34cd56ef, 812 bytes`. */
function shownText({ text, lines = [], isShown }: TraceValue): string {
  return isShown === true ? [...lines.map(({ key }) => key), text].join('; ') : text;
}

function countOf(line: ChangedLine, lines: readonly ChangedLine[]): number {
  return lines.filter(({ key }) => key === line.key).length;
}

/** Those of the first that the second lacks; equal lines are counted, per entry. */
export function without(
  lines: readonly ChangedLine[],
  others: readonly ChangedLine[],
): readonly ChangedLine[] {
  const left = new Map<string, number>();
  for (const line of others) left.set(idOf(line), (left.get(idOf(line)) ?? 0) + 1);
  return lines.filter((line) => {
    const count = left.get(idOf(line)) ?? 0;
    if (count > 0) left.set(idOf(line), count - 1);
    return count === 0;
  });
}

function idOf({ key, entry = '' }: ChangedLine): string {
  return `${entry}\n${key}`;
}

/** The well-formed part of what was saved. */
export function savedValueOf(saved: unknown): TraceValue | undefined {
  if (!isRecord(saved) || typeof saved['text'] !== 'string') return undefined;
  const { text, lines, link, isCut, isShown } = saved;
  return {
    text,
    ...(Array.isArray(lines) && lines.every((line) => isLine(line)) ? { lines } : {}),
    ...(typeof link === 'string' ? { link } : {}),
    ...(isCut === true ? { isCut } : {}),
    ...(isShown === true ? { isShown } : {}),
  };
}

export function isLine(line: unknown): line is ChangedLine {
  return isRecord(line) && typeof line['text'] === 'string' && typeof line['key'] === 'string';
}
