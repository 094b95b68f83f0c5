/** The paths of config.toml and its neighbours, by the user of the runner. */
import { dirname, isAbsolute, join } from 'node:path';

import type { RunnerFiles } from '../../core/place.ts';
import type { RunnerProcess } from '../../core/reading.ts';

/** Of a runner that root runs. */
export const SYSTEM_DIRECTORY = '/etc/gitlab-runner';
/** Below the home of any other user. */
export const USER_DIRECTORY = '.gitlab-runner';
/** What the package's unit passes as `--working-directory`. */
export const PACKAGED_WORKING_DIRECTORY = '/home/gitlab-runner';

/** Of root, of root's home, of a user of the package's name, and of a unit that was installed for that user. */
const USUAL_CONFIGS: readonly string[] = [
  join(SYSTEM_DIRECTORY, 'config.toml'),
  join('/root', USER_DIRECTORY, 'config.toml'),
  join(PACKAGED_WORKING_DIRECTORY, USER_DIRECTORY, 'config.toml'),
  join(PACKAGED_WORKING_DIRECTORY, 'config.toml'),
];

/** Where a runner of this user has its files, if no flag names another place. */
export function runnerDirectory(uid: number, home: string): string {
  return uid === 0 ? SYSTEM_DIRECTORY : join(home, USER_DIRECTORY);
}

/** Where a config.toml may lie that no flag names; `home` is that of a user whose runner was found. */
export function usualConfigs(home = ''): readonly string[] {
  const own = home === '' ? [] : [join(home, USER_DIRECTORY, 'config.toml')];
  return [...new Set([...USUAL_CONFIGS, ...own])];
}

/** The absolute form of a path that the process resolves against its working directory. */
export function asProcessSees(path: string, process: RunnerProcess | undefined): string {
  if (isAbsolute(path)) return path;
  return join(process?.workingDirectory ?? PACKAGED_WORKING_DIRECTORY, path);
}

/**
 * `<certs>/<host>.crt` is looked for here: it depends on the user of the process, never on the path of config.toml.
 * `undefined` where the home of that user is not known.
 */
export function certsDirectoryOf(process: RunnerProcess | undefined): string | undefined {
  // Without a process the packaged service is meant, which runs as root.
  if (process === undefined || process.uid === 0) return join(SYSTEM_DIRECTORY, 'certs');
  const { uid, environment, configFoundBy, configPath } = process;
  const home = environment?.['HOME'] ?? '';
  if (home !== '') return join(runnerDirectory(uid, home), 'certs');
  // Its default config lies in the same directory.
  return configFoundBy === 'default' ? join(dirname(configPath), 'certs') : undefined;
}

/** The runner keeps the id of this host beside its config. */
export function systemIdPath(configPath: string): string {
  return join(dirname(configPath), '.runner_system_id');
}

/** Without further knowledge: the files of the packaged service. */
export function runnerFiles(
  config = join(SYSTEM_DIRECTORY, 'config.toml'),
  certs = join(SYSTEM_DIRECTORY, 'certs'),
  home?: string,
): RunnerFiles {
  return {
    config,
    certs,
    systemId: systemIdPath(config),
    usualConfigs: usualConfigs(home),
  };
}
