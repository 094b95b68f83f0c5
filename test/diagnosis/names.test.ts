/** Rules ask for probes and reasons by name: each name that the source of a rule has is one that a probe declares. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { ALL_PROBES } from '../../src/cli/all-probes.ts';
import { COMMON_REASONS } from '../../src/core/finding.ts';

const FOLDER = join(import.meta.dirname, '../../src/diagnosis');
const SOURCES = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => [name, readFileSync(join(FOLDER, name), 'utf8')] as const);

const PROBE_IDS: ReadonlySet<string> = new Set(ALL_PROBES.map(({ id }) => id));
const REASONS: ReadonlySet<string> = new Set([
  ...Object.keys(COMMON_REASONS),
  ...ALL_PROBES.flatMap(({ reasons }) => Object.keys(reasons)),
]);

const OF_PROBES = /\bstatesOf\((?<asked>[^)]*)\)|\bprobe\.id [!=]== (?<compared>'[^']*')/g;
const OF_REASONS =
  /\bhasReason\((?<asked>[^)]*)\)|\breasonOf\([^)]*\) [!=]== (?<compared>'[^']*')/g;

/** The literals of each call and comparison, and those of a list that is spread into a call. */
function namesIn(source: string, uses: RegExp): readonly string[] {
  return [...source.matchAll(uses)].flatMap(({ groups }) => {
    const text = groups?.['asked'] ?? groups?.['compared'] ?? '';
    const lists = [...text.matchAll(/\.\.\.(?<name>[A-Z_]+)/g)].map((found) =>
      listNamed(found.groups?.['name'] ?? '', source),
    );
    return [text, ...lists].flatMap((part) => literalsIn(part));
  });
}

function listNamed(name: string, source: string): string {
  const list = new RegExp(`const ${name}\\b[^=]*= (?:new Set\\()?\\[(?<items>[^\\]]*)`).exec(
    source,
  );
  return list?.groups?.['items'] ?? '';
}

function literalsIn(text: string): readonly string[] {
  return [...text.matchAll(/'(?<name>[^']*)'/g)].map(({ groups }) => groups?.['name'] ?? '');
}

test.each([
  ['probe', OF_PROBES, PROBE_IDS],
  ['reason', OF_REASONS, REASONS],
] as const)('every %s that a rule names is declared', (_, uses, declared) => {
  const named = SOURCES.flatMap(([file, source]) =>
    namesIn(source, uses).map((name) => ({ file, name })),
  );

  expect(named.length).toBeGreaterThan(10);
  expect(named.filter(({ name }) => !declared.has(name))).toEqual([]);
});

test('a list that is spread into a call counts', () => {
  const source =
    "const GONE: readonly string[] = ['failed', 'lost'];\nhasReason(state, 'odd', ...GONE)";

  expect(namesIn(source, OF_REASONS)).toEqual(['odd', 'failed', 'lost']);
});
