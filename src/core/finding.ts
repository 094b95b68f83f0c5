/** The result of one run of a probe. */
import type { Instant } from './clock.ts';
import type { FindingData } from './finding-data.ts';
import type { ReasonSpec } from './reason.ts';
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
  /** The probe must not run again earlier than this; the result is valid for at least that long. */
  readonly holdsSeconds?: number;
  /**
   * What it found ends by itself: the check runs again after that long, whatever its interval and the hourly budget are, and
   * first asks without drawing on it.
   */
  readonly recheckSeconds?: number;
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

/** What a run ends with before, or instead of, the probe's own code. */
export const RUN_REASONS = {
  overdue: {
    kind: 'unseen',
    meaning: 'The check did not end before its timeout.',
    action: 'Check the load of the host: a system call hangs, or the CPU is overloaded.',
  },
  'probe-bug': {
    kind: 'unseen',
    meaning: 'The check failed with an error that runnerwatch does not know.',
    action: 'Report the error shown as a bug of runnerwatch.',
  },
  'place-gone': {
    kind: 'unseen',
    meaning: 'The container of the runner ended, or was replaced, while the check looked at it.',
    action: 'Nothing: runnerwatch looks for it every few seconds.',
  },
  'place-closed': {
    kind: 'unseen',
    meaning: 'runnerwatch may not look into the container of the runner.',
    action: 'Give runnerwatch the capabilities that the detail names.',
  },
  'place-unseen': {
    kind: 'unseen',
    meaning:
      'runnerwatch is in another container than the runner, and what it would look at is not shared with it.',
    action: 'Share the processes of the two containers, or mount the same files into both.',
  },
  'earlier-link': {
    kind: 'unseen',
    meaning: 'An earlier link of the path failed, so this one was skipped.',
    action: 'Fix the earlier link.',
  },
  'request-budget': {
    kind: 'unseen',
    isNotDue: true,
    meaning: 'The hourly budget of requests to GitLab is spent; the check waits for its turn.',
    action: 'Nothing, or raise [gitlab] requests_per_hour if your GitLab has no such rate limit.',
  },
} as const satisfies Readonly<Record<string, ReasonSpec>>;

/** Reasons that any check may have; they belong to the scheduler, the walk and the store. */
export const COMMON_REASONS = {
  'not-run-yet': {
    kind: 'unseen',
    isNotDue: true,
    meaning: 'The check has not run since runnerwatch started.',
    action: 'Wait one interval.',
  },
  stale: {
    kind: 'unseen',
    meaning: 'The last result is older than three intervals.',
    action: 'Check runnerwatch_scheduler_lag_seconds and the log of runnerwatch.',
  },
  contradicted: {
    kind: 'unseen',
    meaning:
      'The last result was a success, and since then the runner reported a failure of this link.',
    action: 'Nothing: the link is tried again at once, or as soon as the request budget allows it.',
  },
  ...RUN_REASONS,
} as const satisfies Readonly<Record<string, ReasonSpec>>;

/** The reason of a finding, or `undefined` for `pass`. */
export function reasonOf(finding: Finding): string | undefined {
  return finding.status === 'pass' ? undefined : finding.reason;
}

/** The detail of a finding, or the empty string for `pass`. */
export function detailOf(finding: Finding): string {
  return finding.status === 'pass' ? '' : finding.detail;
}

/** The same status for the same reason. */
export function isSameFinding(a: Finding, b: Finding): boolean {
  return a.status === b.status && reasonOf(a) === reasonOf(b);
}
