/**
 * Turns successive diagnoses into stable causes: a cause keeps its start and its confirmation while it lasts, and
 * a cause that comes and goes stays on the list as flapping instead of alerting each time.
 *
 * A cause is removed at the first diagnosis without it, unless it came back soon after it had gone: then it
 * is kept for some intervals more. Time is the snapshot's.
 */
import type { Snapshot } from '../core/check.ts';
import type { Instant } from '../core/clock.ts';
import type { Cause, Diagnosis } from '../core/diagnosis.ts';
import { causeKey } from '../core/diagnosis.ts';
import { computeVerdict } from '../core/verdict.ts';
import type { Severity, Verdict } from '../core/vocabulary.ts';
import type { Log, LogData } from '../log.ts';
import { hasUnjudged } from './unjudged.ts';

/** A cause that returns within so many intervals of its checks is the same incident. */
const RETURN_INTERVALS = 5;
/** Budgeted checks have long intervals, and are repeated soon if they fail. */
const MAX_INTERVAL_SECONDS = 60;

interface Tracked {
  readonly cause: Cause;
  readonly since: Instant;
  /** Time of the first diagnosis of this incident that had the cause. */
  readonly appearedAt: Instant;
  readonly isConfirmed: boolean;
  /** How often it appeared within this incident. */
  readonly episodes: number;
  /** Undefined while the diagnosis has the cause. */
  readonly goneAt: Instant | undefined;
  readonly holdSeconds: number;
}

export class CauseTracker {
  #tracked: ReadonlyMap<string, Tracked> = new Map();

  /** The wall clock was set: timestamps of the old clock are converted. */
  shift(milliseconds: number): void {
    this.#tracked = new Map(
      [...this.#tracked].map(([key, tracked]) => [
        key,
        {
          ...tracked,
          since: tracked.since + milliseconds,
          appearedAt: tracked.appearedAt + milliseconds,
          goneAt: tracked.goneAt === undefined ? undefined : tracked.goneAt + milliseconds,
        },
      ]),
    );
  }

  /** The diagnosis for readers, given the previous ones. */
  settle(diagnosis: Diagnosis, snapshot: Snapshot): Diagnosis {
    const now = snapshot.takenAt;
    const named = new Map(diagnosis.causes.map((cause) => [causeKey(cause), cause]));
    const kept = [...this.#tracked].filter(
      ([key, tracked]) => named.has(key) || !isOver(tracked, now),
    );
    const gone = kept
      .filter(([key]) => !named.has(key))
      .map(([key, tracked]): [string, Tracked] => [
        key,
        { ...tracked, goneAt: tracked.goneAt ?? now },
      ]);
    const present = [...named].map(([key, cause]): [string, Tracked] => [
      key,
      continueCause(this.#tracked.get(key), cause, snapshot),
    ]);
    this.#tracked = new Map([...present, ...gone]);
    const current = present.map(([, tracked]) => tracked);
    const held = gone
      .map(([, tracked]) => tracked)
      .filter((one) => one.episodes > 1 && !current.some((other) => isRenamed(one, other)));
    const shown = [...current, ...held];
    return held.length === 0 && shown.every((one) => isUnchanged(one))
      ? diagnosis
      : withCauses(diagnosis, shown, held, snapshot);
  }
}

/** When it went, another confirmed cause took its place or all of its checks: one fault must not be reported as two. */
function isRenamed({ cause, goneAt = 0 }: Tracked, other: Tracked): boolean {
  const { cause: by, appearedAt, isConfirmed } = other;
  const isLoud = by.severity === 'critical' || by.severity === 'warning';
  const isAtItsPlace = isLoud && by.scope.id === cause.scope.id && appearedAt >= goneAt;
  const own = new Set(by.evidence.map(({ check }) => check));
  return isConfirmed && (isAtItsPlace || cause.evidence.every(({ check }) => own.has(check)));
}

function continueCause(before: Tracked | undefined, cause: Cause, snapshot: Snapshot): Tracked {
  const holdSeconds = holdSecondsOf(cause, snapshot);
  const isFirst = before === undefined || isOver(before, snapshot.takenAt);
  const returned = !isFirst && before.goneAt !== undefined ? 1 : 0;
  return {
    cause,
    since: isFirst ? cause.since : Math.min(before.since, cause.since),
    appearedAt: isFirst ? snapshot.takenAt : before.appearedAt,
    isConfirmed: cause.confidence === 'confirmed' || (!isFirst && before.isConfirmed),
    episodes: isFirst ? 1 : before.episodes + returned,
    goneAt: undefined,
    holdSeconds,
  };
}

