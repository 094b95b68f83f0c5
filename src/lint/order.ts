/** What the daemon asks of the process that lints, as JSON; the answer is a report. */
import type { Paths } from '../core/paths.ts';
import type { HostQuestion } from './host-context.ts';

export interface LintOrder extends HostQuestion {
  /** Base64; absent when the file could not be read. */
  readonly content?: string;
  readonly paths: Paths;
}
