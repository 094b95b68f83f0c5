/** The type of a row in the table of known lines: docs/reference/runner-log.md. */
import type { LogLevel } from './log-line.ts';

/** The kinds of event that a line can be. */
export type EventKind =
  | 'poll-failed'
  | 'poll-worked'
  | 'waiting'
  | 'disabled'
  | 'forced'
  | 'token'
  | 'config-not-loaded'
  | 'config-not-saved'
  | 'config-loaded'
  | 'setting'
  | 'fatal'
  | 'crashed'
  | 'oom'
  | 'exited'
  | 'restarting'
  | 'started'
  | 'stopping'
  | 'stopped'
  | 'not-prepared'
  | 'job-failed'
  | 'job-refused'
  | 'job-connection'
  | 'job-lost'
  | 'job-stuck'
  | 'no-capacity'
  | 'job-ended'
  | 'job-ran'
  | 'jobs-failing'
  | 'router'
  | 'version'
  | 'noted';

export interface Fragment {
  /** Row of docs/reference/runner-log.md. */
  readonly n: number;
  readonly kind: EventKind;
  readonly levels: readonly LogLevel[];
  /** What the message begins with; nothing else of a line can make it the runner's own. */
  readonly message: RegExp;
  /** What the rest of it, or its status or error, must hold as well. */
  readonly text?: RegExp;
  /** Id of the cause that it points at. */
  readonly cause?: string;
}
