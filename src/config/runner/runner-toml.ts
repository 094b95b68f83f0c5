/**
 * Parses the text of a TOML file with the position of each value. The only user of toml-eslint-parser.
 *
 * TOML 1.1 as the runner's decoder reads it, or 1.0 as that of older runners: a byte order mark and Windows line ends are accepted, an integer beyond
 * 64 bits is not. An error gives the position and the rule, and never quotes the file: the line beside a mistake may
 * hold a token.
 */
import type { AST } from 'toml-eslint-parser';
import { ParseError, parseTOML } from 'toml-eslint-parser';

import type { Problem } from '../../core/reading.ts';
import type { TomlVersion } from './dialect.ts';
import type { TomlTable } from './toml-tree.ts';
import { originOf } from './toml-origin.ts';
import { syntaxError } from './toml-problems.ts';
import { DepthError, ShapeError, treeOf } from './toml-build.ts';

/** Larger files are not parsed. A config of 500 entries has 160 KiB; one with long `environment` lists, 5 MB. */
export const MAX_TOML_BYTES = 8 * 1024 * 1024;

export type TomlReading =
  | { readonly ok: true; readonly root: TomlTable }
  | { readonly ok: false; readonly problem: Problem };

/** What the file has is right for a newer runner. */
const NEEDS_NEWER = {
  message: 'this is TOML 1.1, which this runner cannot read',
  fix: 'Write it in TOML 1.0 (an inline table on one line without a trailing comma, times with seconds, no \\e), or update the runner to 18.9 or newer.',
};

/** Parses bytes or text, `mostBytes` of them. `file` is named in the problem. */
export function readToml(
  content: string | Uint8Array,
  file: string,
  mostBytes = MAX_TOML_BYTES,
  version: TomlVersion = '1.1',
): TomlReading {
  const size = typeof content === 'string' ? Buffer.byteLength(content) : content.byteLength;
  if (size > mostBytes) return refuse(tooLargeProblem(file, size, mostBytes));
  const text = decodeUtf8(content);
  if (text === undefined) return refuse(notUtf8Problem(file));
  try {
    refuseBareReturn(text);
    return { ok: true, root: treeOf(parseDocument(text, version)) };
  } catch (error) {
    const problem = problemOf(error, file, text);
    const isNewer = version === '1.0' && readToml(content, file, mostBytes).ok;
    return refuse(isNewer ? { ...problem, ...NEEDS_NEWER } : problem);
  }
}

/** The problem of a file that is not read because of its size. */
export function tooLargeProblem(file: string, bytes: number, mostBytes = MAX_TOML_BYTES): Problem {
  return {
    code: 'too-large',
    file,
    message: `the file has ${bytes} bytes; runnerwatch reads at most ${mostBytes}`,
    fix: 'Check that this is the right file, or split it between several runner processes.',
  };
}

/** Not called a mistake: the runner itself may bear it. */
function tooDeepProblem(file: string): Problem {
  return {
    code: 'too-large',
    file,
    message: 'the values are nested too deeply for runnerwatch',
    fix: 'Check that this is the right file.',
  };
}

/**
 * Without a line end the parser puts the end of a last number before its last digit; with one that is not in the
 * file, the position of a mistake may be behind it.
 */
function parseDocument(text: string, version: TomlVersion): AST.TOMLProgram {
  if (text.endsWith('\n')) return parseText(text, version);
  try {
    return parseText(`${text}\n`, version);
  } catch {
    return parseText(text, version);
  }
}

function parseText(text: string, tomlVersion: TomlVersion): AST.TOMLProgram {
  return parseTOML(text, { tomlVersion });
}

/** To the parser it is a line end; the runner refuses it wherever it stands, also behind the last line. */
function refuseBareReturn(text: string): void {
  const at = text.search(/\r(?!\n)/);
  if (at === -1) return;
  const before = text.slice(0, at).split('\n');
  const position = { line: before.length, column: (before.at(-1) ?? '').length + 1 };
  throw new ShapeError('a carriage return without a line feed', position);
}

function decodeUtf8(content: string | Uint8Array): string | undefined {
  // TextDecoder drops the byte order mark by itself.
  if (typeof content === 'string') return content.replace(/^\uFEFF/, '');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content);
  } catch {
    return undefined;
  }
}

function refuse(problem: Problem): TomlReading {
  return { ok: false, problem };
}

function notUtf8Problem(file: string): Problem {
  return {
    code: 'syntax-error',
    file,
    message: 'the file is not valid UTF-8',
    fix: 'Save the file as UTF-8. `iconv -f utf-8 -t utf-8 FILE` reports the first invalid byte.',
  };
}

function problemOf(error: unknown, file: string, text: string): Problem {
  if (error instanceof ParseError) {
    const { lineNumber: line, column, message: said } = error;
    const reported = { position: { line, column: column + 1 }, message: said };
    const { position, message } = originOf(reported, text);
    return syntaxError(file, position, message);
  }
  if (error instanceof ShapeError) return syntaxError(file, error.position, error.message);
  // The parser recurses; thousands of brackets exhaust its stack.
  if (error instanceof RangeError || error instanceof DepthError) return tooDeepProblem(file);
  throw error;
}
