/** Every link and every path in pages and comments leads to a file of this repository, and to a heading that it has. */
import { dirname, join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { catalogue } from '../src/diagnosis/catalogue/index.ts';
import { anchorsOf, linksOf } from './support/markdown.ts';
import {
  FILES,
  foreignReferencesIn,
  resolvesTo,
  pathsIn,
  proseOf,
  textOf,
} from './support/references.ts';

const PAGES = FILES.filter((path) => /^(?:[^/]+|docs\/.+)\.md$/.test(path));
const SOURCES = FILES.filter((path) => /\.(?:md|mjs|ts|yml|toml|service)$/.test(path));
const PROSE = SOURCES.map((path) => [path, proseOf(path)] as const);

test.each(PAGES)('the links of %s lead somewhere', (page) => {
  expect(linksOf(textOf(page)).filter((target) => isDead(target, page))).toEqual([]);
});

function isDead(target: string, page: string): boolean {
  if (/^https?:/.test(target)) return false;
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? page : join(dirname(page), path);
  return !resolvesTo(anchor === undefined ? file : `${file}#${anchor}`);
}

test('pages and comments refer to what the repository has', () => {
  const dead = PROSE.flatMap(([path, prose]) =>
    pathsIn(prose)
      .filter((named) => !resolvesTo(named))
      .map((named) => `${path}: ${named}`),
  );

  expect(dead).toEqual([]);
});

test('pages and comments cite no document that the repository does not have', () => {
  const cited = PROSE.flatMap(([path, prose]) =>
    foreignReferencesIn(path, prose).map((words) => `${path}: ${words}`),
  );

  expect(cited).toEqual([]);
});

describe('a reference', () => {
  test.each([
    ['src/core/verdict.ts', true],
    ['src/core/no-such-file.ts', false],
    ['src/probes/<id>.ts', true],
    ['src/no-such-folder/<id>.ts', false],
    ['src/runner/log/*-fragments.ts', true],
    ['gitlab/fingerprint.ts', true],
    ['gitlab/no-such-file.ts', false],
    ['docs/glossary.md#glossary', true],
    ['docs/glossary.md#no-such-heading', false],
    ['src/no-such-folder', false],
  ])('to %s leads somewhere: %s', (path, isThere) => {
    expect(pathsIn(`See ${path}, which says why.`)).toEqual([path]);
    expect(resolvesTo(path)).toBe(isThere);
  });

  test('is found in comments, across their lines, and not in code', () => {
    // Made of pieces, so that it is no comment of this file.
    const slash = '/';
    const [open, close, line] = [`${slash}**`, `*${slash}`, `${slash}${slash}`];
    const code = [
      `import { a } from './src/code.ts';`,
      `${open} What (network`,
      ` * reference 2) says: src/comment.ts. ${close}`,
      `const b = 1; ${line} docs/line.md#heading`,
    ].join('\n');

    expect(pathsIn(proseOf('a.ts', code))).toEqual(['src/comment.ts', 'docs/line.md#heading']);
    expect(foreignReferencesIn('a.ts', proseOf('a.ts', code))).toContain('network reference');
  });

  test.each([
    'fault matrix 2.5',
    'contract, section 4',
    'of the contract',
    'section 3.4',
    'INC-006',
    'I-5',
    'X-07',
  ])('to "%s" is one to a document that is not here', (words) => {
    expect(foreignReferencesIn('src/a.ts', `As ${words} says.`)).not.toEqual([]);
  });

  test('to a standard, or to a row of the lab in the lab, is none of them', () => {
    expect(foreignReferencesIn('src/a.ts', 'RFC 6724, section 2.1; SHA-256; UTF-16')).toEqual([]);
    expect(foreignReferencesIn('lab/a.ts', '`-- D-03 X-07` runs some rows')).toEqual([]);
  });
});

test('the page that a report names for a cause has a heading for each cause', () => {
  const anchors = anchorsOf(textOf('docs/causes.md'));

  expect(catalogue.map(({ id }) => id).filter((id) => !anchors.has(id))).toEqual([]);
});

test('every page is reached from the readme by links', () => {
  const reached = new Set(['README.md']);
  // A set that grows while it is walked over is walked over to its end.
  for (const page of reached) {
    for (const target of linksOf(textOf(page))) {
      const path = join(dirname(page), target.split('#')[0] ?? '');
      if (PAGES.includes(path)) reached.add(path);
    }
  }

  expect(PAGES.filter((page) => !reached.has(page))).toEqual([]);
});
