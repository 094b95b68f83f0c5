/** `check` and `serve` beside a file that hangs: it is told, and both end. */
import { execFileSync } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { runProgram, startProgram } from '../support/program.ts';

test('a file of the host that hangs is told, the rest is looked at, and both programs end', async () => {
  const root = mkdtempSync(join(tmpdir(), 'runnerwatch-check-hung-'));
  try {
    for (const folder of ['etc', 'proc']) mkdirSync(join(root, folder));
    // The open of a pipe without a writer hangs as a file on a dead mount does.
    execFileSync('mkfifo', [join(root, 'etc/environment')]);
    writeFileSync(
      join(root, 'config.toml'),
      '[[runners]]\nname = "one"\nurl = "http://127.0.0.1:9/"\ntoken = "glrt-aaaaaaaaaaaaaaaaaaaa"\nexecutor = "shell"\n',
    );
    const words = [
      `--path.rootfs=${root}`,
      `--path.procfs=${root}/proc`,
      `--state.directory=${root}`,
    ];
    const { code, stdout } = await runProgram([
      'check',
      '--format=json',
      '--runner.config=/config.toml',
      ...words,
    ]);

    expect(code).toBe(2);
    expect(stdout).toContain('took more than 2 s');
    expect(stdout).toContain('connect@http://127.0.0.1:9/');

    await using served = startProgram([
      'serve',
      '--runner.config=/config.toml',
      `--web.listen-address=unix:${root}/web.sock`,
      ...words,
    ]);
    await served.until(/verdict changed/);
    served.kill('SIGTERM');
    expect((await served.ended).signal).toBeNull();
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});
