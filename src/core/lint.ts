/** A finding of the linter. `lint/` makes them; metrics, diagnosis and reports show them. */
import type { Instant } from './clock.ts';

/** From worst to mildest. `error`: the process, this entry or its jobs do not work. */
export const LINT_SEVERITIES = ['error', 'warning', 'info'] as const;
export type LintSeverity = (typeof LINT_SEVERITIES)[number];

/**
 * What stops: the process at its start, the process later, the entry (it does not ask for jobs, or GitLab rejects
 * it), its jobs. Absent where nothing stops.
 */
export type LintEffect = 'start' | 'run' | 'offline' | 'jobs';

export interface LintFinding {
  /** `P07`: never renamed. */
  readonly rule: string;
  /** `table-for-value`. */
  readonly name: string;
  readonly severity: LintSeverity;
  readonly effect?: LintEffect;
  readonly file: string;
  /** From 1; absent where it is about the whole file or the host. */
  readonly line?: number;
  readonly column?: number;
  /** `runners.docker.cpus`. */
  readonly key?: string;
  /** Number of the `[[runners]]` it is in, from 1. */
  readonly entry?: number;
  /** What is there, with the value. Never a secret. */
  readonly message: string;
  /** What the runner does about it, in one sentence. */
  readonly consequence: string;
  /** What to do. */
  readonly fix: string;
  /** What to write instead: `cpus = "2"`. */
  readonly corrected?: string;
}

/** Rules that were not checked, or only in part, and why. */
export interface LeftOut {
  /** Codes. */
  readonly rules: readonly string[];
  readonly because: string;
}

export interface LintReport {
  readonly file: string;
  /** In the order of the file. */
  readonly findings: readonly LintFinding[];
  readonly leftOut: readonly LeftOut[];
  /** False for a file that is too large, or nested too deep, to be checked. */
  readonly judged: boolean;
}

/** What the daemon keeps of it. */
export interface LintState extends LintReport {
  readonly at: Instant;
}
