/** The layers are a table; the test prints which import is wrong. docs/architecture.md shows the same picture. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..');

/** From the lowest row to the highest. A file imports from its own part or from a lower row. */
const LAYERS: readonly (readonly string[])[] = [
  ['core'],
  ['host', 'log.ts'],
  ['go', 'gitlab', 'runner'],
  ['config'],
  ['checks', 'discovery', 'probes', 'follow-ups', 'diagnosis', 'metrics', 'report'],
  ['recorder', 'lint', 'server'],
  ['daemon'],
  ['cli', 'demo'],
  ['main.ts'],
];

/** Files beside the folders that make up one part. */
const PARTS: Readonly<Record<string, string>> = {
  'daemon.ts': 'daemon',
  'server.ts': 'server',
};

/** Each vendor package has one home. */
const VENDORS: Readonly<Record<string, string>> = {
  fastify: 'server',
  bcryptjs: 'server',
  yaml: 'server',
  'prom-client': 'metrics',
  '@iarna/toml': 'config',
  'toml-eslint-parser': 'config',
  systeminformation: 'host',
  pino: 'log.ts',
  'node-forge': 'demo',
};

/** Sideways imports that the plan wants: the demo is a command with a stage of its own. */
const ALLOWED = new Set(['cli > demo']);

interface Import {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

function partOf(path: string): string {
  const [first = ''] = relative(join(ROOT, 'src'), path).split('/');
  return PARTS[first] ?? first;
}

function importsOf(file: string): readonly string[] {
  const text = readFileSync(file, 'utf8');
  return [
    ...text.matchAll(
      /^(?:import|export)\s[^;]*?from\s'(?<name>[^']+)'|^import\s'(?<bare>[^']+)'|\bimport\('(?<lazy>[^']+)'\)/gm,
    ),
  ].map(({ groups }) => groups?.['name'] ?? groups?.['bare'] ?? groups?.['lazy'] ?? '');
}

const FILES = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => join(ROOT, 'src', name));

const IMPORTS: readonly Import[] = FILES.flatMap((file) =>
  importsOf(file).map((name) => ({
    file: relative(ROOT, file),
    from: partOf(file),
    to: name.startsWith('.') ? partOf(join(dirname(file), name)) : name,
  })),
);

const rowOf = (part: string): number => LAYERS.findIndex((row) => row.includes(part));

test('every file of src belongs to a layer', () => {
  expect(
    FILES.filter((file) => rowOf(partOf(file)) === -1).map((file) => relative(ROOT, file)),
  ).toEqual([]);
});

test('a file imports from its own part or a lower row, never sideways, never up', () => {
  const wrong = IMPORTS.filter(({ from, to }) => {
    if (rowOf(to) === -1 || from === to || ALLOWED.has(`${from} > ${to}`)) return false;
    return rowOf(to) >= rowOf(from);
  });

  expect(wrong.map(({ file, to }) => `${file} imports ${to}`)).toEqual([]);
});

test('every vendor package is imported in its one home, and every import is of a known one', () => {
  const vendors = IMPORTS.filter(({ to }) => rowOf(to) === -1 && !to.startsWith('node:'));

  expect(
    vendors
      .filter(({ from, to }) => VENDORS[to] !== from)
      .map(({ file, to }) => `${file} imports ${to}`),
  ).toEqual([]);
});

test('every dependency is pinned, used and explained in docs/dependencies.md', () => {
  const { dependencies, devDependencies } = JSON.parse(
    readFileSync(join(ROOT, 'package.json'), 'utf8'),
  ) as {
    dependencies: Record<string, string>;
    devDependencies: Record<string, string>;
  };
  const page = readFileSync(join(ROOT, 'docs/dependencies.md'), 'utf8');
  const all = { ...dependencies, ...devDependencies };

  expect(Object.keys(dependencies).toSorted()).toEqual(Object.keys(VENDORS).toSorted());
  expect(Object.entries(all).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  expect(Object.keys(all).filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});

test('nothing but the demo and the tests knows the demo', () => {
  const users = IMPORTS.filter(({ to, from }) => to === 'demo' && from !== 'demo').map(
    ({ file }) => file,
  );

  expect(users.every((file) => file === 'src/cli/demo.ts')).toBe(true);
});
