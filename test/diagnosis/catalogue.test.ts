/** The catalogue against the probes and against itself. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { catalogue, specOfReason } from '../../src/diagnosis/catalogue/index.ts';
import { LOCAL_FAULTS } from '../../src/runner/log/local-fault-fragments.ts';
import { ALL_PROBES } from '../../src/cli/all-probes.ts';

const ROOT = join(import.meta.dirname, '../..');

const declared = ALL_PROBES.flatMap(({ id, reasons }) =>
  Object.keys(reasons).map((reason) => `${id}/${reason}`),
);

test('every id is unique', () => {
  const ids = catalogue.map(({ id }) => id);

  expect(ids.toSorted()).toEqual([...new Set(ids)].toSorted());
});

test('every cause that a failed preparation can name says whether jobs can run beside it', () => {
  const named = new Set(LOCAL_FAULTS.map(({ cause }) => cause));
  const silent = catalogue.filter(({ id, stopsJobs }) => named.has(id) && stopsJobs === undefined);

  expect(silent.map(({ id }) => id)).toEqual([]);
});

test('every observation that a cause is read from is a declared reason of a probe, of one cause alone', () => {
  const from = catalogue.flatMap((spec) => spec.from);

  const alike = catalogue.flatMap(({ looksLike = [] }) => looksLike);

  expect([...from, ...alike].filter((reason) => !declared.includes(reason))).toEqual([]);
  expect(from.toSorted()).toEqual([...new Set(from)].toSorted());
});

test('a reason is read by a cause exactly when its declaration says so and has no words of its own', () => {
  const wrong = ALL_PROBES.flatMap(({ id, reasons }) =>
    Object.entries(reasons)
      .filter(([reason, spec]) => {
        const isRead = specOfReason(id, reason) !== undefined;
        return spec.kind === 'context' ? isRead : isRead === 'meaning' in spec;
      })
      .map(([reason]) => `${id}/${reason}`),
  );

  expect(wrong).toEqual([]);
});

test('every cause is read from a reason, or is named by a rule or by what reads the log of the runner', () => {
  const sources = ['src/diagnosis', 'src/runner'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.startsWith('catalogue/'))
      .map((name) => readFileSync(join(ROOT, folder, name), 'utf8')),
  );
  const silent = catalogue.filter(({ from }) => from.length === 0).map(({ id }) => id);

  expect(silent.filter((id) => !sources.some((text) => text.includes(`'${id}'`)))).toEqual([]);
});

test('what a cause names as its symptom or its double is another cause', () => {
  const ids = new Set<string>(catalogue.map(({ id }) => id));
  const wrong = catalogue.flatMap(({ id, suppresses = [], notConfusedWith }) =>
    [...suppresses, ...notConfusedWith].filter((other) => other === id || !ids.has(other)),
  );

  expect(wrong).toEqual([]);
});

test('no cause is a symptom of its own symptoms', () => {
  const symptomsOf = new Map(catalogue.map(({ id, suppresses = [] }) => [id, suppresses]));
  const below = (id: string, passed: ReadonlySet<string>): boolean =>
    (symptomsOf.get(id) ?? []).some(
      (next) => passed.has(next) || below(next, new Set([...passed, next])),
    );

  expect(catalogue.filter(({ id }) => below(id, new Set([id]))).map(({ id }) => id)).toEqual([]);
});

test('every entry says what it means, how it is proven and when it is over, in sentences that fit', () => {
  for (const { id, title, meaning, evidence, resolvedWhen } of catalogue) {
    expect([id, title]).toEqual([id, expect.stringMatching(/^[^\s].*[^.\s]$/)]);
    expect([id, meaning]).toEqual([id, expect.stringMatching(/\.$/)]);
    expect([id, evidence]).toEqual([id, expect.stringMatching(/\.$/)]);
    expect([id, resolvedWhen]).toEqual([id, expect.stringMatching(/^[a-z].*[^.]$/)]);
  }
});
