/** config.toml as it is found on disk: missing, half written, broken, mended, replaced. Real files. */
import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, test, vi } from 'vitest';

import { fileProblem } from '../../src/config/runner/file-problems.ts';
import { RunnerFile } from '../../src/discovery/config-file.ts';
import { MAX_TOML_BYTES } from '../../src/config/runner/runner-toml.ts';
import { HOST_PATHS } from '../../src/core/paths.ts';
import { setClock, START } from '../support/clock.ts';

const GOOD = '[[runners]]\nname = "a"\nurl = "https://gitlab.test/"\ntoken = "glrt-canary"\n';

async function folder() {
  const path = await mkdtemp(join(tmpdir(), 'runner-file-'));
  const config = join(path, 'config.toml');
  const file = new RunnerFile(setClock());
  return {
    path,
    config,
    write: async (text: string) => await writeFile(config, text),
    read: async () => await file.read({ path: config, foundBy: 'flag' }, HOST_PATHS),
    [Symbol.asyncDispose]: async () => await rm(path, { recursive: true }),
  };
}

test('a good file gives reading and document', async () => {
  await using here = await folder();
  await here.write(GOOD);
  await utimes(here.config, 1_700_000_000, 1_700_000_000);

  const state = await here.read();

  expect(state.reading).toEqual({
    path: here.config,
    foundBy: 'flag',
    readAt: START,
    modifiedAt: 1_700_000_000_000,
    problems: [],
    runnerCount: 1,
    concurrent: 1,
  });
  expect(state.document?.runners.map(({ name }) => name)).toEqual(['a']);
  expect(state.changed).toBe(true);
});

describe('the last good document stays while the file is', () => {
  test.each([
    ['empty', 'empty', async (path: string) => await writeFile(path, '')],
    ['only comments', 'empty', async (path: string) => await writeFile(path, '# nothing\n')],
    [
      'half written',
      'syntax-error',
      async (path: string) => await writeFile(path, GOOD.slice(0, 20)),
    ],
    [
      'of wrong types',
      'type-error',
      async (path: string) => await writeFile(path, 'concurrent = "4"'),
    ],
    [
      'too large',
      'too-large',
      async (path: string) => await writeFile(path, `#${'x'.repeat(MAX_TOML_BYTES)}`),
    ],
    ['missing', 'missing', async (path: string) => await rm(path)],
    [
      'a directory',
      'not-a-file',
      async (path: string) => {
        await rm(path);
        await mkdir(path);
      },
    ],
    [
      'a link to itself',
      'not-a-file',
      async (path: string) => {
        await rm(path);
        await symlink(path, path);
      },
    ],
    [
      'a device',
      'not-a-file',
      async (path: string) => {
        await rm(path);
        await symlink('/dev/zero', path);
      },
    ],
  ])('%s', async (_, code, spoil) => {
    await using here = await folder();
    await here.write(GOOD);
    await here.read();

    await spoil(here.config);
    const { reading, document, changed } = await here.read();

    expect(reading.problems.map((problem) => problem.code)).toEqual([code]);
    expect(reading.problems[0]?.fix).not.toBe('');
    expect(reading.runnerCount).toBeUndefined();
    expect(document?.runners).toHaveLength(1);
    expect(changed).toBe(true);
    expect(JSON.stringify(reading)).not.toContain('canary');
  });
});

test('the problem clears at the next read of the mended file', async () => {
  await using here = await folder();
  await here.write(GOOD.slice(0, 20));
  const broken = await here.read();
  await here.write(GOOD + GOOD);

  const mended = await here.read();

  expect(broken.document).toBeUndefined();
  expect(mended).toMatchObject({ reading: { problems: [], runnerCount: 2 }, changed: true });
});

test('a file that stays as it is has not changed, and a touched one has', async () => {
  await using here = await folder();
  await here.write(GOOD);
  await here.read();

  expect((await here.read()).changed).toBe(false);
  await utimes(here.config, 1, 1);
  expect((await here.read()).changed).toBe(true);
});

test('content of the same size and time is noticed', async () => {
  await using here = await folder();
  await here.write(GOOD);
  await utimes(here.config, 1, 1);
  await here.read();
  await here.write(GOOD.replace('"a"', '"b"'));
  await utimes(here.config, 1, 1);

  expect(await here.read()).toMatchObject({
    changed: true,
    document: { runners: [{ name: 'b' }] },
  });
});

test('a file is read again only after it was written', async () => {
  vi.useFakeTimers({ now: Date.now() + 10_000, toFake: ['Date'] });
  await using here = await folder();
  await here.write(GOOD);
  const first = await here.read();
  const second = await here.read();
  await here.write(GOOD.replace('"a"', '"b"'));
  const third = await here.read();
  vi.useRealTimers();

  expect(second.content?.bytes).toBe(first.content?.bytes);
  expect(third).toMatchObject({ changed: true, document: { runners: [{ name: 'b' }] } });
});

test('the document of another path is not kept', async () => {
  await using here = await folder();
  await here.write(GOOD);
  const file = new RunnerFile(setClock());
  await file.read({ path: here.config, foundBy: 'flag' }, HOST_PATHS);

  const other = await file.read({ path: join(here.path, 'no.toml'), foundBy: 'flag' }, HOST_PATHS);

  expect(other.document).toBeUndefined();
  expect(other.reading.problems.map(({ code }) => code)).toEqual(['missing']);
});

test('reads that overlap give the same', async () => {
  await using here = await folder();
  await here.write(GOOD);

  const states = await Promise.all([here.read(), here.read(), here.read()]);

  expect(states.map(({ reading }) => reading.runnerCount)).toEqual([1, 1, 1]);
});

test.each([
  ['s_0123456789ab\n', 's_0123456789ab'],
  ['r_AbCdEfGhIjKl', 'r_AbCdEfGhIjKl'],
  ['s_short', undefined],
  ['', undefined],
])('the system id of %j is %s', async (text, expected) => {
  await using here = await folder();
  await here.write(GOOD);
  await writeFile(join(here.path, '.runner_system_id'), text);

  expect((await here.read()).systemId).toBe(expected);
});

test('a root other than / is read, and the path stays the runner’s', async () => {
  await using here = await folder();
  await mkdir(join(here.path, 'etc'));
  await writeFile(join(here.path, 'etc/config.toml'), GOOD);
  const file = new RunnerFile(setClock());
  const paths = { ...HOST_PATHS, rootfs: here.path };

  const { reading } = await file.read({ path: '/etc/config.toml', foundBy: 'default' }, paths);

  expect(reading).toMatchObject({ path: '/etc/config.toml', problems: [], runnerCount: 1 });
});

const errorWith = (code: string) => Object.assign(new Error(code), { code });

test('missing rights are distinguished from what fails for every user', () => {
  expect(
    ['EACCES', 'EPERM', 'EIO', 'ENOENT', 'EISDIR', 'ELOOP', 'ENOTDIR'].map(
      (code) => fileProblem('/c', errorWith(code), code).code,
    ),
  ).toEqual([
    'unreadable',
    'unreadable',
    'unreadable',
    'missing',
    'not-a-file',
    'not-a-file',
    'not-a-file',
  ]);
});
