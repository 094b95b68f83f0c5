/** The interface of a reader of the log: its lines, and its state when it cannot read. */
import type { Clock, Instant } from '../../core/clock.ts';
import type { Paths } from '../../core/paths.ts';
import type { LogEvent } from './classify.ts';

export interface RawLine {
  readonly text: string;
  /** When it was written, where the source contains it. */
  readonly at?: Instant;
  /** It was written before the reader started. */
  readonly isOld: boolean;
  /** Of an old line without a date: it was written at this time at the latest. */
  readonly latestAt?: Instant;
  /** Reported by systemd, not by the runner. */
  readonly event?: LogEvent;
}

export type ReaderState =
  | { readonly state: 'starting' | 'reading'; readonly detail: string }
  | { readonly state: 'not-allowed' | 'failed'; readonly detail: string };

export interface ReaderDeps {
  readonly paths: Paths;
  readonly clock: Clock;
  /** False when the budget is spent: the line is not parsed. */
  mayTake(): boolean;
  onLine(line: RawLine): void;
  onState(state: ReaderState): void;
}

export interface Reader {
  stop(): void;
}

/** What was written before we came counts as far as this. */
export const BACKLOG_SECONDS = 7200;
export const MAX_LINE_CHARACTERS = 16_384;
