/**
 * The state of every check: the last result, since when, how often in a row.
 *
 * Promise: nothing is `pass` without proof. A check without a result, or whose last result is older
 * than three intervals, is `unknown`. States survive a new plan as long as their check does.
 */
import type { Check, CheckState, Counters } from '../core/check.ts';
import { RECENT_RESULTS, WALK_TIMEOUT_SECONDS } from '../core/check.ts';
import type { Clock, Instant } from '../core/clock.ts';
import type { CheckId, Finding, ProbeResult } from '../core/finding.ts';
import { isSameFinding, reasonOf } from '../core/finding.ts';
import { isBudgeted } from '../core/request.ts';

/** A check whose status or reason changed. */
export interface Transition {
  readonly check: CheckId;
  readonly from: string;
  readonly to: string;
  readonly detail: string;
}

/** What the walk needs to decide whether a link is due. */
export interface Known {
  /** The last result of an attempt. */
  readonly result: ProbeResult;
  /** How many such results in a row had the same status and reason. */
  readonly streak: number;
  /** The last such results, oldest first. */
  readonly recent: readonly ProbeResult[];
  /** True if the state shown is another one because an earlier link failed since. */
  readonly masked: boolean;
}

export class Store {
  readonly #clock: Clock;
  #entries = new Map<CheckId, Entry>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Replaces the plan: states of checks that still exist, with the same target, stay; others are removed. */
  adopt(checks: readonly Check[]): void {
    const now = this.#clock.wall();
    this.#entries = new Map(
      checks.map((check) => {
        const entry = this.#entries.get(check.id);
        const stays = entry !== undefined && isSameTarget(entry.check, check);
        return [check.id, stays ? { ...entry, check } : freshEntry(check, now)];
      }),
    );
  }

  /** Stores a result; returns the transition, if any. Results of removed checks are dropped. */
  record(result: ProbeResult): Transition | undefined {
    const entry = this.#entries.get(result.check);
    if (entry === undefined) return undefined;
    const isReal = wasAttempted(result.finding);
    const seenSeconds = this.#seenSeconds(result);
    const same = entry.last !== undefined && isSameFinding(entry.last.finding, result.finding);
    this.#entries.set(result.check, {
      ...entry,
      last: result,
      since: same ? entry.since : this.#clock.wall(),
      streak: same ? entry.streak + 1 : 1,
      seenSeconds,
      ...(isReal ? { ...attemptedResults(entry, result), realSeenSeconds: seenSeconds } : {}),
    });
    if (same) return undefined;
    return {
      check: result.check,
      from: entry.last === undefined ? 'not-run-yet' : labelOf(entry.last.finding),
      to: labelOf(result.finding),
      detail: result.finding.status === 'pass' ? '' : result.finding.detail,
    };
  }

  /** Stores a result saved by an earlier run of the program; it does not count as a run. */
  seed(result: ProbeResult): void {
    const entry = this.#entries.get(result.check);
    if (entry === undefined || entry.last !== undefined) return;
    const since = result.startedAt;
    const seenSeconds = this.#clock.seconds() - (this.#clock.wall() - since) / 1000;
    this.#entries.set(result.check, {
      ...entry,
      seenSeconds,
      realSeenSeconds: seenSeconds,
      last: result,
      lastAttempted: result,
      realStreak: 1,
      recent: [result],
      since,
      streak: 1,
    });
  }

  /** The last attempted result of every budgeted check, for the state file. */
  budgetedResults(): readonly ProbeResult[] {
    return [...this.#entries.values()]
      .filter(({ check }) => isBudgeted(check.probe))
      .flatMap(({ lastAttempted }) => (lastAttempted === undefined ? [] : [lastAttempted]));
  }

  /** Shows an attempted result again after an earlier link masked it; does not count as a run. */
  restore(id: CheckId): Transition | undefined {
    const entry = this.#entries.get(id);
    if (entry?.lastAttempted === undefined || entry.last === entry.lastAttempted) return undefined;
    const { lastAttempted } = entry;
    this.#entries.set(id, {
      ...entry,
      last: lastAttempted,
      since: this.#clock.wall(),
      streak: entry.realStreak,
      seenSeconds: entry.realSeenSeconds,
    });
    return {
      check: id,
      from: entry.last === undefined ? 'not-run-yet' : labelOf(entry.last.finding),
      to: labelOf(lastAttempted.finding),
      detail: lastAttempted.finding.status === 'pass' ? '' : lastAttempted.finding.detail,
    };
  }

  /** A due run was skipped because the previous one had not ended. */
  missed(id: CheckId): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    const counters = { ...entry.counters, missed: entry.counters.missed + 1 };
    this.#entries.set(id, { ...entry, counters });
  }

  known(id: CheckId): Known | undefined {
    const entry = this.#entries.get(id);
    if (entry?.lastAttempted === undefined) return undefined;
    return {
      result: entry.lastAttempted,
      streak: entry.realStreak,
      recent: entry.recent,
      masked: entry.last !== entry.lastAttempted,
    };
  }

  /** True if every check has run once, or could not for a reason that it reports. */
  isComplete(): boolean {
    return this.#entries.values().every((entry) => entry.last !== undefined);
  }

  states(): readonly CheckState[] {
    const now = this.#clock.seconds();
    return [...this.#entries.values()].map((entry) => stateOf(entry, now));
  }

  /** The wall clock was set: timestamps of the old clock are converted. */
  shift(milliseconds: number): void {
    const redated = redater(milliseconds);
    this.#entries = new Map(
      [...this.#entries].map(([id, entry]) => [
        id,
        {
          ...entry,
          since: entry.since + milliseconds,
          last: redated(entry.last),
          lastAttempted: redated(entry.lastAttempted),
          recent: entry.recent.flatMap((result) => redated(result) ?? []),
        },
      ]),
    );
  }

  /** The process was suspended for that long: no check could run, and no result became old. */
  forgive(seconds: number): void {
    const now = this.#clock.seconds();
    // Results stored since then are new and must not live longer.
    const forgiven = (seenSeconds: number): number => Math.min(now, seenSeconds + seconds);
    this.#entries = new Map(
      [...this.#entries].map(([id, entry]) => [
        id,
        {
          ...entry,
          seenSeconds: forgiven(entry.seenSeconds),
          realSeenSeconds: forgiven(entry.realSeenSeconds),
        },
      ]),
    );
  }

  /** A wall clock that was set during the run does not change its age. */
  #seenSeconds({ startedAt, durationSeconds }: ProbeResult): number {
    const age = (this.#clock.wall() - startedAt) / 1000;
    return this.#clock.seconds() - Math.min(Math.max(0, age), durationSeconds + 1);
  }
}

