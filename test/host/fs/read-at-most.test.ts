/** Files that do not end, or say nothing of their size. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { readAtMost, readAtOnce } from '../../../src/host/fs/read-at-most.ts';

test('a file without an end is read up to the limit, and one that says 0 bytes as a whole', async () => {
  expect(await readAtMost('/dev/zero', 100_000)).toHaveLength(100_000);
  expect((await readAtMost('/proc/self/status', 100_000)).toString()).toMatch(/^Name:.*\n$/s);
  expect(await readAtMost('/dev/null', 100_000)).toHaveLength(0);
});

test('a pipe that nobody writes to is not waited for', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'runnerwatch-read-'));
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  try {
    expect(await readAtOnce(pipe, 100)).toHaveLength(0);
  } finally {
    await rm(folder, { recursive: true });
  }
});
