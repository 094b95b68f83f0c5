/**
 * What is known of every check: the last result, since when, how often in a row.
 *
 * Promise: nothing is "fine" without proof. A check without a result, or whose last result is older
 * than three intervals, is `unknown`. States survive a new plan as long as their check does.
 */
import type { Check, CheckState } from '../core/check.ts';
import type { Clock } from '../core/clock.ts';
import type { CheckId, ProbeResult } from '../core/finding.ts';
import type { Entry } from './store-entry.ts';
import {
  freshEntry,
  wasAttempted,
  isSame,
  labelOf,
  realPart,
  redater,
  stateOf,
} from './store-entry.ts';

/** A check whose status or reason changed. */
export interface Transition {
  readonly check: CheckId;
  readonly from: string;
  readonly to: string;
  readonly detail: string;
}

/** What the walk asks before it decides whether a link is due. */
export interface Known {
  /** The last result that came from looking. */
  readonly result: ProbeResult;
  /** How many such results in a row had the same status and reason. */
  readonly streak: number;
  /** True when the state shown now is another one: an earlier link failed since. */
  readonly masked: boolean;
}

export class Store {
  readonly #clock: Clock;
  #entries = new Map<CheckId, Entry>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes over a new plan: states of checks that still exist stay, the others go. */
  adopt(checks: readonly Check[]): void {
    const now = this.#clock.wall();
    this.#entries = new Map(
      checks.map((check) => {
        const entry = this.#entries.get(check.id);
        return [check.id, entry === undefined ? freshEntry(check, now) : { ...entry, check }];
      }),
    );
  }

  /** Files a result; returns what changed, if anything did. Results of checks that are gone are dropped. */
  record(result: ProbeResult): Transition | undefined {
    const entry = this.#entries.get(result.check);
    if (entry === undefined) return undefined;
    const isReal = wasAttempted(result.finding);
    const seenSeconds = this.#seenSeconds(result);
    const same = entry.last !== undefined && isSame(entry.last.finding, result.finding);
    this.#entries.set(result.check, {
      ...entry,
      last: result,
      since: same ? entry.since : this.#clock.wall(),
      streak: same ? entry.streak + 1 : 1,
      seenSeconds,
      ...(isReal ? { ...realPart(entry, result), realSeenSeconds: seenSeconds } : {}),
    });
    if (same) return undefined;
    return {
      check: result.check,
      from: entry.last === undefined ? 'not-run-yet' : labelOf(entry.last.finding),
      to: labelOf(result.finding),
      detail: result.finding.status === 'pass' ? '' : result.finding.detail,
    };
  }

  /** Files a result remembered from an earlier run of the program; it counts as no run of this one. */
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

  /** The last real result of every budgeted check, for the state file. */
  budgetedResults(): readonly ProbeResult[] {
    return [...this.#entries.values()]
      .filter(({ check }) => check.probe.budgeted === true)
      .flatMap(({ lastAttempted }) => (lastAttempted === undefined ? [] : [lastAttempted]));
  }

  /** Shows a real result again after an earlier link hid it; counts nothing. */
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

  /** A due run did not take place because the one before had not ended. */
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
      masked: entry.last !== entry.lastAttempted,
    };
  }

  /** True when every check has been looked at once, or could not be for a reason it gives. */
  isComplete(): boolean {
    return this.#entries.values().every((entry) => entry.last !== undefined);
  }

  states(): readonly CheckState[] {
    const now = this.#clock.seconds();
    return [...this.#entries.values()].map((entry) => stateOf(entry, now));
  }

  /** The wall clock was set: what was dated by the old one is dated anew. */
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

  /** The whole program stood still for that long: nothing could be looked at, and nothing became old. */
  forgive(seconds: number): void {
    const now = this.#clock.seconds();
    // What was seen since then is new by itself, and must not last longer for it.
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

  /** A wall clock that was set during the run says nothing of its age. */
  #seenSeconds({ startedAt, durationSeconds }: ProbeResult): number {
    const age = (this.#clock.wall() - startedAt) / 1000;
    return this.#clock.seconds() - Math.min(Math.max(0, age), durationSeconds + 1);
  }
}
