/** Wraps text to a given width. Colour codes take no column; a part longer than a line is not split. */
import { stripVTControlCharacters } from 'node:util';

export function wrapText(
  text: string,
  label: string,
  indent: string,
  width: number,
): readonly string[] {
  return padText(text.split(' '), label, indent, { width, gap: ' ' });
}

interface Layout {
  readonly width: number;
  /** Between two pieces of one line. */
  readonly gap: string;
}

/** Pieces that are not split, as many on a line as fit. */
export function padText(
  pieces: readonly string[],
  label: string,
  indent: string,
  { width, gap }: Layout,
): readonly string[] {
  const lines: string[] = [];
  let line = label;
  for (const piece of pieces) {
    const isFirst = line === label || line === indent;
    if (!isFirst && visibleLength(line) + gap.length + visibleLength(piece) > width) {
      lines.push(line);
      line = `${indent}${piece}`;
    } else line += isFirst ? piece : `${gap}${piece}`;
  }
  return [...lines, line.trimEnd()];
}

/** At most so many characters, with `…` for the rest. */
export function truncateText(text: string, most: number): string {
  const signs = Array.from(text);
  return signs.length <= most ? text : `${signs.slice(0, most - 1).join('')}…`;
}

/** Columns that it takes in a terminal. */
export function visibleLength(text: string): number {
  return stripVTControlCharacters(text).length;
}
