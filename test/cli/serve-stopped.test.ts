/** The real program, stopped by a signal for longer than its results are valid, then resumed. */
import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

import { expect, test } from 'vitest';

import { sendRequest } from '../support/http-client.ts';
import { programStage } from '../support/program-stage.ts';
import { startProgram } from '../support/program.ts';

/** With a run each three seconds and deadlines of five, everything would be stale after fourteen. */
const INTERVAL = 'interval_seconds = 3';
const STOPPED_MILLISECONDS = 15_500;

test('a suspended program keeps its results after it resumes, and logs the pause', async () => {
  await using scene = await programStage();
  const settings = await readFile(scene.settingsFile, 'utf8');
  await writeFile(scene.settingsFile, settings.replaceAll('interval_seconds = 1', INTERVAL));
  await using program = startProgram([
    'serve',
    ...scene.flags,
    '--web.listen-address=127.0.0.1:0',
    '--log.level=debug',
  ]);
  const [, address = ''] = await program.until(/(http:\/\/127\.0\.0\.1:\d+)/);
  await program.until(/msg="verdict changed".* to=healthy/);
  const before = program.stderr().length;

  program.kill('SIGSTOP');
  await delay(STOPPED_MILLISECONDS);
  program.kill('SIGCONT');
  await program.until(/msg="the process was suspended" seconds=\d+/);
  const { text } = await sendRequest(`${address}/api/v1/report`);

  expect(text).not.toContain('"stale"');
  expect(program.stderr().slice(before)).not.toMatch(/verdict changed|cause appeared/);
});
