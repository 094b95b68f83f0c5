/** The fixture cases: texts with exactly the findings that they list, and files that must have none. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { visitKeys } from '../../src/config/runner/decode.ts';
import { readToml } from '../../src/config/runner/runner-toml.ts';
import { pathsOf } from '../../src/config/runner/schema-type.ts';
import { RUNNER_CONFIG } from '../../src/config/runner/schema.ts';
import { foundIn, lintCases } from '../support/lint-cases.ts';

const CASES = lintCases();
const SILENT = join(import.meta.dirname, '../fixtures/lint/silent');
const silentFiles = readdirSync(SILENT).map(
  (name) => [name, readFileSync(join(SILENT, name), 'utf8')] as const,
);

/** Keys that the runner has dropped, or replaced by another one. */
const NO_FEATURES = ['OffPeakIdleCount', 'OffPeakIdleTime', 'OffPeakPeriods', 'OffPeakTimezone'];

test('there are at least 300 cases, each with a name of its own', () => {
  expect(CASES.length).toBeGreaterThanOrEqual(300);
  expect(new Set(CASES.map(({ name }) => name)).size).toBe(CASES.length);
});

test.each(CASES.map(({ name, text, expected }) => [name, text, expected] as const))(
  '%s',
  (_name, text, expected) => {
    expect(foundIn(text).toSorted()).toEqual(expected.toSorted());
  },
);

describe('valid files are silent', () => {
  test.each(silentFiles)('%s', (_name, text) => {
    expect(foundIn(text)).toEqual([]);
  });

  test('and every feature of the schema is in one of them', () => {
    const used = silentFiles.flatMap(([, text]) => {
      const reading = readToml(text, 'silent.toml');
      return reading.ok ? [...visitKeys(reading.root, RUNNER_CONFIG)].map(({ path }) => path) : [];
    });
    const all = pathsOf(RUNNER_CONFIG).map((line) =>
      (line.split(' ')[0] ?? '').replaceAll('[]', ''),
    );
    const missing = all.filter((path) => !used.includes(path));

    expect(missing.map((path) => path.replace(/^.*\./, '')).toSorted()).toEqual(NO_FEATURES);
  });
});
