/** What one run of a probe says. */
import type { Instant } from './clock.ts';
import type { FindingData } from './finding-data.ts';
import type { RunnerEvent } from './runner-event.ts';
import type { Status } from './vocabulary.ts';

export type Fact = string | number | boolean;

/**
 * `measures` are numbers in the unit their key ends with; `facts` are for the page, the report and
 * the wording of causes, and never hold a secret. Only `pass` has no reason, and the compiler knows it.
 */
export type Finding<R extends string = string, M extends string = string> = {
  readonly measures?: Readonly<Partial<Record<M, number>>>;
  readonly facts?: Readonly<Record<string, Fact>>;
  /** For rules alone: see `dataKey`. */
  readonly data?: FindingData;
  /** Texts for the flight recorder alone (certificates, answers of servers): never a secret, never shown elsewhere. */
  readonly attachments?: Readonly<Record<string, string>>;
  /** What the runner itself wrote or counted; for the diagnosis alone. */
  readonly events?: readonly RunnerEvent[];
  /** Asking again earlier than this is not allowed; the result speaks for at least that long. */
  readonly holdsSeconds?: number;
} & (
  | { readonly status: 'pass' }
  | { readonly status: Exclude<Status, 'pass'>; readonly reason: R; readonly detail: string }
);

/** `<probe>@<target>`, stable across restarts. */
export type CheckId = `${string}@${string}`;

export interface ProbeResult {
  readonly check: CheckId;
  readonly startedAt: Instant;
  readonly durationSeconds: number;
  readonly finding: Finding;
}

/** Reasons that any check may have; they belong to the scheduler, the walk and the store. */
export const COMMON_REASONS = {
  'not-run-yet': {
    meaning: 'The check has not run since runnerwatch started.',
    action: 'Wait one interval.',
  },
  stale: {
    meaning: 'The last result is older than three intervals.',
    action: 'Look at runnerwatch_scheduler_lag_seconds and at the log of runnerwatch itself.',
  },
  overdue: {
    meaning: 'The check did not end within its deadline.',
    action: 'Look at the host: a system call hangs, or the machine is starved.',
  },
  'probe-bug': {
    meaning: 'The check failed in a way that runnerwatch does not know.',
    action: 'Report it with the detail shown.',
  },
  'earlier-link': {
    meaning: 'An earlier link of the walk failed, so this one was not tried.',
    action: 'Repair the link named.',
  },
  'request-budget': {
    meaning: 'The hourly budget of requests to GitLab is spent; the check waits for its turn.',
    action: 'Nothing; or raise [gitlab] requests_per_hour where GitLab has no such limit.',
  },
} as const;

/** The reason of a finding, or `undefined` for `pass`. */
export function reasonOf(finding: Finding): string | undefined {
  return finding.status === 'pass' ? undefined : finding.reason;
}

/** The detail of a finding, or the empty string for `pass`. */
export function detailOf(finding: Finding): string {
  return finding.status === 'pass' ? '' : finding.detail;
}
