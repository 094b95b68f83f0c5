/** Values of the wrong type: the runner's decoder refuses the whole file. */
import type { ParsedConfig } from '../parsed-config.ts';
import type { Rule } from '../rule.ts';
import { typeFaultsOf } from '../type-faults.ts';
import type { Violation } from '../violation.ts';

const STARTLESS =
  'The decoder refuses the file: the runner does not start, and a running one keeps its old configuration until its next start.';

function typed(rule: Omit<Rule, 'check' | 'severity' | 'effect' | 'consequence'>): Rule {
  return {
    ...rule,
    severity: 'error',
    effect: 'start',
    consequence: STARTLESS,
    check: (config: ParsedConfig): Iterable<Violation> =>
      typeFaultsOf(config)
        .filter(({ code }) => code === rule.code)
        .map(({ violation }) => violation),
  };
}

export const TYPE_RULES: readonly Rule[] = [
  typed({
    code: 'P03',
    name: 'runners-not-an-array',
    title: 'Entries are written as one table',
    fix: 'Write double brackets: every entry begins with `[[runners]]`.',
  }),
  typed({
    code: 'P04',
    name: 'text-not-quoted',
    title: 'A number, a date or true/false stands where a text belongs',
    fix: 'Put the value into quotes.',
  }),
  typed({
    code: 'P05',
    name: 'number-quoted',
    title: 'A text or a fraction stands where a whole number or true/false belongs',
    fix: 'Write the value without quotes, as a whole number or as true or false.',
  }),
  typed({
    code: 'P06',
    name: 'list-not-an-array',
    title: 'One value stands where a list belongs',
    fix: 'Put the values into square brackets, each in quotes.',
  }),
  typed({
    code: 'P07',
    name: 'table-for-value',
    title: 'A table stands where a value belongs, or the other way round',
    fix: 'Remove the table; variables for jobs go into `environment = ["NAME=value"]` under [[runners]].',
  }),
  typed({
    code: 'P08',
    name: 'services-not-an-array',
    title: 'One table, or a list of texts, stands where an array of tables belongs',
    fix: 'Write double brackets, once for each element.',
  }),
  typed({
    code: 'P09',
    name: 'duration-not-go',
    title: 'A duration is not in Go’s form',
    fix: 'Write numbers with units and no blanks, such as "1h30m", "90s" or "500ms"; there are no days.',
  }),
  typed({
    code: 'P11',
    name: 'date-not-readable',
    title: 'A date is empty or none',
    fix: 'Remove the line, or write a date without quotes: 2027-01-31T00:00:00Z.',
  }),
  typed({
    code: 'P12',
    name: 'flag-not-boolean',
    title: 'A feature flag is neither true nor false',
    fix: 'Write true or false without quotes.',
  }),
  typed({
    code: 'S01',
    name: 'arguments-not-a-list',
    title: 'Arguments of the custom executor are one text',
    fix: 'Put every argument into an array of its own texts.',
  }),
];
