/** Every rule: its examples are true, its texts are sentences. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { CONSTRAINTS } from '../../src/config/runner/schema-constraints.ts';
import { EXECUTOR_CONSTRAINTS } from '../../src/config/runner/schema-constraints-executors.ts';
import { pathsOf } from '../../src/config/runner/schema-type.ts';
import { RUNNER_CONFIG } from '../../src/config/runner/schema.ts';
import { examplesOf } from '../../src/lint/examples.ts';
import { rulePage } from '../../src/lint/rule-page.ts';
import { LINT_RULES, ruleNamed } from '../../src/lint/rules/index.ts';
import { UNCHECKED_PARTS, UNCHECKED_RULES } from '../../tools/docs/unchecked-rules.ts';
import { foundIn } from '../support/lint-cases.ts';

test('the numbers of a family run on: each is a rule, or left out with a reason', () => {
  const codes = [...LINT_RULES, ...UNCHECKED_RULES].map(({ code }) => code);
  const families = Object.entries(Object.groupBy(codes, (code) => code.charAt(0)));
  const wanted = families.flatMap(([family, known = []]) =>
    known.map((_, index) => `${family}${String(index + 1).padStart(2, '0')}`),
  );

  expect(codes.toSorted()).toEqual(wanted.toSorted());
});

test('codes and names are unique', () => {
  const args = LINT_RULES.flatMap(({ code, name }) => [code, name]);

  expect(args).toEqual([...new Set(args)]);
});

test('a rule is found by its code in any case, and by its name', () => {
  expect(['p07', 'P07', 'table-for-value', 'P99', ''].map((word) => ruleNamed(word)?.code)).toEqual(
    ['P07', 'P07', 'P07', undefined, undefined],
  );
});

test('what is left out in part is a rule, and its reasons are clauses', () => {
  for (const { code, because } of [...UNCHECKED_PARTS, ...UNCHECKED_RULES]) {
    expect([code, because]).toEqual([code, expect.stringMatching(/^[a-z].*[^.]$/)]);
  }
  expect(UNCHECKED_PARTS.map(({ code }) => ruleNamed(code)?.code)).toEqual(
    UNCHECKED_PARTS.map(({ code }) => code),
  );
});

describe.each(LINT_RULES.map((rule) => [rule.code, rule] as const))('%s', (code, rule) => {
  const { bad, good } = examplesOf(code);

  test('has texts that fit', () => {
    expect(rule.name).toMatch(/^[a-z0-9]+(?:-[a-z0-9]+)+$/);
    expect(rule.title).toMatch(/^\S.*[^.\s]$/);
    expect(rule.consequence).toMatch(/^\S.*\.$/);
    expect(rule.fix).toMatch(/^\S.*\.$/);
    expect(rule.severity === 'error' || rule.effect === undefined).toBe(true);
  });

  test('has a page that names it, both examples and what it reads', () => {
    const page = rulePage(rule);

    expect(page).toContain(`${code} ${rule.name} (${rule.severity}`);
    for (const line of `${bad}\n${good}`.split('\n')) expect(page).toContain(line);
    expect(page.includes('Also reads: ')).toBe(rule.needs !== undefined);
  });

  test('is silent on its good example', () => {
    expect(foundIn(good).filter((line) => line.includes(` ${code}`))).toEqual([]);
  });
});

/** The others need a host, or more text than an example holds; context.test.ts breaks them. */
const byText = LINT_RULES.filter(({ code, needs }) =>
  needs === undefined ? code !== 'L01' : breaksByText(code),
);

function breaksByText(code: string): boolean {
  return foundIn(examplesOf(code).bad).some((line) => line.includes(code));
}

test.each(byText.map(({ code }) => code))('%s finds its bad example', (code) => {
  const { bad } = examplesOf(code);

  expect(foundIn(bad).map((line) => /[A-Z]\d\d/.exec(line)?.[0])).toContain(code);
});

test('every constraint is about keys of the schema', () => {
  const paths = pathsOf(RUNNER_CONFIG).map((line) =>
    (line.split(' ')[0] ?? '').replaceAll('[]', ''),
  );
  const maps = pathsOf(RUNNER_CONFIG).flatMap((line) =>
    line.includes(' map<') ? [(line.split(' ')[0] ?? '').replaceAll('[]', '')] : [],
  );
  const named = [...CONSTRAINTS, ...EXECUTOR_CONSTRAINTS].flatMap(({ keys }) =>
    keys.flatMap(({ table, keys: names }) =>
      maps.includes(table)
        ? [table]
        : names.map((name) => (table === '' ? name : `${table}.${name}`)),
    ),
  );

  expect(named.filter((path) => !paths.includes(path))).toEqual([]);
});

test('every folder of examples belongs to a rule', () => {
  const folders = readdirSync(join(import.meta.dirname, '../../src/lint/examples'));

  expect(folders.toSorted()).toEqual(LINT_RULES.map(({ code }) => code).toSorted());
});
