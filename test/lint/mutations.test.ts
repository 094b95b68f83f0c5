/** Broken files: no crash, no secret in any output, no correction that breaks a file. `npm run fuzz` tries far more. */
import { expect, test } from 'vitest';

import { prepare, reportOf } from '../../src/lint/lint.ts';
import { mutatedFiles, problemsWith } from '../support/lint-mutations.ts';

const COUNT = 2000;

test(`${COUNT} mutated files make no trouble`, () => {
  const troubles: string[] = [];
  for (const content of mutatedFiles(COUNT)) {
    const trouble = problemsWith(content);
    if (trouble !== undefined)
      troubles.push(`${trouble}: ${Buffer.from(content).toString('base64')}`);
  }

  expect(troubles).toEqual([]);
});

test.each([
  ['a file beyond one mebibyte', `#${'x'.repeat(1024 * 1024)}`],
  ['20,000 brackets', `a = ${'['.repeat(20_000)}${']'.repeat(20_000)}`],
  ['300 brackets', `a = ${'['.repeat(300)}${']'.repeat(300)}`],
  ['a key of 500 parts', `${'a.'.repeat(500)}b = 1`],
])('%s gets one finding that says so', (_name, text) => {
  const report = reportOf(prepare(text, 'config.toml'), { now: 0 });

  expect(report.findings.map(({ rule }) => rule)).toEqual(['L01']);
  expect(report.judged).toBe(false);
});