const STALE_AFTER_INTERVALS = 3;
const NO_RUNS: Counters = { runs: 0, failures: 0, missed: 0 };

/** A runner entry keeps its id when its `url` changes, and no result of one GitLab holds for another. */
export function isSameTarget({ target: one }: Check, { target: other }: Check): boolean {
  return one.kind !== 'runner' || other.kind !== 'runner' || one.endpoint === other.endpoint;
}

interface Entry {
  readonly check: Check;
  readonly last: ProbeResult | undefined;
  /** The last attempted result, not one from an earlier link's failure. */
  readonly lastAttempted: ProbeResult | undefined;
  readonly realStreak: number;
  /** When it ran, by the monotonic clock, so that setting the wall clock makes nothing old. */
  readonly seenSeconds: number;
  readonly realSeenSeconds: number;
  readonly recent: readonly ProbeResult[];
  readonly since: Instant;
  readonly streak: number;
  readonly counters: Counters;
}

function freshEntry(check: Check, now: Instant): Entry {
  return {
    check,
    last: undefined,
    lastAttempted: undefined,
    realStreak: 0,
    seenSeconds: 0,
    realSeenSeconds: 0,
    recent: [],
    since: now,
    streak: 0,
    counters: NO_RUNS,
  };
}

function attemptedResults(
  entry: Entry,
  result: ProbeResult,
): Pick<Entry, 'lastAttempted' | 'realStreak' | 'recent' | 'counters'> {
  const same =
    entry.lastAttempted !== undefined && isSameFinding(entry.lastAttempted.finding, result.finding);
  const failed = result.finding.status === 'fail' ? 1 : 0;
  return {
    lastAttempted: result,
    realStreak: same ? entry.realStreak + 1 : 1,
    recent: [...entry.recent.map((one) => withoutAttachments(one)), result].slice(-RECENT_RESULTS),
    counters: {
      ...entry.counters,
      runs: entry.counters.runs + 1,
      failures: entry.counters.failures + failed,
    },
  };
}

/** Of fifty runs only the last keeps its certificates: they are long and mostly equal. */
function withoutAttachments(result: ProbeResult): ProbeResult {
  const { attachments, ...finding } = result.finding;
  return attachments === undefined ? result : { ...result, finding };
}

/** The same result stays the same object, wherever it is kept. */
function redater(milliseconds: number) {
  const done = new Map<ProbeResult, ProbeResult>();
  return (result: ProbeResult | undefined): ProbeResult | undefined => {
    if (result === undefined) return undefined;
    const known = done.get(result);
    const made = known ?? { ...result, startedAt: result.startedAt + milliseconds };
    done.set(result, made);
    return made;
  };
}

/** `now` is of the monotonic clock. */
function stateOf(entry: Entry, now: number): CheckState {
  const { check, last, since, streak, counters, recent } = entry;
  const known = { check, last, recent, counters };
  if (last === undefined) {
    const detail = 'the check has not run yet';
    return { ...known, finding: unknown('not-run-yet', detail), since, streak };
  }
  const intervalSeconds = Math.max(check.intervalSeconds, last.finding.holdsSeconds ?? 0);
  const limitSeconds = STALE_AFTER_INTERVALS * intervalSeconds + turnSecondsOf(check);
  const ageSeconds = now - entry.seenSeconds;
  if (ageSeconds <= limitSeconds) {
    return { ...known, finding: last.finding, since, streak };
  }
  const finding = unknown('stale', `the last result is ${Math.round(ageSeconds)} s old`);
  return { ...known, finding, since: last.startedAt + limitSeconds * 1000, streak: 1 };
}

/** How long a turn may take: a link waits for the links before it, in this walk and in the last one. */
function turnSecondsOf({ target, timeoutSeconds }: Check): number {
  const isOfWalk = target.kind === 'endpoint' || target.kind === 'runner';
  return isOfWalk ? Math.max(timeoutSeconds, WALK_TIMEOUT_SECONDS) : timeoutSeconds;
}

function unknown(reason: string, detail: string): Finding {
  return { status: 'unknown', reason, detail };
}

/** False for a link that was skipped: after a failed link, or waiting for its turn. */
function wasAttempted(finding: Finding): boolean {
  return finding.status !== 'skipped' && reasonOf(finding) !== 'request-budget';
}

function labelOf(finding: Finding): string {
  const reason = reasonOf(finding);
  return reason === undefined ? finding.status : `${finding.status}/${reason}`;
}
