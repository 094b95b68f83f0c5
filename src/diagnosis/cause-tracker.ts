/**
 * Turns successive diagnoses into stable causes: a cause keeps its start and its confirmation while it lasts, and
 * a cause that comes and goes stays on the list as flapping instead of alerting each time.
 *
 * A cause is removed at the first diagnosis without it, unless it came back soon after it had gone: then it
 * is kept for some intervals more. Time is the snapshot's.
 */
import type { ExplainedUntil, Snapshot } from '../core/check.ts';
import { WALK_TIMEOUT_SECONDS } from '../core/check.ts';
import type { Instant } from '../core/clock.ts';
import type { Cause, Diagnosis } from '../core/diagnosis.ts';
import { causeKey } from '../core/diagnosis.ts';
import { reasonOf } from '../core/finding.ts';
import { computeVerdict, weightOf } from '../core/verdict.ts';
import type { Verdict } from '../core/vocabulary.ts';
import type { Log, LogData } from '../log.ts';
import { explainedBy, shiftExplained } from './past-causes.ts';
import { hasUnjudged, unjudgedChecks } from './unjudged.ts';

/** A cause that returns within so many intervals of its checks is the same incident. */
const RETURN_INTERVALS = 5;
/** Budgeted checks have long intervals, and are repeated soon if they fail. */
const MAX_INTERVAL_SECONDS = 60;
/** A better verdict waits at most so long for checks that are still to run. */
const MAX_WAIT_SECONDS = WALK_TIMEOUT_SECONDS;
/** From the worst. */
const VERDICTS: readonly Verdict[] = ['broken', 'degraded', 'unsure', 'healthy'];
/** Reasons of a check that is to run at once. */
const IS_TO_RUN: ReadonlySet<string> = new Set(['not-run-yet', 'contradicted']);

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
  #explained: ReadonlyMap<string, ExplainedUntil> = new Map();
  #last: Diagnosis | undefined;
  /** Since when the last diagnosis stands although there is a better one. */
  #waitsSince: Instant | undefined;

  /** What the causes until now account for. */
  explained(): ReadonlyMap<string, ExplainedUntil> {
    return this.#explained;
  }

  /** The wall clock was set: timestamps of the old clock are converted. */
  shift(milliseconds: number): void {
    this.#explained = shiftExplained(this.#explained, milliseconds);
    if (this.#waitsSince !== undefined) this.#waitsSince += milliseconds;
    if (this.#last !== undefined) {
      const causes = this.#last.causes.map((cause) => shiftCause(cause, milliseconds));
      this.#last = { ...this.#last, causes };
    }
    this.#tracked = new Map(
      [...this.#tracked].map(([key, tracked]) => [
        key,
        {
          ...tracked,
          cause: shiftCause(tracked.cause, milliseconds),
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
    if (this.#last !== undefined && isEarly(diagnosis, this.#last, snapshot)) {
      this.#waitsSince ??= now;
      if (now - this.#waitsSince <= MAX_WAIT_SECONDS * 1000) return this.#last;
    } else this.#waitsSince = undefined;
    this.#last = this.#continue(diagnosis, snapshot);
    return this.#last;
  }

  #continue(diagnosis: Diagnosis, snapshot: Snapshot): Diagnosis {
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
    this.#explained = explainedBy(diagnosis, snapshot, this.#explained);
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

function shiftCause(cause: Cause, milliseconds: number): Cause {
  return {
    ...cause,
    since: cause.since + milliseconds,
    evidence: cause.evidence.map((one) => ({ ...one, at: one.at + milliseconds })),
  };
}

/** It is better than the last one, of the same entries, only because checks that take part in it have not run yet. */
function isEarly(diagnosis: Diagnosis, last: Diagnosis, snapshot: Snapshot): boolean {
  if (entriesOf(diagnosis).symmetricDifference(entriesOf(last)).size > 0) return false;
  const isBad = last.verdict === 'broken' || last.verdict === 'degraded';
  if (!isBad || VERDICTS.indexOf(diagnosis.verdict) <= VERDICTS.indexOf(last.verdict)) return false;
  return unjudgedChecks(snapshot, diagnosis.causes).some(
    ({ finding }) => finding.status === 'skipped' || IS_TO_RUN.has(reasonOf(finding) ?? ''),
  );
}

function entriesOf({ runners }: Diagnosis): ReadonlySet<string> {
  return new Set(runners.map(({ runner }) => runner));
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
  const { severities, isBlind } = weightOf(causes);
  const verdict = computeVerdict(
    severities,
    diagnosis.runners,
    isBlind || hasUnjudged(snapshot, causes, diagnosis.runners),
  );
  const [first] = held;
  const isQuiet = diagnosis.causes.length === 0 && first !== undefined && verdict !== 'broken';
  return {
    ...diagnosis,
    verdict,
    causes,
    summary: isQuiet ? settledCause(first).summary : diagnosis.summary,
  };
}

function settledCause({ cause, since, isConfirmed, episodes, goneAt }: Tracked): Cause {
  const confidence = isConfirmed ? 'confirmed' : 'suspected';
  if (episodes === 1) return { ...cause, since, confidence };
  const isGone = goneAt !== undefined;
  const state = isGone ? 'gone at the moment' : 'now again';
  const summary = `${cause.summary} It comes and goes: ${episodes} times so far, ${state}.`;
  return { ...cause, since, confidence, summary, flapping: { episodes, isGone } };
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
