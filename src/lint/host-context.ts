/** The context of a file that a runner on this host uses: its process, its environment, the size of the host. */
import { availableParallelism, totalmem } from 'node:os';

import type { Clock } from '../core/clock.ts';
import type { Paths } from '../core/paths.ts';
import type { RunnerProcess } from '../core/reading.ts';
import { readListeners } from '../host/net/listeners.ts';
import type { LintContext } from './context.ts';

export interface HostQuestion {
  readonly configPath: string;
  readonly process: RunnerProcess | undefined;
  /** What its systemd unit sets; used only while there is no process. */
  readonly unitEnvironment?: Readonly<Record<string, string>> | undefined;
  /** The systemd unit that runs it; absent where none does. */
  readonly unit?: string | undefined;
  readonly history?: LintContext['history'];
}

/** Everything but the files, which the rules ask for. */
export async function hostContext(
  { configPath, process: runner, unitEnvironment, unit, history }: HostQuestion,
  paths: Paths,
  clock: Clock,
): Promise<LintContext> {
  const environment = runner === undefined ? unitEnvironment : runner.environment;
  return {
    now: clock.wall(),
    configPath,
    host: { memoryBytes: totalmem(), cores: availableParallelism() },
    listeners: await readListeners(paths, runner?.pid),
    ...(runner === undefined ? {} : { process: runner }),
    ...(environment === undefined ? {} : { environment }),
    ...(unit === undefined ? {} : { unit }),
    ...(history === undefined ? {} : { history }),
  };
}

/** What the daemon asks the lint process, as JSON; the answer is a report. */
export interface LintRequest extends HostQuestion {
  /** Base64; absent when the file could not be read. */
  readonly content?: string;
  /** Rules about files are left out. */
  readonly withoutFiles?: true;
  readonly paths: Paths;
}

/** JSON of one line has none: the answer is complete. */
export const ANSWER_END = '\n';
