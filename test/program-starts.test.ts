/** No test and no row of the lab starts the program on this machine's own files, state, settings or ports. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { COMMANDS } from '../src/cli/command-table.ts';
import { onOwnHost } from './support/program-arguments.ts';

const ROOT = join(import.meta.dirname, '..');
/** The two places that know where the program lies. */
const STARTERS = ['lab/daemon.ts', 'test/support/program-arguments.ts'];
/** Where each leads to this machine by default. */
const LEADS_HERE = [
  'path.rootfs',
  'path.procfs',
  'state.directory',
  'config.file',
  'web.listen-address',
];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'runnerwatch-starts-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

test('only two places start it', () => {
  const sources = ['test', 'lab'].flatMap((name) =>
    readdirSync(join(ROOT, name), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => join(name, file)),
  );
  const starters = sources.filter((file) =>
    /(?:src|dist)\/main\.[jt]s|\.\/deploy\/runnerwatch'/.test(
      readFileSync(join(ROOT, file), 'utf8'),
    ),
  );

  expect(starters.toSorted()).toEqual(STARTERS);
});

const leadsOf = (name: string): readonly string[] => {
  const { flags } = COMMANDS[name === '' ? 'serve' : (name as keyof typeof COMMANDS)];
  return LEADS_HERE.filter((flag) => Object.hasOwn(flags, flag));
};

test.each([...Object.keys(COMMANDS), ''].filter((name) => leadsOf(name).length > 0))(
  'the arguments of "%s" lead to a folder of the test or a free port',
  (name) => {
    const args = onOwnHost(name === '' ? [] : [name], folder);
    const values = leadsOf(name).map((flag) =>
      args.filter((word) => word.startsWith(`--${flag}=`)),
    );

    for (const word of values)
      expect(word).toEqual([
        expect.toSatisfy(
          (one) => one === '--web.listen-address=127.0.0.1:0' || one.includes(`=${folder}/`),
        ),
      ]);
  },
);

test('what a test says is not said again', () => {
  const args = ['check', '--state.directory=/a', '--config.file', '/b'];

  expect(onOwnHost(args, folder)).toEqual([
    'check',
    expect.stringMatching(/^--path\.rootfs=/),
    expect.stringMatching(/^--path\.procfs=/),
    '--web.listen-address=127.0.0.1:0',
    ...args.slice(1),
  ]);
});

test('the lab passes daemon and check the paths of their state and their settings', () => {
  const source = readFileSync(join(ROOT, 'lab/daemon.ts'), 'utf8');

  expect(source.match(/`--state\.directory=\$\{/g)).toHaveLength(2);
  expect(source.match(/\.\.\.sharedFlags\(/g)).toHaveLength(2);
});
