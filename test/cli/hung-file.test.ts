/** `check` and `serve` beside a file that hangs: it is reported, and both end. */
import { execFileSync } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { runProgram, startProgram } from '../support/program.ts';
import { inPatience } from '../support/until.ts';

const root = mkdtempSync(join(tmpdir(), 'runnerwatch-check-hung-'));
const FLAGS = [
  '--runner.config=/config.toml',
  `--path.rootfs=${root}`,
  `--path.procfs=${root}/proc`,
  `--state.directory=${root}`,
];

beforeAll(() => {
  for (const folder of ['etc', 'proc']) mkdirSync(join(root, folder));
  // The open of a pipe without a writer hangs as a file on a dead mount does.
  execFileSync('mkfifo', [join(root, 'etc/environment')]);
  writeFileSync(
    join(root, 'config.toml'),
    '[[runners]]\nname = "one"\nurl = "http://127.0.0.1:9/"\ntoken = "glrt-aaaaaaaaaaaaaaaaaaaa"\nexecutor = "shell"\n',
  );
});

afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

test('a file of the host that hangs is reported, and the other checks run', async () => {
  const { code, stdout } = await runProgram(['check', '--format=json', ...FLAGS]);

  expect(code).toBe(2);
  expect(stdout).toContain('took more than 5 s');
  expect(stdout).toContain('connect@http://127.0.0.1:9/');
});

test('SIGTERM ends serve while a file hangs', async () => {
  await using served = startProgram([
    'serve',
    `--web.listen-address=unix:${root}/web.sock`,
    ...FLAGS,
  ]);
  await served.until(/verdict changed/);
  served.kill('SIGTERM');
  expect((await served.ended).signal).toBeNull();
});

test('a reader that goes away ends check while a file hangs', async () => {
  await using program = startProgram(['check', ...FLAGS]);
  program.closeOutput();
  const { code, signal } = await inPatience(program.ended, () => 'it did not end');

  expect([code, signal]).toEqual([2, null]);
});
