/**
 * Where are the runner's files (docs/reference/runner-config.md#where-the-file-is)?
 *
 * config.toml: our flag, otherwise what the running process was started with, otherwise the default of the user.
 * The certs directory depends on the user of the process, never on the path of config.toml.
 */
import { dirname, isAbsolute, join, resolve } from 'node:path';

import type { FoundBy, RunnerProcess } from '../core/reading.ts';
import {
  PACKAGED_WORKING_DIRECTORY,
  SYSTEM_DIRECTORY,
  USER_DIRECTORY,
} from '../host/place/runner-files.ts';

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
  const directory = uid === 0 ? SYSTEM_DIRECTORY : join(home, USER_DIRECTORY);
  return { path: join(directory, 'config.toml'), foundBy: 'default' };
}

/** The absolute form of a path that the process resolves against its working directory. */
export function asProcessSees(path: string, process: RunnerProcess | undefined): string {
  if (isAbsolute(path)) return path;
  return join(process?.workingDirectory ?? PACKAGED_WORKING_DIRECTORY, path);
}

/** `<certs>/<host>.crt` is looked for here. `home` is the daemon's own, in place of an unknown one. */
export function certsDirectoryOf(process: RunnerProcess | undefined, home: string): string {
  // Without a process the packaged service is meant, which runs as root.
  if (process === undefined || process.uid === 0) return join(SYSTEM_DIRECTORY, 'certs');
  const { environment, configFoundBy, configPath } = process;
  const known = environment?.['HOME'] ?? '';
  if (known !== '') return join(known, USER_DIRECTORY, 'certs');
  // Its default config lies in the same directory.
  if (configFoundBy === 'default') return join(dirname(configPath), 'certs');
  return join(home, USER_DIRECTORY, 'certs');
}
