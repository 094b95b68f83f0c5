/** Rules read typed data: no rule takes the text of a finding, a fact or a log line apart. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

const FOLDER = join(import.meta.dirname, '../../src/diagnosis/rules');
const FILES = globSync('*.ts', { cwd: FOLDER });

/** Each takes a string apart, or applies a regular expression to it. */
const TAKES_APART =
  /\.(?:split|match|matchAll|exec|test|search|replace|replaceAll|startsWith|endsWith|charAt|substring)\(|\bRegExp\(|(?:\bString\([^;]*\)|\b(?:text|detail)\w*)\.(?:includes|indexOf|slice)\(/g;

function findingsIn(source: string): readonly string[] {
  return [...source.matchAll(TAKES_APART)].map(([found]) => found);
}

test.each(FILES)('%s reads typed data', (file) => {
  expect(findingsIn(readFileSync(join(FOLDER, file), 'utf8'))).toEqual([]);
});

test.each([
  ['/ 503 /.test(event.text)', '.test('],
  ["String(facts['servers']).split(', ')", '.split('],
  ["text.includes('x509')", 'text.includes('],
  ["String(facts['address']).includes(':')", "String(facts['address']).includes("],
])('%s would be found', (source, found) => {
  expect(findingsIn(source)).toEqual([found]);
});

test('a list of typed values may be searched', () => {
  expect(findingsIn('runners.includes(id) && links.slice(1)')).toEqual([]);
});
