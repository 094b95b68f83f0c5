/** From the runner's own lines to a named cause, through the whole daemon, on the stage of the demo. */
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import type { View } from '../../src/core/view.ts';
import type { DemoHost } from '../../src/demo/demo-host.ts';
import { buildDemoHost } from '../../src/demo/demo-host.ts';
import { inColours } from '../support/runner-lines.ts';
import type { DemoHostDaemon } from '../support/demo-host-daemon.ts';
import { startDemoHostDaemon } from '../support/demo-host-daemon.ts';

/** The stand-in runner of the stage logs here. */
const LOG = '/gitlab-runner.log';

let stage: DemoHost;
let watching: DemoHostDaemon;

beforeAll(async () => {
  stage = await buildDemoHost();
  watching = await startDemoHostDaemon(stage, { runnerLogFile: LOG });
  await watching.until(({ diagnosis }) => diagnosis.verdict === 'healthy', 'health');
});

afterAll(async () => {
  await watching[Symbol.asyncDispose]();
  await stage[Symbol.asyncDispose]();
});

function has(id: string): (view: View) => boolean {
  return ({ diagnosis }) => diagnosis.causes.some((cause) => cause.id === id);
}

function lockoutOf({ snapshot }: View): unknown {
  const log = snapshot.checks.find(({ check }) => check.probe.id === 'runner-log');
  return log?.finding.events?.find(({ kind }) => kind === 'disabled')?.facts['until_milliseconds'];
}

test('an entry that refusals switched off is named when nothing refuses it, until a restart', async () => {
  const [entry] = stage.entries;
  if (entry === undefined) throw new Error('the stage has no entry');
  stage.gitlab.tokens.delete(entry.token);
  // Three polls of the stand-in are refused.
  const off = await watching.until((view) => lockoutOf(view) !== undefined, 'the penalty');
  expect(has('runner-disabled-unhealthy')(off)).toBe(false);
  stage.gitlab.tokens.add(entry.token);
  const { diagnosis, self } = await watching.until(has('runner-disabled-unhealthy'), 'the cause');

  expect(diagnosis.causes[0]).toMatchObject({
    id: 'runner-disabled-unhealthy',
    scope: { runners: [entry.shortToken] },
    evidence: [
      { text: expect.stringContaining('is unhealthy and will be disabled for 1h0m0s') },
      {},
    ],
  });
  expect(self.logEvents.find(({ cause }) => cause === 'token-rejected')?.count).toBe(3);

  await stage.runner.restart();
  await watching.until(({ diagnosis: after }) => after.verdict === 'healthy', 'health again');
});

test('output of a job in the log is no fault of the runner', async () => {
  const args = [
    'x509: certificate signed by unknown authority',
    'WARNING: write /builds/x: no space left on device',
    'error: 403 Forbidden',
  ];
  await appendFile(join(stage.rootfs, LOG), args.map((line) => `${line}\n`).join(''));
  const count = args.length;
  await appendFile(
    join(stage.rootfs, LOG),
    `${inColours({ level: 'info', message: 'Configuration loaded' })}\n`,
  );
  const { diagnosis } = await watching.until(
    ({ snapshot }) =>
      snapshot.checks.some(
        ({ check, finding }) =>
          check.probe.id === 'runner-log' && (finding.measures?.['lines'] ?? 0) > count,
      ),
    'the lines',
  );

  expect(diagnosis.causes).toEqual([]);
});
