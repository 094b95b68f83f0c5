/**
 * What the runner wrote or counted: one kind of event of one entry. Events travel with a finding to the diagnosis,
 * which alone interprets them.
 */
import type { Instant } from './clock.ts';
import type { Fact } from './finding.ts';
import type { FindingData } from './finding-data.ts';
import type { Sightings } from './sightings.ts';

/** What the runner can say of itself: each kind of event, written in its log or counted by it. */
export type EventKind =
  | 'poll-failed'
  | 'poll-worked'
  | 'waiting'
  | 'poll-waits'
  | 'disabled'
  | 'forced'
  | 'token'
  | 'token-worked'
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
  | 'job-reported'
  | 'job-stuck'
  | 'no-capacity'
  | 'job-ended'
  | 'job-ran'
  | 'jobs-failing'
  | 'router'
  | 'version'
  | 'noted'
  | 'polls-worked'
  | 'polls-failed'
  | 'polls-frozen'
  | 'traces-refused'
  | 'feeds-failed'
  | 'health-failed'
  | 'config-load-errors'
  | 'at-capacity'
  | 'slot-held';

export interface RunnerEvent extends Sightings {
  readonly kind: EventKind;
  /** Id of the cause that the wording points at. */
  readonly cause?: string;
  /** Short token of the entry; absent when it is about the process as a whole. */
  readonly runner?: string;
  /** The last line, with secrets masked. */
  readonly text: string;
  readonly facts: Readonly<Record<string, Fact>>;
  /** For rules alone: see `dataKey`. */
  readonly data?: FindingData;
}

/** How a job ended, by the runner's last line about it. */
export const JOB_ENDS = [
  'succeeded',
  'script-failed',
  'system-failed',
  'timed-out',
  'cancelled',
  'otherwise',
] as const;
export type JobEnd = (typeof JOB_ENDS)[number];

/** Where the runner's log is to be found. */
export type LogSource =
  | {
      readonly kind: 'journal';
      readonly unit: string;
      /** The user whose systemd runs the unit; absent for the system's. */
      readonly ownerId?: number;
    }
  /** As the host of its place sees it. */
  | { readonly kind: 'file'; readonly path: string }
  /** A container of an engine that listens on this socket of the host. */
  | { readonly kind: 'container'; readonly name: string; readonly socket: string };

export interface RunnerLogReading {
  readonly state: 'reading' | 'not-allowed' | 'failed';
  /** Why it cannot be read; where it is read from otherwise. */
  readonly detail: string;
  readonly lines: number;
  readonly droppedLines: number;
  /** Lines in the form of the runner's log, whatever they say. */
  readonly understoodLines: number;
  readonly lastLineAt: Instant | undefined;
  /** Jobs that ended since the reader started, by result. */
  readonly jobEnds: Readonly<Record<JobEnd, number>>;
  /** Results of jobs that the runner could not report to GitLab since then. */
  readonly lostJobEnds: number;
  readonly events: readonly RunnerEvent[];
}

/** The log as far as it has been read; given to probes. */
export interface RunnerLogReader {
  /** Waits until what is there already has been read. */
  read(signal: AbortSignal): Promise<RunnerLogReading>;
  /** What is known now, without a wait. */
  events(): readonly RunnerEvent[];
}
