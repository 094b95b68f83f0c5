/** What the daemon asks of the process that lints, and what it answers: one line of JSON each. */
import type { LintReport } from '../core/lint.ts';
import type { Paths } from '../core/paths.ts';
import type { HostQuestion } from './host-context.ts';

export interface LintOrder extends HostQuestion {
  /** Base64; absent when the file could not be read. */
  readonly content?: string;
  readonly paths: Paths;
}

export type LintAnswer = LintReport;