function holdSecondsOf({ evidence }: Cause, { checks }: Snapshot): number {
  const ids = new Set(evidence.map(({ check }) => check));
  const own = checks.filter(({ check }) => ids.has(check.id));
  const intervals = own.map(({ check }) => check.intervalSeconds);
  return RETURN_INTERVALS * Math.min(MAX_INTERVAL_SECONDS, ...intervals);
}

function isOver({ goneAt, holdSeconds }: Tracked, now: Instant): boolean {
  return goneAt !== undefined && now - goneAt > holdSeconds * 1000;
}

function isUnchanged({ cause, since, isConfirmed, episodes }: Tracked): boolean {
  const confidence = isConfirmed ? 'confirmed' : 'suspected';
  return episodes === 1 && cause.since === since && cause.confidence === confidence;
}

function withCauses(
  diagnosis: Diagnosis,
  shown: readonly Tracked[],
  held: readonly Tracked[],
  snapshot: Snapshot,
): Diagnosis {
  const causes = shown.map((tracked) => settledCause(tracked));
  const verdict = computeVerdict(
    shown.map((tracked) => presentSeverity(tracked)),
    diagnosis.runners,
    hasUnjudged(snapshot, causes, diagnosis.runners),
  );
  const [first] = held;
  const isQuiet = diagnosis.causes.length === 0 && first !== undefined;
  return {
    ...diagnosis,
    verdict,
    causes,
    summary: isQuiet ? settledCause(first).summary : diagnosis.summary,
  };
}

/** What is gone at the moment stops nothing, but it comes back. */
function presentSeverity({ cause: { severity }, goneAt }: Tracked): Severity {
  return goneAt !== undefined && severity === 'critical' ? 'warning' : severity;
}

function settledCause({ cause, since, isConfirmed, episodes, goneAt }: Tracked): Cause {
  const confidence = isConfirmed ? 'confirmed' : 'suspected';
  if (episodes === 1) return { ...cause, since, confidence };
  const state = goneAt === undefined ? 'now again' : 'gone at the moment';
  const summary = `${cause.summary} It comes and goes: ${episodes} times so far, ${state}.`;
  return { ...cause, since, confidence, summary, flapping: { episodes } };
}

/** What this diagnosis has and the previous one had not. */
export type Transition =
  | { readonly kind: 'appeared' | 'confirmed' | 'resolved'; readonly cause: Cause }
  | {
      readonly kind: 'verdict';
      /** Absent at the first diagnosis. */
      readonly from: Verdict | undefined;
      readonly to: Verdict;
      readonly summary: string;
    };

export function transitionsBetween(
  before: Diagnosis | undefined,
  after: Diagnosis,
): readonly Transition[] {
  const causes = before?.causes ?? [];
  const old = new Map(causes.map((cause) => [causeKey(cause), cause]));
  const now = new Set(after.causes.map((cause) => causeKey(cause)));
  const appeared = after.causes.filter((cause) => !old.has(causeKey(cause)));
  const confirmed = after.causes.filter(
    (cause) =>
      cause.confidence === 'confirmed' && old.get(causeKey(cause))?.confidence === 'suspected',
  );
  const resolved = causes.filter((cause) => !now.has(causeKey(cause)));
  const { verdict: to, summary } = after;
  const from = before?.verdict;
  return [
    ...appeared.map((cause) => ({ kind: 'appeared', cause }) as const),
    ...confirmed.map((cause) => ({ kind: 'confirmed', cause }) as const),
    ...resolved.map((cause) => ({ kind: 'resolved', cause }) as const),
    ...(from === to ? [] : [{ kind: 'verdict', from, to, summary } as const]),
  ];
}

/** `cause confirmed`, `verdict changed`: for the log and the timeline. */
export function transitionName({ kind }: Transition): string {
  return kind === 'verdict' ? 'verdict changed' : `cause ${kind}`;
}

/** One line for each transition, none for each run. */
export function logTransitions(log: Log, transitions: readonly Transition[]): void {
  for (const transition of transitions) {
    const { level, data } = logLineOf(transition);
    log[level](data, transitionName(transition));
  }
}

function logLineOf(transition: Transition): { level: 'info' | 'warn'; data: LogData } {
  if (transition.kind === 'verdict') {
    const { from = 'none', to, summary } = transition;
    return { level: 'info', data: { from, to, summary } };
  }
  const { id, severity, confidence, scope, summary } = transition.cause;
  const isCalm = severity === 'info' || transition.kind === 'resolved';
  return {
    level: isCalm ? 'info' : 'warn',
    data: {
      cause: id,
      severity,
      confidence,
      target: scope.id,
      runners: scope.runners,
      summary,
    },
  };
}
