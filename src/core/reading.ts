/** The result of reading the runner's config.toml, and what is known of the process that uses it. */
import type { Instant } from './clock.ts';
import type { Container } from './container.ts';
import type { GoBuild } from './go-build.ts';
import type { Network, Volume } from './paths.ts';

/** Something wrong in a file, with its place. Positions count from 1. */
export interface Problem {
  /** Bounded, kebab-case: `syntax-error`, `type-error`, `missing`, `unreadable`, … */
  readonly code: string;
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
  /** One sentence: what was expected, what was found. Never a value that could be secret. */
  readonly message: string;
  /** What to do, imperative. */
  readonly fix: string;
  /** Path of the key it concerns: `runners.docker.cpus`. */
  readonly key?: string;
  /** Kinds of value: `string`, `integer`, … */
  readonly expected?: string;
  readonly found?: string;
  /** The variable that is not set, if its name may be shown. */
  readonly variable?: string;
  /** The line as it would be right: `cpus = "2"`. */
  readonly corrected?: string;
}

/** How config.toml was found; shown to the user. */
export type FoundBy = 'flag' | 'process-argument' | 'process-environment' | 'default';

/** The `gitlab-runner run` process, from /proc. */
export interface RunnerProcess {
  readonly pid: number;
  readonly uid: number;
  /** Its group and its supplementary groups; absent where /proc does not show them. */
  readonly groups?: readonly number[];
  readonly startedAt: Instant;
  /** The same in ticks since boot, which no step of the clock changes; absent in tests. */
  readonly startTicks?: number;
  /** As written in /proc/PID/stat: R, S, D, T, Z, … */
  readonly state: string;
  readonly arguments: readonly string[];
  /** Absent when this user may not read /proc/PID/environ. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly workingDirectory?: string;
  /** Absent when this user may not read its program, or that says nothing. */
  readonly go?: GoBuild;
  /** Its config file as it sees it: from its arguments, CONFIG_FILE or its user's default. */
  readonly configPath: string;
  readonly configFoundBy: FoundBy;
  /** Absent for one that lives on the host. */
  readonly container?: Container;
  /** Absent where it is that of runnerwatch. */
  readonly network?: Network;
  /** Why runnerwatch may not look into its container, a sentence; absent where it may. */
  readonly closed?: string;
  /** Of one that its engine alone has told of, since its container does not run. */
  readonly volumes?: readonly Volume[];
}

/** The program that reads config.toml, with the environment that it reads it in. */
export type RunnerProgram = Pick<RunnerProcess, 'go' | 'environment'>;

/** As whom a process opens files: its user, its group and its further groups. */
export interface Credentials {
  readonly uid: number;
  readonly groups: readonly number[];
}

/** Undefined while it does not run, or if /proc does not show it. */
export function credentialsOf(process: RunnerProcess | undefined): Credentials | undefined {
  if (process?.groups === undefined) return undefined;
  return { uid: process.uid, groups: process.groups };
}

export interface RunnerConfigReading {
  /** As the runner sees it. */
  readonly path: string;
  readonly foundBy: FoundBy;
  readonly readAt: Instant;
  /** Absent when the file could not be read. */
  readonly modifiedAt?: Instant;
  /** Load-stopping problems. Empty means that the runner would load this file. */
  readonly problems: readonly Problem[];
  /** Number of `[[runners]]`; undefined when the file does not load. */
  readonly runnerCount?: number;
  /** `concurrent`; undefined when the file does not load. */
  readonly concurrent?: number;
}
