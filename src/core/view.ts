/**
 * Everything that a reader may show: the last snapshot, its diagnosis, and the state of the daemon. Readers never
 * probe.
 */
import type { Snapshot } from './check.ts';
import type { Instant } from './clock.ts';
import type { Diagnosis } from './diagnosis.ts';
import type { Probe } from './probe.ts';
import type { Past } from './past.ts';

export interface SelfState {
  readonly version: string;
  readonly startedAt: Instant;
  /** The first round is complete and the listeners are up. */
  readonly ready: boolean;
  /** Event loop and scheduler make progress. */
  readonly alive: boolean;
  /** How far the most overdue job is behind its schedule. */
  readonly schedulerLagSeconds: number;
  /** Last load of our own settings file. */
  readonly settings: {
    readonly successful: boolean;
    readonly successAt: Instant;
    readonly problem?: string;
    /** Settings that were changed and take effect after a restart of runnerwatch: `web.listen_addresses`. */
    readonly needRestart: readonly string[];
  };
  /** Requests sent to GitLab since start, by endpoint and by the kinds that the probes declare. */
  readonly requests: readonly {
    readonly target: string;
    readonly kind: string;
    readonly count: number;
  }[];
  /** Lines of the runner's log by the cause that they point at; each from zero. */
  readonly logEvents: readonly { readonly cause: string; readonly count: number }[];
  /** The last time that the wall clock was set while we ran; positive when it was set forward. */
  readonly clockStep: { readonly at: Instant; readonly seconds: number } | undefined;
  /** Facts of the host for the page: operating system, kernel, processor. */
  readonly hostFacts: Readonly<Record<string, string | number>>;
  /** Set by `runnerwatch demo`: the page and the texts show it. */
  readonly demo: boolean;
}

export interface View {
  readonly snapshot: Snapshot;
  readonly diagnosis: Diagnosis;
  readonly self: SelfState;
  readonly past: Past;
  /** All probes, for zero-initialised series and the page's wording. */
  readonly probes: readonly Probe[];
}
