/** The rows of docs/architecture.md hold: the test names the import that is wrong. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..');

/** Rooms by row, the lowest first: the table of docs/architecture.md. A file beside the folders is a room, too. */
const LAYERS: readonly (readonly string[])[] = tableRows('docs/architecture.md', 'row')
  .toReversed()
  .map(([, rooms = '']) => codesIn(rooms).map(roomOf));

/** Each vendor package has one home: the tables of docs/dependencies.md that name one. */
const VENDORS = new Map(
  tableRows('docs/dependencies.md', 'package | where').flatMap(([packages = '', home = '']) =>
    codesIn(packages).map((name) => [name, homeOf(home)] as const),
  ),
);

/** `src/server/credentials.ts` lies in `server`. */
function homeOf(cell: string): string {
  return roomOf((codesIn(cell)[0] ?? '').replace('src/', ''));
}

/** The cells of the rows of a table, by the title of its first column. */
function tableRows(page: string, firstColumn: string): readonly (readonly string[])[] {
  const lines = readFileSync(join(ROOT, page), 'utf8').split('\n');
  const start = lines.findIndex((line) => line.startsWith(`| ${firstColumn} |`));
  const rows = lines.slice(start + 2);
  return rows.slice(0, rows.indexOf('')).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

function codesIn(cell: string): readonly string[] {
  return [...cell.matchAll(/`(?<code>[^`]+)`/g)].map(({ groups }) => groups?.['code'] ?? '');
}

/** `server.ts` and `server/` are one room. */
function roomOf(name: string): string {
  return name === 'log.ts' || name === 'main.ts' ? name : name.replace(/(?:\.ts|\/.*)$/, '');
}

/** Sideways imports that the plan wants: the demo is a command with a stage of its own. */
const ALLOWED = new Set(['cli > demo']);

interface Import {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

function partOf(path: string): string {
  const [first = ''] = relative(join(ROOT, 'src'), path).split('/');
  return roomOf(first);
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
      .filter(({ from, to }) => VENDORS.get(to) !== from)
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

  expect(Object.keys(dependencies).toSorted()).toEqual([...VENDORS.keys()].toSorted());
  expect(Object.entries(all).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  expect(Object.keys(all).filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});

test('nothing but the demo and the tests knows the demo', () => {
  const users = IMPORTS.filter(({ to, from }) => to === 'demo' && from !== 'demo').map(
    ({ file }) => file,
  );

  expect(users.every((file) => file === 'src/cli/demo.ts')).toBe(true);
});

/** All that a file loads when it is loaded: its static imports, theirs, and so on. Types load nothing. */
function loadedBy(start: string, files = new Set<string>()): ReadonlySet<string> {
  if (files.has(start)) return files;
  files.add(start);
  if (!existsSync(start)) return files;
  const text = readFileSync(start, 'utf8');
  for (const { groups } of text.matchAll(
    /^(?:import|export) (?!type )[^;]*?from '(?<name>[^']+)'/gm,
  )) {
    const name = groups?.['name'] ?? '';
    loadedBy(name.startsWith('.') ? join(dirname(start), name) : name, files);
  }
  return files;
}

test.each([
  ['node-forge', ['cli/demo.ts']],
  ['systeminformation', ['host/picture-child.ts']],
  ['fastify', ['cli/serve.ts', 'cli/demo.ts']],
])('of the programs and commands %s is loaded by %j alone', (vendor, users) => {
  const entries = ['main.ts', 'host/picture-child.ts', 'lint/child.ts'].concat(
    FILES.map((file) => relative(join(ROOT, 'src'), file)).filter((name) =>
      name.startsWith('cli/'),
    ),
  );
  const loading = entries.filter((name) => loadedBy(join(ROOT, 'src', name)).has(vendor));

  expect(loading).toEqual(expect.arrayContaining(users));
  expect(loading.filter((name) => !users.includes(name))).toEqual([]);
});
