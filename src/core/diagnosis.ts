/** The types of a diagnosis. `diagnosis/` makes it, `report/` and `metrics/` show it. */
import type { PriorChange } from './change.ts';
import type { Instant } from './clock.ts';
import type { CheckId } from './finding.ts';
import type { Confidence, Link, Scope, Severity, Status, Verdict } from './vocabulary.ts';

export interface Evidence {
  readonly check: CheckId;
  readonly at: Instant;
  readonly text: string;
}

export interface FixStep {
  readonly text: string;
  /** Can be typed as it is: host, path and unit are filled in. */
  readonly command?: string;
}

export function step(text: string, command?: string): FixStep {
  return command === undefined ? { text } : { text, command };
}

/** Something wrong that is not the consequence of something else wrong. */
export interface Cause {
  /** Of the catalogue, kebab-case. */
  readonly id: string;
  readonly severity: Severity;
  readonly confidence: Confidence;
  readonly title: string;
  readonly summary: string;
  readonly scope: {
    readonly kind: Scope;
    readonly id: string;
    /** Short tokens of the entries it concerns. */
    readonly runners: readonly string[];
  };
  readonly since: Instant;
  /** It comes and goes; how often it appeared within this incident. Absent while it simply lasts. */
  readonly flapping?: { readonly episodes: number; readonly isGone: boolean };
  readonly evidence: readonly Evidence[];
  readonly ruledOut: readonly { readonly id: string; readonly because: string }[];
  readonly fix: readonly FixStep[];
  /** What changed on this host before it began; absent where nothing is known to have changed. */
  readonly changedBefore?: readonly PriorChange[];
  readonly resolvedWhen: string;
  /** The failing checks that this cause explains, so that one fault does not page twice. */
  readonly explains: readonly CheckId[];
}

/** Causes of one id at different places are different ones. */
export function causeKey({ id, scope }: Cause): string {
  return `${id}@${scope.id}`;
}

/** A cause that would fit, and what is missing to prove it. */
export interface Candidate {
  readonly id: string;
  readonly missing: string;
  readonly nextTest: string;
}

export interface RunnerVerdict {
  readonly runner: string;
  readonly name: string;
  readonly executor: string;
  readonly url: string;
  /** Links that do not apply are absent. */
  readonly chain: Readonly<Partial<Record<Link, Status>>>;
  /** True when requests pass all links, false when one fails, undefined while unknown. */
  readonly connected: boolean | undefined;
  /** False when its executor can run no job, undefined while unknown. */
  readonly canRunJobs: boolean | undefined;
  /** Why one of them is not known, as a clause; absent where both are, and for an entry that is stopped. */
  readonly unproven?: string;
  readonly cause?: string;
}

export interface Diagnosis {
  readonly verdict: Verdict;
  readonly summary: string;
  /** In the order of blame. */
  readonly causes: readonly Cause[];
  readonly candidates: readonly Candidate[];
  readonly runners: readonly RunnerVerdict[];
}
