/** A child is one for each key, killed at its deadline and never awaited beyond it, and says only so much. */
import { expect, test } from 'vitest';

import { boundedChild } from '../../src/host/child-process.ts';
import { setClock } from '../support/clock.ts';

const node = (script: string) => ({ program: process.execPath, args: ['-e', script] });
const SLEEP = { program: 'sleep', args: ['600'] };
const inTime = () => ({ signal: AbortSignal.timeout(20_000) });

test('output, complaint and code come back, and the input goes in', async () => {
  const script = 'process.stdin.pipe(process.stdout); console.error("no"); process.exitCode = 3';

  expect(await boundedChild().run('a', { ...node(script), input: 'yes' }, inTime())).toEqual({
    kind: 'ended',
    code: 3,
    stdout: 'yes',
    stderr: 'no\n',
  });
});

test('a child is given no environment but PATH, the language, the cache of compiled code and what it is to have', async () => {
  const script = 'console.log(Object.keys(process.env).toSorted().join())';
  const result = await boundedChild().run('a', { ...node(script), env: { OF: '1' } }, inTime());

  expect(result).toMatchObject({ stdout: 'LC_ALL,NODE_COMPILE_CACHE,OF,PATH\n' });
});

test('a program that is not there is a failure with its error', async () => {
  const children = boundedChild();

  expect(await children.run('a', { program: '/no/such', args: [] }, inTime())).toEqual({
    kind: 'failed',
    error: expect.objectContaining({ code: 'ENOENT' }),
  });
  expect(children.inFlight()).toBe(0);
});

test('a child that writes too much is killed', async () => {
  const endless = node('setInterval(() => console.log("x".repeat(1000)), 1)');

  expect(await boundedChild().run('a', { ...endless, maxOutputBytes: 5000 }, inTime())).toEqual({
    kind: 'failed',
    error: expect.objectContaining({
      message: `${process.execPath} wrote more than 5000 bytes`,
    }),
  });
});

test('a child that does not answer is hung at the deadline since it was asked, and is killed', async () => {
  const [children, clock] = [boundedChild(), setClock()];
  const since = clock.wall();
  const stop = new AbortController();
  const first = children.run('a', SLEEP, { clock, signal: stop.signal });
  clock.advance(30);
  stop.abort();

  expect(await first).toEqual({ kind: 'hung', since });
  await expect.poll(() => children.inFlight()).toBe(0);
  expect(await children.run('a', SLEEP, { clock, signal: AbortSignal.abort() })).toEqual({
    kind: 'hung',
    since,
  });
});

test('a second question of a key takes the answer of the first, and another key has its own', async () => {
  const children = boundedChild();
  const pid = node('console.log(process.pid)');
  const [first, second, other] = await Promise.all(
    ['a', 'a', 'b'].map(async (key) => await children.run(key, pid, inTime())),
  );

  expect(second).toEqual(first);
  expect(other).not.toEqual(first);
  expect(await children.run('a', pid, inTime())).not.toEqual(first);
});

test('who waits for the answer of another has a deadline of its own', async () => {
  const children = boundedChild();
  const [stop, soon] = [new AbortController(), new AbortController()];
  const first = children.run('a', SLEEP, { signal: stop.signal });
  const second = children.run('a', SLEEP, { signal: soon.signal });
  soon.abort();

  expect(await second).toMatchObject({ kind: 'hung' });
  expect(children.inFlight()).toBe(1);
  stop.abort();
  expect(await first).toMatchObject({ kind: 'hung' });
});
