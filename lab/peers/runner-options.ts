/** The options of the lab's runner, passed in its environment, because its command line must equal the real one. */
import type { LogFormat } from './runner-log.ts';

export interface RunnerStandInOptions {
  /** The folder that serves as the host's root. */
  readonly root: string;
  /** Its config.toml, as it sees it. */
  readonly config: string;
  readonly format: LogFormat;
  readonly checkSeconds: number;
  readonly unhealthySeconds: number;
}

export const OPTIONS_VARIABLE = 'RUNNERWATCH_LAB_RUNNER';
/** GitLab may hold a poll for 50 s. */
export const MAX_POLL_MILLISECONDS = 65_000;
export const LOG_FILE = '/var/log/gitlab-runner.log';
