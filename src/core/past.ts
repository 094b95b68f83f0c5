/**
 * History: what happened, samples for plots, incidents. `recorder/` keeps it, `report/`
 * shows it.
 */
import type { Instant } from './clock.ts';
import type { CheckId } from './finding.ts';
import type { Severity } from './vocabulary.ts';

/** `bad` and `warn` by severity, `good` for what got better, `note` for what is neither. */
export type Tone = 'bad' | 'warn' | 'good' | 'note';

export interface TimelineEvent {
  readonly at: Instant;
  readonly tone: Tone;
  /** `cause confirmed`, `changed`, `settings reloaded`, … */
  readonly kind: string;
  readonly text: string;
}

/** Samples of one measure of one check, oldest first. */
export interface Series {
  readonly check: CheckId;
  readonly measure: string;
  readonly points: readonly (readonly [at: Instant, value: number])[];
}

/** One line of the list of incidents. */
export interface IncidentSummary {
  readonly id: string;
  readonly cause: string;
  readonly severity: Severity;
  readonly title: string;
  readonly summary: string;
  /** When its evidence was first seen. */
  readonly startedAt: Instant;
  readonly confirmedAt: Instant;
  /** Absent while it lasts. */
  readonly recoveredAt?: Instant;
  /** Short tokens of the entries that it concerns. */
  readonly runners: readonly string[];
}

export interface Past {
  /** Newest first, of the last 24 hours. */
  readonly timeline: readonly TimelineEvent[];
  readonly series: readonly Series[];
  /** Newest first. */
  readonly incidents: readonly IncidentSummary[];
}
