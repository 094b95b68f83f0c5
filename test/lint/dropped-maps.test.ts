/** What is no table where a map belongs is dropped by the runner, which starts: a warning at each such key, and a file that loads. */
import { describe, expect, test } from 'vitest';

import { readRunnerText } from '../../src/config/runner/runner-config.ts';
import { pathsOf } from '../../src/config/runner/schema-type.ts';
import { RUNNER_CONFIG } from '../../src/config/runner/schema.ts';
import { foundIn } from '../support/lint-cases.ts';

const MAPS = pathsOf(RUNNER_CONFIG)
  .filter((line) => / map</.test(line))
  .map((line) => line.split(' ')[0] ?? '');
const VALUES = ['"a=b"', '7', 'true', '["a"]', '1.5', '2027-01-31T00:00:00Z', '[]'];

/** A file with one key, below the headers of its tables. */
function fileWith(path: string, value: string): string {
  const names = path.split('.');
  const headers = names.slice(0, -1).map((name, index) => {
    const header = names.slice(0, index + 1).join('.');
    return name.endsWith('[]') ? `[[${header}]]` : `[${header}]`;
  });
  const lines = [...headers, `${names.at(-1)} = ${value}`];
  return `${lines.join('\n').replaceAll('[].', '.').replaceAll('[]]', ']')}\n`;
}

test('there are as many maps as the runner has', () => {
  expect(MAPS).toHaveLength(32);
});

describe.each(MAPS)('%s', (path) => {
  test.each(VALUES)('= %s', (value) => {
    const text = fileWith(path, value);

    expect(readRunnerText(text, 'config.toml').problems).toEqual([]);
    expect(foundIn(text).filter((finding) => /^\d+ P/.test(finding))).toEqual([
      expect.stringMatching(/^\d+ P17 \[/),
    ]);
  });
});
