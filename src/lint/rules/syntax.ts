/** What the parser rejects, and what the linter does not judge at all. The positions come from lint/syntax.ts. */
import type { Rule } from '../rule.ts';

const NOT_LOADED =
  'The runner does not start with this file; a running one keeps its old configuration until its next start.';

export const SYNTAX_RULES: readonly Rule[] = [
  {
    code: 'P01',
    name: 'syntax-error',
    severity: 'error',
    effect: 'start',
    title: 'The file is not valid TOML',
    consequence: NOT_LOADED,
    fix: 'Correct the line, or the one above it: `key = "value"`, straight quotes, comments behind #.',
    check: () => [],
  },
  {
    code: 'P02',
    name: 'defined-twice',
    severity: 'error',
    effect: 'start',
    title: 'A key or a table is defined twice',
    consequence: NOT_LOADED,
    fix: 'Keep one of the two.',
    check: () => [],
  },
  {
    code: 'L01',
    name: 'not-judged',
    severity: 'error',
    title: 'The file is larger, or nested deeper, than the linter reads',
    consequence: 'The file was not checked; the runner itself has no such limit.',
    fix: 'Check that this is the file that you want to check.',
    check: () => [],
  },
];
