/** The list of probes and the files of src/probes are one; names and texts keep the form of the house. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { COMMON_REASONS } from '../src/core/finding.ts';
import { PROBES } from '../src/probes/index.ts';

const FOLDER = join(import.meta.dirname, '../src/probes');
const KEBAB = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
const SNAKE = /^[a-z0-9]+(?:_[a-z0-9]+)*$/;
const UNIT_OR_PLURAL = /(?:_(?:seconds|bytes|ratio)|s)$/;
/** Counts whose usual name is no plural. */
const COUNTS: readonly string[] = ['load', 'tried'];

test('each file of src/probes is an entry of the list, and each entry has its file', () => {
  const files = readdirSync(FOLDER)
    .filter((name) => name !== 'index.ts')
    .map((name) => name.replace(/\.ts$/, ''));

  expect(PROBES.map(({ id }) => id).toSorted()).toEqual(files.toSorted());
});

test('an id is in kebab case', () => {
  expect(PROBES.map(({ id }) => id).filter((id) => !KEBAB.test(id))).toEqual([]);
});

test('a probe needs earlier entries of the list only, so nothing needs itself in a circle', () => {
  const wrong = PROBES.flatMap(({ id, needs }, index) => {
    const earlier = new Set(PROBES.slice(0, index).map((probe) => probe.id));
    return needs.filter((need) => !earlier.has(need)).map((need) => `${id} needs ${need}`);
  });

  expect(wrong).toEqual([]);
});

test('links that are needed are of the walk', () => {
  const walk = new Set(PROBES.filter(({ kind }) => kind === 'endpoint').map(({ id }) => id));

  expect(PROBES.flatMap(({ needs }) => needs).filter((need) => !walk.has(need))).toEqual([]);
});

describe.each(PROBES)('$id', (probe) => {
  test('asks one question', () => {
    expect(probe.question).toMatch(/^[A-Z][^?]+\?$/);
    expect(probe.title).not.toBe('');
  });

  test('ends within its interval', () => {
    expect(probe.timeoutSeconds).toBeGreaterThan(0);
    expect(probe.timeoutSeconds).toBeLessThanOrEqual(probe.intervalSeconds);
  });

  test('has reasons in kebab case, and none that belongs to the machinery', () => {
    const names = Object.keys(probe.reasons);

    expect(names.filter((name) => !KEBAB.test(name) || name in COMMON_REASONS)).toEqual([]);
    expect(names).not.toEqual([]);
  });

  test('says for each reason what was seen and what to do', () => {
    const bad = Object.entries(probe.reasons).filter(
      ([, { meaning, action }]) => !/^\S.*\.$/s.test(meaning) || !/^[A-Z].*\.$/s.test(action),
    );

    expect(bad.map(([name]) => name)).toEqual([]);
  });

  test('has measures that end in a unit or a plural, each explained', () => {
    const bad = Object.entries(probe.measures).filter(
      ([name, { help }]) =>
        !SNAKE.test(name) ||
        !(UNIT_OR_PLURAL.test(name) || COUNTS.includes(name)) ||
        !/^[A-Z].*\.$/.test(help),
    );

    expect(bad.map(([name]) => name)).toEqual([]);
  });

  test('has options whose defaults are allowed by their own limits', () => {
    const bad = Object.entries(probe.options).filter(
      ([, option]) =>
        option.kind === 'number' && (option.default < option.min || option.default > option.max),
    );

    expect(bad.map(([name]) => name)).toEqual([]);
  });
});
