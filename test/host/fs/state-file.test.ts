import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { readState, writeState } from '../../../src/host/fs/state-file.ts';

async function folder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'runnerwatch-state-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

test('what was written is read, from a folder that is made for it, and no other user may read it', async () => {
  await using own = await folder();
  const directory = join(own.path, 'var/lib');

  expect(await writeState(directory, { a: [1, 'x'] })).toBeUndefined();
  expect(await readState(directory)).toEqual({ a: [1, 'x'] });
  expect((await stat(join(directory, 'state.json'))).mode & 0o007).toBe(0);
});

test('it is replaced as a whole, and nothing unfinished is left', async () => {
  await using own = await folder();
  await writeState(own.path, { long: 'x'.repeat(10_000) });
  await writeState(own.path, 1);

  expect(await readFile(join(own.path, 'state.json'), 'utf8')).toBe('1');
  expect(await readdir(own.path)).toEqual(['state.json']);
});

test('two writers at once leave one whole file', async () => {
  await using own = await folder();
  const texts = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(100_000));
  await Promise.all(texts.map((text) => writeState(own.path, text)));

  expect(texts).toContain(await readState(own.path));
});

test.each([
  ['is missing', undefined],
  ['is cut short', '{"a": 1'],
  ['is empty', ''],
])('a state that %s is none', async (_name, text) => {
  await using own = await folder();
  if (text !== undefined) await writeFile(join(own.path, 'state.json'), text);

  expect(await readState(own.path)).toBeUndefined();
});

test('a folder that cannot be made is a sentence, not an exception', async () => {
  await using own = await folder();
  await writeFile(join(own.path, 'file'), '');
  const directory = join(own.path, 'file/state');

  expect(await writeState(directory, {})).toBe(`${directory}/state.json: ENOTDIR`);
  expect(await readState(directory)).toBeUndefined();
});
