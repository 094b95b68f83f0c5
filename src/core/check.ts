/** The types of a check (a probe on a target), its state, and a snapshot of all checks. */
import type { Instant } from './clock.ts';
import type { CheckId, Finding, ProbeResult } from './finding.ts';
import type { LintState } from './lint.ts';
import type { Place } from './place.ts';
import type { Probe } from './probe.ts';
import type { FoundBy, Problem, RunnerProcess } from './reading.ts';
import type { EndpointTarget, Placed, RunnerTarget, Target } from './target.ts';

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
export const WALK_TIMEOUT_SECONDS = 20;

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

/** What a median, a rate of failures and a flight recorder need, and no more. */
export const RECENT_RESULTS = 50;

/** What the daemon watches: which config, which process, which host. */
export interface HostContext {
  readonly host: string;
  readonly configPath: string;
  readonly configFoundBy: FoundBy;
  readonly configProblems: readonly Problem[];
  /** Where the runners of this host live; a host without a runner has the place where one would be. */
  readonly places: readonly [Place, ...Place[]];
  readonly process: RunnerProcess | undefined;
  /** What could not be read for lack of rights, one sentence each. */
  readonly blind: readonly string[];
  readonly runners: readonly RunnerTarget[];
  readonly endpoints: readonly EndpointTarget[];
  /** The linter's report on config.toml; absent until the linter has run. */
  readonly lint?: LintState;
}

/** Where the runner of a target lives. What belongs to the host as a whole is asked of the first place. */
export function placeOf({ places }: Pick<HostContext, 'places'>, { place }: Placed): Place {
  return places.find(({ id }) => id === place) ?? places[0];
}

export interface Snapshot {
  readonly takenAt: Instant;
  readonly hostContext: HostContext;
  readonly checks: readonly CheckState[];
}
