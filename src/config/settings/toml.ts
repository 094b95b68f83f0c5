/**
 * Parses the text of our own settings file. The only user of @iarna/toml.
 *
 * The package gives values without their lines, and its error text quotes the file. So the line of a key is searched
 * in the text, and an error is replaced by the rule that was broken.
 */
import { parse } from '@iarna/toml';

import type { Problem } from '../../core/reading.ts';
import { syntaxError } from '../runner/toml-problems.ts';

export interface SettingsToml {
  readonly values: Readonly<Record<string, unknown>>;
  /** Line of a key by its path, `web.listen_addresses`, from 1; that of its table where the key is not found. */
  lineOf(path: readonly string[]): number;
}

export type SettingsTomlReading =
  | { readonly ok: true; readonly toml: SettingsToml }
  | { readonly ok: false; readonly problem: Problem };

/** Parses a settings file; `file` is named in the problem. */
export function readSettingsToml(text: string, file: string): SettingsTomlReading {
  const clean = text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n');
  try {
    const values = parse(clean);
    return { ok: true, toml: { values, lineOf: (path) => lineOfKey(clean, path) } };
  } catch (error) {
    return { ok: false, problem: problemOf(error, file) };
  }
}

/** Its positions count from 0, and some of its errors have none. */
function problemOf(error: unknown, file: string): Problem {
  const { message, line, col } = error as { message: string; line?: unknown; col?: unknown };
  const position =
    typeof line === 'number' && typeof col === 'number'
      ? { line: line + 1, column: col + 1 }
      : undefined;
  return syntaxError(file, position, message);
}

const NAME = String.raw`(?:[\w-]+|"[^"]*"|'[^']*')`;
const PATH = String.raw`${NAME}(?:\s*\.\s*${NAME})*`;
const HEADER = new RegExp(String.raw`^\s*\[\[?\s*(?<path>${PATH})\s*\]`);
const KEY = new RegExp(String.raw`^\s*(?<path>${PATH})\s*=`);

function lineOfKey(text: string, path: readonly string[]): number {
  const lines = linesOfKeys(text);
  const found = path.map((_, index) => lines.get(path.slice(0, path.length - index).join('\n')));
  return found.find((line) => line !== undefined) ?? 1;
}

/** The first line that names each key and each table above it; the names of a path are joined by a line end. */
function linesOfKeys(text: string): ReadonlyMap<string, number> {
  const lines = new Map<string, number>();
  let table: readonly string[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const header = namesIn(HEADER.exec(line));
    const key = namesIn(KEY.exec(line));
    if (header.length > 0) table = header;
    const named = key.length > 0 ? [...table, ...key] : header;
    for (const end of named.keys()) {
      const name = named.slice(0, end + 1).join('\n');
      if (!lines.has(name)) lines.set(name, index + 1);
    }
  }
  return lines;
}

function namesIn(match: RegExpExecArray | null): readonly string[] {
  const names = match?.groups?.['path']?.match(new RegExp(NAME, 'g')) ?? [];
  return names.map((name) => name.replace(/^(?<quote>["'])(?<inner>.*)\k<quote>$/, '$<inner>'));
}
