/**
 * What does the parser reject? The runner stops at the first mistake; here the line of a mistake is removed and the
 * rest is parsed, so that each mistake is reported once. A second mistake below the same header may follow from the
 * first: then the rest of that table is skipped.
 */
import { readToml } from '../config/runner/runner-toml.ts';
import type { TomlTable } from '../config/runner/toml-tree.ts';
import type { Problem } from '../core/reading.ts';
import type { Violation } from './violation.ts';

export interface ParseResult {
  /** Absent when nothing could be parsed. */
  readonly root?: TomlTable;
  /** Nothing was removed: the root is what the runner sees. */
  readonly whole: boolean;
  readonly faults: readonly {
    readonly code: 'P01' | 'P02' | 'L01';
    readonly violation: Violation;
  }[];
}

/** Larger files are not checked. */
export const MAX_LINT_BYTES = 1024 * 1024;

const MAX_MISTAKES = 20;
/** A large file is parsed again a few times only. */
const MAX_BYTES_AGAIN = 512 * 1024;

export function parseAll(content: string | Uint8Array, text: string, file: string): ParseResult {
  const first = readToml(content, file, MAX_LINT_BYTES);
  if (first.ok) return { root: first.root, whole: true, faults: [] };
  if (first.problem.line === undefined || first.problem.code !== 'syntax-error') {
    return { whole: false, faults: [faultOf(first.problem)] };
  }
  return parseRest(first.problem, text.split('\n'), file);
}

function parseRest(first: Problem, lines: string[], file: string): ParseResult {
  const faults = [faultOf(first)];
  const tables = new Set([tableOf(first, lines)]);
  const most = Math.min(MAX_MISTAKES, 1 + MAX_BYTES_AGAIN / (lines.join('\n').length + 1));
  let problem = first;
  for (let tries = 0; tries < most; tries += 1) {
    const isWhole = isHeader(lines[(problem.line ?? 1) - 1] ?? '');
    removeLines(problem, lines, isWhole || faults.length < tries + 1);
    const next = readToml(lines.join('\n'), file);
    if (next.ok) return { root: next.root, whole: false, faults };
    if (next.problem.line === undefined) break;
    problem = next.problem;
    const table = tableOf(problem, lines);
    if (!tables.has(table)) faults.push(faultOf(problem));
    tables.add(table);
  }
  return { whole: false, faults };
}

/** The line of a mistake; for a mistake that follows from another, and for a wrong header, everything up to the next header. */
function removeLines({ line = 1 }: Problem, lines: string[], toNextHeader: boolean): void {
  const from = Math.min(line, lines.length) - 1;
  const next = toNextHeader
    ? lines.findIndex((text, index) => index > from && isHeader(text))
    : from + 1;
  const to = next === -1 ? lines.length : next;
  for (let index = from; index < to; index += 1) lines[index] = '';
}

/** Number of the header above a line; 0 at the top. A wrong header is a table of its own. */
function tableOf({ line = 1 }: Problem, lines: readonly string[]): number {
  return lines.slice(0, line).findLastIndex(isHeader) + 1;
}

function isHeader(line: string): boolean {
  return /^\s*\[/.test(line);
}

function faultOf(problem: Problem): ParseResult['faults'][number] {
  const { code, line, column, message } = problem;
  const position = line === undefined || column === undefined ? {} : { position: { line, column } };
  const clause = message.replace(/^TOML syntax error(?: at line \d+, column \d+)?: /, '');
  const violation: Violation = { ...position, message: clause };
  if (code !== 'syntax-error') return { code: 'L01', violation };
  return { code: /already defined/.test(message) ? 'P02' : 'P01', violation };
}
