/** A change as a clause: `/etc/hosts: removed "10.0.0.9 gitlab.example.com"`. */
import type { Change, ChangedLine } from '../../core/change.ts';
import type { ConcernedLines } from './concern.ts';

/** Of lines that are told one by one. */
const MAX_TOLD = 2;

export function describeChange(change: Change, { removed, added }: ConcernedLines): string {
  const { what, before, after, linkBefore, linkAfter, isCut = false } = change;
  if (linkBefore !== linkAfter) {
    return linkAfter === undefined
      ? `${what} is no link to ${linkBefore ?? ''} any more`
      : `${what} is a link to ${linkAfter} now`;
  }
  if (after === 'absent') return `${what} was removed`;
  const lines = lineTexts(removed, added, isCut);
  if (lines.length > MAX_TOLD) {
    const more = `${isCut ? 'at least ' : ''}${lines.length - MAX_TOLD} more`;
    return `${what}: ${lines.slice(0, MAX_TOLD).join(', ')} and ${more}`;
  }
  if (lines.length > 0) return `${what}: ${lines.join(', ')}`;
  if (before === 'absent') return `${what} was created`;
  return isWorded(before) && isWorded(after)
    ? `${what}: ${before}, now ${after}`
    : `${what} was changed`;
}

/** A digest tells a person nothing. */
function isWorded(text: string): boolean {
  return !text.includes('sha256 ') && text.length < 120;
}

/** Removed and added in equal number is changed. */
function lineTexts(
  removed: readonly ChangedLine[],
  added: readonly ChangedLine[],
  isCut: boolean,
): readonly string[] {
  if (removed.length === added.length && !isCut) {
    const pairs = removed.map((line, index) => changedText(line, added[index] ?? line));
    return [...new Set(pairs)];
  }
  return [
    ...new Set([
      ...removed.map((line) => `removed ${lineText(line)}`),
      ...added.map((line) => `added ${lineText(line)}`),
    ]),
  ];
}

function changedText(before: ChangedLine, after: ChangedLine): string {
  if (before.isHidden === true || after.isHidden === true) return `${ownName(after)} changed`;
  // Of a file of which only the name is told.
  if (before.text === after.text) return `changed ${before.text}`;
  return `changed ${lineText(before)} to ${lineText(after)}`;
}

function lineText(line: ChangedLine): string {
  return line.isHidden === true ? ownName(line) : `"${line.text.trim()}"`;
}

function ownName({ text, entry }: ChangedLine): string {
  return entry === undefined ? text : `${text} of ${entry}`;
}
