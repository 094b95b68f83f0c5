/** The types of a check (a probe on a target), its state, and a snapshot of all checks. */
import type { Instant } from './clock.ts';
import type { CheckId, Finding, ProbeResult } from './finding.ts';
import { reasonOf } from './finding.ts';
import type { HostContext } from './host-context.ts';
import type { Probe } from './probe.ts';
import type { Target } from './target.ts';

export interface Check {
  readonly id: CheckId;
  readonly probe: Probe;
  readonly target: Target;
  readonly options: Readonly<Record<string, number | boolean>>;
  readonly intervalSeconds: number;
  readonly timeoutSeconds: number;
}

/** `dns@https://gitlab.example.com/`: the id of a check, and of its job where it is not part of a walk. */
export function checkId(probe: string, target: string): CheckId {
  return `${probe}@${target}`;
}

/** The id of the job that walks to an endpoint. */
export function walkId(endpoint: string): string {
  return `walk@${endpoint}`;
}

/** All links of one walk together; the scheduler's own deadline lies half a second later. */
export const WALK_TIMEOUT_SECONDS = 40;

export interface Counters {
  readonly runs: number;
  readonly failures: number;
  readonly missed: number;
}

export interface CheckState {
  readonly check: Check;
  /** What holds now: the last finding, or `unknown` when there is none or it is too old. */
  readonly finding: Finding;
  readonly last: ProbeResult | undefined;
  /** When status or reason last changed. */
  readonly since: Instant;
  /** Results in a row with both unchanged. */
  readonly streak: number;
  /** The last results of runs that were not skipped, oldest first; at most RECENT_RESULTS. */
  readonly recent: readonly ProbeResult[];
  readonly counters: Counters;
}

/** The path ends at this link, as far as is known. */
export function isBroken(state: Pick<CheckState, 'check' | 'finding'>): boolean {
  return state.finding.status === 'fail' || isUnanswered(state);
}

/** No response before the probe gave up, though the runner would still wait. */
function isUnanswered({ check, finding }: Pick<CheckState, 'check' | 'finding'>): boolean {
  const reasons = check.probe.patience?.reasons ?? [];
  return finding.status === 'unknown' && reasons.includes(reasonOf(finding) ?? '');
}

/** The link was tried, and lets through what comes after it. */
export function isProof({ status }: Finding): boolean {
  return status === 'pass' || status === 'warn';
}

/** Since when none of these links is broken any more that was; 0 where none of them was seen broken. */
export function recoveredAt(states: readonly CheckState[]): Instant {
  const recovered = states.filter(
    ({ check, finding, recent }) =>
      isProof(finding) && recent.some((result) => isBroken({ check, finding: result.finding })),
  );
  return Math.max(0, ...recovered.map(({ since }) => since));
}

/** What a median, a rate of failures and a flight recorder need, and no more. */
export const RECENT_RESULTS = 50;

/** Until when an entry had a cause, now over, by which its polls or its jobs failed. */
export interface ExplainedUntil {
  readonly polls?: Instant;
  readonly jobs?: Instant;
}

export interface Snapshot {
  readonly takenAt: Instant;
  readonly hostContext: HostContext;
  readonly checks: readonly CheckState[];
  /** By entry; absent where nothing is known of the time before. */
  readonly explained?: ReadonlyMap<string, ExplainedUntil>;
}
