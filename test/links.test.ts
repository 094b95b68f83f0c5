/** Every link in our own pages leads to a file that exists, and to a heading that it has. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { expect, test } from 'vitest';

import { catalogue } from '../src/diagnosis/catalogue/index.ts';
import { anchorsOf, linksOf } from './support/markdown.ts';

const ROOT = join(import.meta.dirname, '..');
const PAGES = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];

const textOf = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

test.each(PAGES)('the links of %s lead somewhere', (page) => {
  const dead = linksOf(textOf(page)).filter((target) => {
    if (/^https?:/.test(target)) return false;
    const [path = '', anchor] = target.split('#');
    const file = path === '' ? page : join(dirname(page), path);
    if (!existsSync(join(ROOT, file))) return true;
    return anchor !== undefined && !anchorsOf(textOf(file)).has(anchor);
  });

  expect(dead).toEqual([]);
});

test('the page that a report names for a cause has a heading for each cause', () => {
  const anchors = anchorsOf(textOf('docs/causes.md'));

  expect(catalogue.map(({ id }) => id).filter((id) => !anchors.has(id))).toEqual([]);
});

test('every page of docs is reached from the readme or from the plan of the house', () => {
  const reached = [
    ...linksOf(textOf('README.md')),
    ...linksOf(textOf('docs/architecture.md')).map((target) => join('docs', target)),
  ].map((target) => target.split('#')[0]);

  expect(PAGES.filter((page) => page !== 'README.md' && !reached.includes(page))).toEqual([]);
});
