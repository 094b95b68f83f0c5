/** What the parser refuses, and what we do not judge at all. The places come from syntax.ts. */
import type { Rule } from '../rule.ts';

const BROKEN =
  'The runner does not start on it, and a running one keeps its old configuration until its next start.';

export const SYNTAX_RULES: readonly Rule[] = [
  {
    code: 'P01',
    name: 'syntax-error',
    severity: 'error',
    effect: 'start',
    title: 'The file is not TOML',
    consequence: BROKEN,
    fix: 'Correct the line, or the one above it: `key = "value"`, straight quotes, comments behind #.',
    byOthers: true,
    check: () => [],
  },
  {
    code: 'P02',
    name: 'defined-twice',
    severity: 'error',
    effect: 'start',
    title: 'A key or a table is defined twice',
    consequence: BROKEN,
    fix: 'Keep one of the two.',
    byOthers: true,
    check: () => [],
  },
  {
    code: 'L01',
    name: 'not-judged',
    severity: 'error',
    title: 'The file is larger, or nested deeper, than the linter reads',
    consequence: 'Nothing in it was judged; the runner itself has no such limit.',
    fix: 'Check that it is the right file.',
    byOthers: true,
    check: () => [],
  },
];
