/**
 * What does the parser reject? The first mistake alone, as the runner: what comes behind it may follow from it. Where the
 * rest is a file without that one line, its types are judged too.
 */
import { readToml } from '../config/runner/runner-toml.ts';
import type { TomlTable } from '../config/runner/toml-tree.ts';
import type { Problem } from '../core/reading.ts';
import type { Violation } from './violation.ts';

export interface ParseResult {
  /** Absent when nothing could be parsed. */
  readonly root?: TomlTable;
  /** No line was left out: the root is what the runner sees. */
  readonly whole: boolean;
  readonly faults: readonly {
    readonly code: 'P01' | 'P02' | 'L01';
    readonly violation: Violation;
  }[];
}

/** Larger files are not checked. */
export const MAX_LINT_BYTES = 1024 * 1024;

/** A large file is not parsed again. */
const MAX_BYTES_AGAIN = 512 * 1024;

export function parseAll(content: string | Uint8Array, text: string, file: string): ParseResult {
  const reading = readToml(content, file, MAX_LINT_BYTES);
  if (reading.ok) return { root: reading.root, whole: true, faults: [] };
  const { problem } = reading;
  const rest = text.length > MAX_BYTES_AGAIN ? undefined : restWithout(problem, text, file);
  return {
    ...(rest === undefined ? {} : { root: rest }),
    whole: false,
    faults: [faultOf(problem)],
  };
}

/** What the file would be without the line of the mistake; `undefined` where that is no file, or of other tables. */
function restWithout({ code, line }: Problem, text: string, file: string): TomlTable | undefined {
  if (line === undefined || code !== 'syntax-error') return undefined;
  const lines = text.split('\n');
  if (/^\s*\[/.test(lines[line - 1] ?? '')) return undefined;
  const rest = readToml(lines.toSpliced(line - 1, 1, '').join('\n'), file);
  return rest.ok ? rest.root : undefined;
}

function faultOf(problem: Problem): ParseResult['faults'][number] {
  const { code, line, column, message } = problem;
  const position = line === undefined || column === undefined ? {} : { position: { line, column } };
  const clause = message.replace(/^TOML syntax error(?: at line \d+, column \d+)?: /, '');
  const violation: Violation = { ...position, message: clause };
  if (code !== 'syntax-error') return { code: 'L01', violation };
  return { code: /already defined/.test(message) ? 'P02' : 'P01', violation };
}
