/** Catalogue, docs/causes.md, `explain`, and the alerts agree about each cause. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { catalogue } from '../../src/diagnosis/catalogue/index.ts';
import {
  confirmationText,
  lookAlikesOf,
  explainPage,
  fixSteps,
} from '../../src/diagnosis/explain.ts';
import { DEPLOYED_TEXTS } from '../support/deployed-files.ts';

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/causes.md'), 'utf8');
const SECTIONS = new Map(
  PAGE.split('\n## ')
    .slice(1)
    .map((section) => [section.split('\n')[0] ?? '', section]),
);
/** Id, severity, scope and title of each row of the table. */
const ROWS = [
  ...PAGE.matchAll(
    /^\| \[`(?<id>[^`]+)`\]\(#[^)]+\) \| (?<severity>\w+) \| (?<scope>\w+) \|(?<title>.*)\|$/gm,
  ),
].map(({ groups }) => [
  groups?.['id'],
  groups?.['severity'],
  groups?.['scope'],
  groups?.['title']?.trim(),
]);
const IDS = catalogue.map(({ id }) => id);

/** In one line, as a reader takes it. */
const joinLines = (text: string): string => text.replaceAll(/\s+/g, ' ');

test('the docs list every cause once, in the order of the catalogue, with its severity, scope and title', () => {
  expect(ROWS).toEqual(
    catalogue.map(({ id, severity, scope, title }) => [
      id,
      severity,
      scope,
      title.replaceAll('|', '\\|'),
    ]),
  );
  expect([...SECTIONS.keys()]).toEqual(IDS);
});

describe.each(catalogue.map((spec) => [spec.id, spec] as const))('%s', (id, spec) => {
  const { meaning, evidence, resolvedWhen } = spec;
  const parts = [
    meaning,
    `${evidence} ${confirmationText(spec)}`,
    ...lookAlikesOf(spec).map((double) => double.id),
    ...fixSteps(spec).flatMap(({ text, command }) => [
      text,
      ...(command === undefined ? [] : [command]),
    ]),
    `Clears when ${resolvedWhen}.`,
  ].map((text) => joinLines(text));

  test('has the same texts in the docs and in explain: meaning, proof, similar causes, fix', () => {
    const section = joinLines(SECTIONS.get(id) ?? '');
    const printed = joinLines(explainPage(spec));

    expect(parts.filter((part) => !section.includes(part))).toEqual([]);
    expect(parts.filter((part) => !printed.includes(part))).toEqual([]);
  });

  test('is not confused with itself, and says what to do', () => {
    expect(lookAlikesOf(spec).map((double) => double.id)).not.toContain(id);
    expect(fixSteps(spec)).not.toEqual([]);
  });

  test('is explained within 80 columns, but for what is to be copied', () => {
    const commands = fixSteps(spec).flatMap(({ command = '' }) => command);
    const long = explainPage(spec, 80)
      .split('\n')
      .filter((line) => line.length > 80 && !commands.includes(line.trim()));

    expect(long).toEqual([]);
  });
});

test('each names the causes that it is confused with, except unknown', () => {
  const alone = catalogue.filter((spec) => lookAlikesOf(spec).length === 0).map(({ id }) => id);

  expect(alone).toEqual(['unknown']);
});

test('every cause that an alert or an inhibition selects is in the catalogue', () => {
  const selected = DEPLOYED_TEXTS.flatMap(({ file, text }) =>
    [...text.matchAll(/\bcause\s*(?:!?=~?|!~)\s*\\?"(?<value>[^"\\]+)/g)].map(({ groups }) => ({
      file,
      value: groups?.['value'] ?? '',
    })),
  );
  const empty = selected.filter(
    ({ value }) => !IDS.some((id) => new RegExp(`^(?:${value})$`).test(id)),
  );

  expect(selected.length).toBeGreaterThan(3);
  expect(empty).toEqual([]);
});
