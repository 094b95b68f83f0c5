/** The demo host for the program as a child: its GitLab, its root folder, and the flags that point to them. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { DemoHost } from '../../src/demo/demo-host.ts';
import { buildDemoHost, DEMO_CONFIG } from '../../src/demo/demo-host.ts';

/** They measure the machine that runs the tests, which may be busy. */
export const QUIET_HOST = ['disk', 'cpu', 'memory']
  .map((id) => `[probes.${id}]\nenabled = false\n`)
  .join('');

/** Nothing of the stage is slow; a machine that is busy with something else may be. */
const PATIENT: Readonly<Record<string, string>> = {
  dns: 'slow_seconds = 60\n',
  http: 'slow_seconds = 60\n',
};

/** Short intervals and a large budget, as the demo has them. */
const QUICK = `[gitlab]
requests_per_hour = 1800
${['dns', 'connect', 'proxy', 'tls', 'http', 'api', 'token', 'config', 'service']
  .map((id) => `[probes.${id}]\ninterval_seconds = 1\n${PATIENT[id] ?? ''}`)
  .join('')}${QUIET_HOST}`;

export interface ProgramStage extends AsyncDisposable {
  readonly stage: DemoHost;
  /** A folder for what a test writes. */
  readonly folder: string;
  readonly settingsFile: string;
  /** Of `check` and `serve`; the listener takes any free port. */
  readonly flags: readonly string[];
}

export async function programStage(): Promise<ProgramStage> {
  const stage = await buildDemoHost();
  const folder = await mkdtemp(join(tmpdir(), 'runnerwatch-program-'));
  const settingsFile = join(folder, 'runnerwatch.toml');
  await writeFile(settingsFile, QUICK);
  return {
    stage,
    folder,
    settingsFile,
    flags: [
      `--path.rootfs=${stage.rootfs}`,
      `--path.procfs=${stage.procfs}`,
      `--runner.config=${DEMO_CONFIG}`,
      `--config.file=${settingsFile}`,
      `--state.directory=${join(folder, 'state')}`,
    ],
    [Symbol.asyncDispose]: async () => {
      await stage[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
