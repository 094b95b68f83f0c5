/** A large config.toml is parsed in a thread, and comes out as a small one does. */
import { expect, test } from 'vitest';

import { parseInWorker } from '../../../src/config/runner/parse-in-worker.ts';
import { readRunnerText } from '../../../src/config/runner/runner-config.ts';
import { Secret } from '../../../src/core/secret.ts';
import { manyEntries } from '../../support/many-entries.ts';

const FILE = '/etc/gitlab-runner/config.toml';

test.each([
  ['small', 3],
  ['large', 500],
])('a %s file gives what reading it at once gives', async (_name, count) => {
  const bytes = Buffer.from(manyEntries(count));

  const apart = await parseInWorker(bytes, FILE);

  expect(apart).toEqual(readRunnerText(bytes, FILE));
  expect(apart.document?.runners).toHaveLength(count);
});

test('secrets stay secrets when the thread returns them', async () => {
  const { document } = await parseInWorker(Buffer.from(manyEntries(500)), FILE);
  const [entry] = document?.runners ?? [];

  expect(entry?.token).toBeInstanceOf(Secret);
  expect(entry?.token.reveal()).toBe('glrt-t1_000000000CANARYcanary');
  expect(entry?.proxyLines[0]?.value.reveal()).toBe('http://me:CANARYcanary@proxy:3128');
  expect(JSON.stringify(document)).not.toContain('CANARY');
});

test('mistakes of a large file have their places', async () => {
  const text = `${manyEntries(500)}limit = "4"\n[[runners]]\n  limit = "4"\n`;
  const line = text.split('\n').length - 1;

  const { document, problems } = await parseInWorker(Buffer.from(text), FILE);

  expect(document).toBeUndefined();
  expect(problems.map((problem) => [problem.code, problem.line])).toEqual([['type-error', line]]);
});
