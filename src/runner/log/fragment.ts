/** The type of a row in the table of known lines: docs/reference/runner-log.md. */
import type { EventKind } from '../../core/runner-event.ts';
import type { LineReader } from './line-data.ts';
import type { LogLevel, LogLine } from './log-line.ts';

export interface Fragment {
  /** Row of docs/reference/runner-log.md. */
  readonly n: number;
  readonly kind: EventKind;
  readonly levels: readonly LogLevel[];
  /** What the message begins with; nothing else of a line can make it the runner's own. */
  readonly message: RegExp;
  /** What the rest of it, or its status or error, must hold as well. */
  readonly text?: RegExp;
  /** What its fields must say, where the words are not enough. */
  readonly isSo?: (line: LogLine) => boolean;
  /** Id of the cause that it points at. */
  readonly cause?: string;
  /** What rules need of such a line. */
  readonly read?: LineReader;
}
