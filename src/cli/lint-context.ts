/**
 * What is known beside the text of a file that is to be judged? Everything, when a runner of this host uses it;
 * nothing, when it is any other file.
 */
import { realpath } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

import { systemClock } from '../core/clock.ts';
import { HOST_PATHS } from '../core/paths.ts';
import type { LintReport } from '../core/lint.ts';
import { readUnitEnvironment } from '../host/net/proxy-settings.ts';
import { findRunnerProcesses } from '../host/proc/runner-process.ts';
import { hostContext } from '../lint/host-context.ts';
import type { Prepared } from '../lint/lint.ts';
import { reportOf } from '../lint/lint.ts';
import { reportWithFiles } from '../lint/file-reader.ts';

const UNIT = 'gitlab-runner.service';

/** Judges a file; `path` is absent for standard input. */
export async function reportFor(prepared: Prepared, path: string | undefined): Promise<LintReport> {
  const place = path === undefined ? undefined : await realpath(path).catch(() => undefined);
  if (place === undefined) return reportOf(prepared, { now: systemClock.wall() });
  const processes = await findRunnerProcesses(HOST_PATHS);
  const places = await Promise.all(
    processes.map(async ({ configPath }) => await realpath(configPath).catch(() => configPath)),
  );
  const runner = processes.find((_, index) => places[index] === place);
  if (runner === undefined && !(await isDefault(place))) {
    return reportOf(prepared, { now: systemClock.wall() });
  }
  const unitEnvironment =
    runner === undefined ? await readUnitEnvironment(UNIT, HOST_PATHS) : undefined;
  const question = { configPath: place, process: runner, unitEnvironment };
  const context = await hostContext(question, HOST_PATHS, systemClock);
  return await reportWithFiles(prepared, context, HOST_PATHS);
}

/** A place where a runner of this host would look. */
async function isDefault(place: string): Promise<boolean> {
  const usual = ['/etc/gitlab-runner/config.toml', join(homedir(), '.gitlab-runner/config.toml')];
  const found = await Promise.all(
    usual.map(async (path) => await realpath(path).catch(() => path)),
  );
  return found.includes(place);
}
