/**
 * Reads the text of our own settings file. The only user of @iarna/toml.
 *
 * The package is wrapped: line ends and the byte order mark are taken away before it sees them, its error
 * text (which quotes the file) never leaves, and places of keys come from the other reader.
 */
import { parse } from '@iarna/toml';

import type { Problem } from '../../core/reading.ts';
import { readToml } from '../runner/runner-toml.ts';
import type { Place, TomlEntry, TomlTable } from '../runner/toml-tree.ts';

export interface SettingsToml {
  readonly values: Readonly<Record<string, unknown>>;
  /** Line of a key by its path, `web.listen_addresses`; 1 where it is not known. */
  lineOf(path: readonly string[]): number;
}

export type SettingsTomlReading =
  | { readonly ok: true; readonly toml: SettingsToml }
  | { readonly ok: false; readonly problem: Problem };

/** Parses a settings file; `file` is named in the problem. */
export function readSettingsToml(text: string, file: string): SettingsTomlReading {
  const clean = text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n');
  const tree = readToml(clean, file);
  if (!tree.ok) return tree;
  try {
    const values = parse(clean);
    return { ok: true, toml: { values, lineOf: (path) => placeIn(tree.root, path).line } };
  } catch (error) {
    return { ok: false, problem: syntaxProblem(error, file) };
  }
}

/** Its positions count from 0, and some of its errors have none. */
function syntaxProblem(error: unknown, file: string): Problem {
  const { line, col } = (error instanceof Error ? error : {}) as { line?: unknown; col?: unknown };
  const place =
    typeof line === 'number' && typeof col === 'number' ? { line: line + 1, column: col + 1 } : {};
  const where = 'line' in place ? ` near line ${place.line}` : '';
  return {
    code: 'syntax-error',
    file,
    ...place,
    message: `TOML syntax error${where}: this is not what TOML 1.0 allows here`,
    fix: 'Correct the line, or the one above it.',
  };
}

function placeIn(root: TomlTable, path: readonly string[]): Place {
  let table: TomlTable | undefined = root;
  let place: Place = root.place;
  for (const key of path) {
    const entry: TomlEntry | undefined = table?.entries.get(key);
    if (entry === undefined) return place;
    place = entry.keyPlace;
    table = entry.value.kind === 'table' ? entry.value : undefined;
  }
  return place;
}
