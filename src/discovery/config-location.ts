/**
 * Where is config.toml (docs/reference/runner-config.md#where-the-file-is)? Our flag says it, otherwise what the running
 * process was started with, otherwise the default of the user.
 */
import { join, resolve } from 'node:path';

import type { FoundBy, RunnerProcess } from '../core/reading.ts';
import { asProcessSees, runnerDirectory } from '../host/place/runner-files.ts';

export interface LocatedConfig {
  /** Absolute, as the runner sees it. */
  readonly path: string;
  readonly foundBy: FoundBy;
}

export interface LocateQuestion {
  /** `--runner.config`. */
  readonly flag?: string;
  readonly process: RunnerProcess | undefined;
  /** User and home of this daemon: used while no process runs. */
  readonly uid: number;
  readonly home: string;
}

/** The config.toml to read, and how it was found. */
export function locateConfig({ flag, process, uid, home }: LocateQuestion): LocatedConfig {
  if (flag !== undefined) return { path: resolve(flag), foundBy: 'flag' };
  if (process !== undefined) {
    return { path: asProcessSees(process.configPath, process), foundBy: process.configFoundBy };
  }
  return { path: join(runnerDirectory(uid, home), 'config.toml'), foundBy: 'default' };
}
