/** Reports a syntax error of a TOML file without quoting the file: a line may hold a token. */
import type { Problem } from '../../core/reading.ts';

/** A problem that names the position and the rule. `message` is that of a TOML parser, which may quote the file; it is not passed on. */
export function syntaxError(
  file: string,
  position: { readonly line: number; readonly column: number } | undefined,
  message: string,
): Problem {
  const rule = ruleOf(message);
  const where =
    position === undefined ? '' : ` at line ${position.line}, column ${position.column}`;
  return {
    code: 'syntax-error',
    file,
    ...position,
    message: `TOML syntax error${where}: ${rule}`,
    fix: FIXES.find(({ when }) => when.test(rule))?.fix ?? 'Correct the line, or the one above it.',
  };
}

function ruleOf(message: string): string {
  const known = RULES.find(({ when }) => when.test(message));
  return known?.rule ?? 'invalid TOML';
}

/** The parsers' messages name a rule and at most one character of the file. */
const RULES: readonly { readonly when: RegExp; readonly rule: string }[] = [
  {
    when: /carriage return/,
    rule: 'a carriage return without a line feed is not allowed',
  },
  { when: /64 bits/, rule: 'this integer does not fit into 64 bits' },
  { when: /^Unterminated string/, rule: 'a quote is not closed' },
  { when: /^Unterminated table/, rule: 'a table header is not closed with "]"' },
  {
    when: /^Unterminated inline array/,
    rule: 'an array or an inline table is not closed on its line',
  },
  { when: /^Unterminated array/, rule: 'an array is not closed with "]"' },
  { when: /^Unterminated inline/, rule: 'an inline table is not closed with "}"' },
  { when: /multiple times|redefine/, rule: 'this key or table is already defined' },
  { when: /comma/, rule: 'expected a comma' },
  { when: /equal|expected "="/, rule: 'expected "=" after the key' },
  { when: /^Unspecified values|value|expecting string/, rule: 'expected a value' },
  { when: /escape/, rule: 'invalid escape: this letter has no meaning after a backslash' },
  { when: /[Ll]eading zero/, rule: 'a number must not start with 0' },
  { when: /[Cc]ontrol character/, rule: 'a control character is not allowed here' },
  { when: /[Nn]ewline|new line/, rule: 'a line break is missing or not allowed here' },
  { when: /date|time/i, rule: 'this date or time does not exist' },
  { when: /character|token/, rule: 'this character is not allowed here' },
];

const FIXES: readonly { readonly when: RegExp; readonly fix: string }[] = [
  { when: /quote/, fix: 'Close the quote on that line.' },
  { when: /carriage return/, fix: 'Save the file with line ends of Unix.' },
  { when: /already defined/, fix: 'Keep one of the two definitions.' },
  { when: /backslash/, fix: 'Put the value in single quotes, or double the backslash.' },
  { when: /"="/, fix: 'Write `key = value`. Comments start with #.' },
  { when: /this character/, fix: 'Put text in straight quotes ("..."). Comments start with #.' },
];
