/** Programs are started by name and arguments: nothing that runs on a schedule goes through a shell. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

const SRC = join(import.meta.dirname, '../src');
const STARTS_BY_WORDS: readonly string[] = ['spawn', 'execFile'];

interface Starter {
  readonly file: string;
  readonly text: string;
  readonly imported: readonly string[];
}

/** Files that start programs, with the functions that they do it by; types start nothing. */
const STARTERS: readonly Starter[] = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .flatMap((file) => {
    const text = readFileSync(join(SRC, file), 'utf8');
    const names = /^import \{(?<names>[^}]+)\} from 'node:child_process'/m.exec(text)?.groups;
    if (!/^import (?!type ).*'node:child_process'/m.test(text)) return [];
    const imported = names?.['names']?.split(',').map((name) => name.trim()) ?? ['*'];
    return [{ file, text, imported }];
  });

test('programs are started by functions that take arguments', () => {
  const wrong = STARTERS.flatMap(({ file, imported }) =>
    imported.filter((name) => !STARTS_BY_WORDS.includes(name)).map((name) => `${file}: ${name}`),
  );

  expect(wrong).toEqual([]);
});

test('every query to the host uses the one child with a deadline', () => {
  expect(STARTERS.map(({ file }) => file).toSorted()).toEqual([
    'demo/runner-process.ts',
    'host/child-process.ts',
    'runner/log/journal-reader.ts',
  ]);
});

test('none of them asks for a shell, or is one', () => {
  const shells = STARTERS.filter(({ text }) => /\bshell:|['"/](?:ba|da)?sh['"]/.test(text));

  expect(shells.map(({ file }) => file)).toEqual([]);
});
