import { statfs } from 'node:fs/promises';

import { expect, test } from 'vitest';

import { FileSystemReader } from '../../../src/host/fs/stat-file-system.ts';
import { setClock } from '../../support/clock.ts';
import { rootFolder } from '../../support/dns-server.ts';
import { startFakeStat } from '../../support/fake-stat.ts';
import { patient } from '../../support/until.ts';

const clock = setClock();
const deps = { clock, signal: patient() };

test('the real stat says what statfs says: blocks for ordinary users', async () => {
  await using root = await rootFolder({});
  const { bavail, blocks, bsize, files, ffree } = await statfs(root.paths.rootfs);

  const answer = await new FileSystemReader().read('/', root.paths.rootfs, deps);

  expect(answer).toEqual({
    kind: 'size',
    size: {
      freeBytes: expect.any(Number),
      sizeBytes: blocks * bsize,
      freeInodes: expect.any(Number),
      inodes: files,
    },
  });
  // Others write to this file system meanwhile.
  const { freeBytes = 0, freeInodes = 0 } = answer.kind === 'size' ? answer.size : {};
  expect(freeBytes / (bavail * bsize)).toBeCloseTo(1, 0);
  expect(freeInodes / ffree).toBeCloseTo(1, 0);
});

test('one call is made, with the path as the last argument, without a shell', async () => {
  await using stat = await startFakeStat();
  await stat.setAnswer('10 100 4096 5 50');
  const reader = new FileSystemReader(stat.program);

  expect(await reader.read('/data', stat.folder, deps)).toEqual({
    kind: 'size',
    size: { freeBytes: 40_960, sizeBytes: 409_600, freeInodes: 5, inodes: 50 },
  });
  expect(await stat.calls()).toEqual([`-f -c %a %b %S %d %c -- ${stat.folder}`]);
});

test('a path may look like a flag or like a command', async () => {
  const reader = new FileSystemReader();

  expect(await reader.read('/', '/--help', deps)).toEqual({ kind: 'gone' });
  expect(await reader.read('/', '/$(reboot); `x`', deps)).toEqual({ kind: 'gone' });
});

test('a path below a file is an error with the message of the system', async () => {
  await using root = await rootFolder({ '/file': '' });

  expect(await new FileSystemReader().read('/', `${root.paths.rootfs}/file/x`, deps)).toEqual({
    kind: 'error',
    text: 'Not a directory',
  });
});

test.each([
  ['no numbers', 'stat printed an unexpected result'],
  ['1 2 3', 'stat printed an unexpected result'],
])('an answer %j cannot be read', async (line, text) => {
  await using stat = await startFakeStat();
  await stat.setAnswer(line);

  expect(await new FileSystemReader(stat.program).read('/', stat.folder, deps)).toEqual({
    kind: 'error',
    text,
  });
});

test('a program that is missing is an error, and the next question is asked', async () => {
  const reader = new FileSystemReader('/no/such/stat');
  const missing = { kind: 'error', text: 'spawn /no/such/stat ENOENT' };

  expect(await reader.read('/', '/', deps)).toEqual(missing);
  expect(await reader.read('/', '/', deps)).toEqual(missing);
  expect(reader.inFlight()).toBe(0);
});

test('a program that cannot even be tried leaves nothing in flight', async () => {
  const reader = new FileSystemReader('stat');
  const never = await reader.read('/', 'a\0b', deps);

  expect(never).toMatchObject({ kind: 'error', text: expect.stringContaining('null bytes') });
  expect(reader.inFlight()).toBe(0);
});

test('a program that is killed from outside is an error, not an empty sentence', async () => {
  await using stat = await startFakeStat('kill -9 $$');

  expect(await new FileSystemReader(stat.program).read('/', stat.folder, deps)).toEqual({
    kind: 'error',
    text: 'stat did not return',
  });
});

test('one that does not answer is hung at the deadline, and is killed', async () => {
  await using stat = await startFakeStat('exec sleep 600');
  const reader = new FileSystemReader(stat.program);
  const since = clock.wall();

  const answer = await reader.read('/nfs', stat.folder, {
    clock,
    signal: AbortSignal.timeout(200),
  });

  expect(answer).toEqual({ kind: 'hung', since });
  await expect.poll(() => reader.inFlight()).toBe(0);
});

test('it is hung since the first question without an answer, until there is one', async () => {
  await using stat = await startFakeStat('test -e "$5/answer" || exec sleep 600\ncat "$5/answer"');
  const reader = new FileSystemReader(stat.program);
  const moving = setClock();
  const since = moving.wall();
  const ask = async (milliseconds: number) => {
    const answer = await reader.read('/nfs', stat.folder, {
      clock: moving,
      signal: AbortSignal.timeout(milliseconds),
    });
    await expect.poll(() => reader.inFlight()).toBe(0);
    moving.advance(30);
    return answer;
  };

  expect(await ask(200)).toEqual({ kind: 'hung', since });
  expect(await ask(200)).toEqual({ kind: 'hung', since });
  await stat.setAnswer('1 2 3 4 5');
  expect(await ask(20_000)).toMatchObject({ kind: 'size' });
  await stat.forgets();
  expect(await ask(200)).toEqual({ kind: 'hung', since: since + 90_000 });
});

test('a mount that is silent leaves the others alone', async () => {
  await using stat = await startFakeStat('test -e "$5/answer" || exec sleep 600\ncat "$5/answer"');
  await using other = await startFakeStat();
  await other.setAnswer('1 2 3 4 5');
  const reader = new FileSystemReader(stat.program);
  const controller = new AbortController();
  const silent = reader.read('/nfs', stat.folder, { clock, signal: controller.signal });

  expect(await reader.read('/data', other.folder, deps)).toMatchObject({ kind: 'size' });
  expect(reader.inFlight()).toBe(1);
  const aside = { clock, signal: AbortSignal.timeout(200) };
  expect(await reader.read('/nfs', stat.folder, aside)).toMatchObject({ kind: 'hung' });
  await expect.poll(async () => (await stat.calls()).length).toBe(2);

  controller.abort();
  expect(await silent).toMatchObject({ kind: 'hung' });
});
