/**
 * Where does a syntax error begin? While the parser waits for a value or a bracket it skips line ends, and reports what
 * comes next, which is right: the mistake is the line above. A string over several lines that nobody closes is reported at
 * the end of the file.
 */
import type { Position } from './toml-tree.ts';

export interface SyntaxFault {
  readonly position: Position;
  /** Of the parser, or as it would say it. */
  readonly message: string;
}

interface Unfinished {
  /** A line without its comment. */
  readonly line: RegExp;
  readonly message: string;
  /** Only where the parser reports this. */
  readonly reported?: RegExp;
}

const UNFINISHED: readonly Unfinished[] = [
  { line: /^[^=]+=$/, message: 'expected a value' },
  { line: /^\[\[?[^\]]*$|^\[\[[^\]]*\]$/, message: 'Unterminated table' },
  { line: /=\s*\[[^\]]*[^\],[]$/, message: 'Unterminated array' },
  { line: /=\s*\{[^}]*$/, message: 'Unterminated inline table' },
  // A key alone, or the `---` of YAML.
  { line: /^[\w-]+$/, message: 'expected "="', reported: /equal|expected "="/ },
];
/** Longer lines are no mistake that is seen at their end. */
const MAX_LINE = 4096;

export function originOf(fault: SyntaxFault, text: string): SyntaxFault {
  const lines = text.split('\n');
  if (fault.message.startsWith('Unterminated string')) return openedQuote(fault, lines);
  const { line, column } = fault.position;
  if ((lines[line - 1] ?? '').slice(0, column - 1).trim() !== '') return fault;
  const index = lines.slice(0, line - 1).findLastIndex((one) => plainPart(one).trim() !== '');
  const above = plainPart(lines[index] ?? '').trimEnd();
  const found = UNFINISHED.find(
    ({ line: form, reported }) =>
      form.test(above.trimStart()) && (reported?.test(fault.message) ?? true),
  );
  return found === undefined
    ? fault
    : { position: { line: index + 1, column: above.length + 1 }, message: found.message };
}

/** A line without its comment, and with an `x` for each character of its strings. */
function plainPart(line: string): string {
  if (line.length > MAX_LINE) return 'x';
  let quote = '';
  let plain = '';
  for (const character of line) {
    if (quote === '' && character === '#') break;
    const isQuote = character === '"' || character === "'";
    plain += quote === '' || character === quote ? character : 'x';
    if (quote === '' && isQuote) quote = character;
    else if (character === quote) quote = '';
  }
  return plain;
}

/** The last one that opens a string over several lines. */
function openedQuote(fault: SyntaxFault, lines: readonly string[]): SyntaxFault {
  const index = lines.findLastIndex((line) => /'''|"""/.test(line));
  const { line } = fault.position;
  const quotes = (lines[line - 1] ?? '').match(/["']/g)?.length ?? 0;
  const isAtEnd = line >= lines.length && quotes % 2 === 0;
  if (index === -1 || !isAtEnd) return fault;
  const column = (lines[index] ?? '').search(/'''|"""/) + 1;
  return { ...fault, position: { line: index + 1, column } };
}
