/** Values of the wrong type: the runner cannot parse the file (docs/reference/runner-config.md#what-the-decoder-accepts). */
import type { ParsedConfig } from '../parsed-config.ts';
import type { Rule } from '../rule.ts';
import { typeFaultsOf } from '../type-faults.ts';
import type { Violation } from '../violation.ts';

const NOT_PARSED =
  'The runner cannot parse the file: it does not start, and a running one keeps its old configuration until its next start.';

function typeRule(rule: Pick<Rule, 'code' | 'name' | 'title' | 'fix'>): Rule {
  return {
    ...rule,
    severity: 'error',
    effect: 'start',
    consequence: NOT_PARSED,
    check: (config: ParsedConfig): Iterable<Violation> =>
      typeFaultsOf(config)
        .filter(({ code }) => code === rule.code)
        .map(({ violation }) => violation),
  };
}

export const TYPE_RULES: readonly Rule[] = [
  typeRule({
    code: 'P03',
    name: 'runners-not-an-array',
    title: '`runners` is one table; it must be an array of tables',
    fix: 'Write double brackets: every entry starts with `[[runners]]`.',
  }),
  typeRule({
    code: 'P04',
    name: 'text-not-quoted',
    title: 'The value must be a string, and is a number, a boolean or a date',
    fix: 'Put the value into quotes.',
  }),
  typeRule({
    code: 'P05',
    name: 'number-or-boolean-expected',
    title: 'The value must be a number or a boolean, and is of another type',
    fix: 'Write the value without quotes: a whole number without a decimal point, or true or false.',
  }),
  typeRule({
    code: 'P06',
    name: 'list-not-an-array',
    title: 'The value must be an array, and is a single value',
    fix: 'Put the values into square brackets, each in quotes.',
  }),
  typeRule({
    code: 'P07',
    name: 'table-for-value',
    title: 'A table is where a value must be, or a value where a table must be',
    fix: 'Remove the table; variables for jobs go into `environment = ["NAME=value"]` under [[runners]].',
  }),
  typeRule({
    code: 'P08',
    name: 'services-not-an-array',
    title: 'The value must be an array of tables, and is one table or a list of strings',
    fix: 'Write double brackets, once for each element.',
  }),
  typeRule({
    code: 'P09',
    name: 'duration-not-go',
    title: 'The value is not a duration of Go',
    fix: 'Write numbers with units and without spaces, such as "1h30m", "90s" or "500ms"; there is no unit for days.',
  }),
  typeRule({
    code: 'P11',
    name: 'date-not-readable',
    title: 'The value is not a date',
    fix: 'Remove the line, or write a date without quotes: 2027-01-31T00:00:00Z.',
  }),
  typeRule({
    code: 'P12',
    name: 'flag-not-boolean',
    title: 'A feature flag is not a boolean',
    fix: 'Write true or false without quotes.',
  }),
  typeRule({
    code: 'S01',
    name: 'arguments-not-a-list',
    title: 'The arguments of the custom executor are not an array of strings',
    fix: 'Write an array with one string for each argument.',
  }),
];
