/** What a correction changes, as a unified diff with masked lines. Corrections never add or remove a line. */
import { maskLine } from './excerpt.ts';

const AROUND = 2;

export function diffOf(before: string, after: string, file: string): string {
  const old = before.split(/\r?\n/);
  const fresh = after.split(/\r?\n/);
  const changed = old.flatMap((line, index) => (line === fresh[index] ? [] : [index]));
  if (changed.length === 0) return '';
  const hunks = changed.reduce<number[][]>((groups, index) => {
    const last = groups.at(-1);
    const isNear = last !== undefined && index - (last.at(-1) ?? 0) <= 2 * AROUND;
    return isNear ? [...groups.slice(0, -1), [...last, index]] : [...groups, [index]];
  }, []);
  return [`--- ${file}`, `+++ ${file}`, ...hunks.flatMap((hunk) => hunkOf(hunk, old, fresh))].join(
    '\n',
  );
}

function hunkOf(
  changed: readonly number[],
  old: readonly string[],
  fresh: readonly string[],
): readonly string[] {
  const from = Math.max(0, (changed[0] ?? 0) - AROUND);
  const to = Math.min(old.length, (changed.at(-1) ?? 0) + AROUND + 1);
  const size = `${from + 1},${to - from}`;
  const lines: string[] = [`@@ -${size} +${size} @@`];
  let index = from;
  while (index < to) {
    if (!changed.includes(index)) {
      lines.push(` ${maskLine(old[index] ?? '')}`);
      index += 1;
      continue;
    }
    const end = blockEnd(index, changed);
    for (let at = index; at < end; at += 1) lines.push(`-${maskLine(old[at] ?? '')}`);
    for (let at = index; at < end; at += 1) lines.push(`+${maskLine(fresh[at] ?? '')}`);
    index = end;
  }
  return lines;
}

function blockEnd(from: number, changed: readonly number[]): number {
  let end = from;
  while (changed.includes(end)) end += 1;
  return end;
}
