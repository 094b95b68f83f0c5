/** The paths of config.toml and its neighbours, by the user of the runner. */
import { dirname, join } from 'node:path';

import type { RunnerFiles } from '../../core/place.ts';

/** Of a runner that root runs. */
export const SYSTEM_DIRECTORY = '/etc/gitlab-runner';
/** Below the home of any other user. */
export const USER_DIRECTORY = '.gitlab-runner';
/** What the package's unit passes as `--working-directory`. */
export const PACKAGED_WORKING_DIRECTORY = '/home/gitlab-runner';

/** Of root, of root's home, of a user of the package's name, and of a unit that was installed for that user. */
export const USUAL_CONFIGS: readonly string[] = [
  join(SYSTEM_DIRECTORY, 'config.toml'),
  join('/root', USER_DIRECTORY, 'config.toml'),
  join(PACKAGED_WORKING_DIRECTORY, USER_DIRECTORY, 'config.toml'),
  join(PACKAGED_WORKING_DIRECTORY, 'config.toml'),
];

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
  const own = home === undefined ? [] : [join(home, USER_DIRECTORY, 'config.toml')];
  return {
    config,
    certs,
    systemId: systemIdPath(config),
    usualConfigs: [...new Set([...USUAL_CONFIGS, ...own])],
  };
}
