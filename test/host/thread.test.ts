/** A worker thread is limited by what it computes, and not by how long this host lets it wait. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { DeadlineError } from '../../src/core/abort.ts';
import { runThread } from '../../src/host/child-process.ts';

const SECONDS = 0.5;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runnerwatch-thread-'));
});
afterAll(async () => await rm(folder, { recursive: true }));

async function runScript(script: string): Promise<unknown> {
  const file = join(folder, 'thread.mjs');
  await writeFile(file, `import { parentPort } from 'node:worker_threads';\n${script}\n`);
  return await runThread(pathToFileURL(file), undefined, SECONDS);
}

test('one that computes without an end is ended', async () => {
  await expect(runScript('for (;;);')).rejects.toThrow(DeadlineError);
});

test('one that waits for longer than its limit gives its message', async () => {
  const wait = `Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${SECONDS * 3000});`;

  expect(await runScript(`${wait} parentPort.postMessage('done');`)).toBe('done');
});

test('one that fails rejects with its error', async () => {
  await expect(runScript("throw new RangeError('broken');")).rejects.toThrow('broken');
});
