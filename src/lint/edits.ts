/**
 * Applies the certain corrections to the text itself: comments, order, spaces and line ends stay. An edit changes
 * only its own range, and never a token.
 */
import type { Position } from '../config/runner/toml-tree.ts';
import type { Fixable } from './lint.ts';
import { textOf } from './lint.ts';
import type { Edit } from './violation.ts';

/** Keys whose values no correction may change. */
const UNTOUCHABLE = /token|secret|passw/i;

export interface Correction {
  readonly text: string;
  /** Findings that the edits correct. */
  readonly count: number;
}

/** The text with every certain correction; an edit that overlaps an earlier one is skipped. */
export function applyEdits(content: string | Uint8Array, found: readonly Fixable[]): Correction {
  const whole =
    typeof content === 'string'
      ? content
      : new TextDecoder('utf-8', { ignoreBOM: true }).decode(content);
  const mark = whole.startsWith('\uFEFF') ? '\uFEFF' : '';
  const text = textOf(whole);
  const starts = lineStarts(text);
  const groups = found
    .filter(({ edits, finding }) => edits.length > 0 && !UNTOUCHABLE.test(finding.key ?? ''))
    .map(({ edits }) => edits.map((edit) => spanOf(edit, starts)));
  const taken: Span[] = [];
  let count = 0;
  for (const spans of groups) {
    if (spans.some((span) => taken.some((other) => overlap(span, other)))) continue;
    taken.push(...spans);
    count += 1;
  }
  const changed = taken
    .toSorted((a, b) => b.from - a.from || b.to - a.to)
    .reduce((done, { from, to, text: by }) => done.slice(0, from) + by + done.slice(to), text);
  return { text: mark + changed, count };
}

interface Span {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

function spanOf({ from, to, text }: Edit, starts: readonly number[]): Span {
  return { from: offsetOf(from, starts), to: offsetOf(to, starts), text };
}

function offsetOf({ line, column }: Position, starts: readonly number[]): number {
  return (starts[line - 1] ?? 0) + column - 1;
}

function lineStarts(text: string): readonly number[] {
  return [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)];
}

function overlap(a: Span, b: Span): boolean {
  if (a.from === a.to || b.from === b.to) return a.from === b.from && a.to === b.to;
  return a.from < b.to && b.from < a.to;
}
