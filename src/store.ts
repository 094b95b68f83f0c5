/**
 * What is known of every check: the last result, since when, how often in a row.
 *
 * Promise: nothing is "fine" without proof. A check without a result, or whose last result is older
 * than three intervals, is `unknown`. States survive a new plan as long as their check does.
 */
import type { Check, CheckState, Counters } from './core/check.ts';
import { RECENT_RESULTS } from './core/check.ts';
import type { Clock, Instant } from './core/clock.ts';
import type { CheckId, Finding, ProbeResult } from './core/finding.ts';
import { reasonOf } from './core/finding.ts';

const STALE_AFTER_INTERVALS = 3;
const NO_RUNS: Counters = { runs: 0, failures: 0, missed: 0 };

interface Entry {
  readonly check: Check;
  readonly last: ProbeResult | undefined;
  /** The last result that came from looking, not from an earlier link's failure. */
  readonly lastReal: ProbeResult | undefined;
  readonly realStreak: number;
  readonly recent: readonly ProbeResult[];
  readonly since: Instant;
  readonly streak: number;
  readonly counters: Counters;
}

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
  readonly hidden: boolean;
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
    const isReal = isLook(result.finding);
    const same = entry.last !== undefined && isSame(entry.last.finding, result.finding);
    this.#entries.set(result.check, {
      ...entry,
      last: result,
      since: same ? entry.since : this.#clock.wall(),
      streak: same ? entry.streak + 1 : 1,
      ...(isReal ? realPart(entry, result) : {}),
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
    this.#entries.set(result.check, {
      ...entry,
      last: result,
      lastReal: result,
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
      .flatMap(({ lastReal }) => (lastReal === undefined ? [] : [lastReal]));
  }

  /** Shows a real result again after an earlier link hid it; counts nothing. */
  restore(id: CheckId): Transition | undefined {
    const entry = this.#entries.get(id);
    if (entry?.lastReal === undefined || entry.last === entry.lastReal) return undefined;
    const { lastReal } = entry;
    this.#entries.set(id, {
      ...entry,
      last: lastReal,
      since: this.#clock.wall(),
      streak: entry.realStreak,
    });
    return {
      check: id,
      from: entry.last === undefined ? 'not-run-yet' : labelOf(entry.last.finding),
      to: labelOf(lastReal.finding),
      detail: lastReal.finding.status === 'pass' ? '' : lastReal.finding.detail,
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
    if (entry?.lastReal === undefined) return undefined;
    return {
      result: entry.lastReal,
      streak: entry.realStreak,
      hidden: entry.last !== entry.lastReal,
    };
  }

  /** True when every check has been looked at once, or could not be for a reason it gives. */
  isComplete(): boolean {
    return this.#entries.values().every((entry) => entry.last !== undefined);
  }

  states(): readonly CheckState[] {
    const now = this.#clock.wall();
    return [...this.#entries.values()].map((entry) => stateOf(entry, now));
  }
}

function freshEntry(check: Check, now: Instant): Entry {
  return {
    check,
    last: undefined,
    lastReal: undefined,
    realStreak: 0,
    recent: [],
    since: now,
    streak: 0,
    counters: NO_RUNS,
  };
}

function realPart(
  entry: Entry,
  result: ProbeResult,
): Pick<Entry, 'lastReal' | 'realStreak' | 'recent' | 'counters'> {
  const same = entry.lastReal !== undefined && isSame(entry.lastReal.finding, result.finding);
  const failed = result.finding.status === 'fail' ? 1 : 0;
  return {
    lastReal: result,
    realStreak: same ? entry.realStreak + 1 : 1,
    recent: [...entry.recent.map((one) => withoutAttachments(one)), result].slice(-RECENT_RESULTS),
    counters: {
      ...entry.counters,
      runs: entry.counters.runs + 1,
      failures: entry.counters.failures + failed,
    },
  };
}

/** Of fifty runs only the last keeps its certificates: they are long, and mostly the same. */
function withoutAttachments(result: ProbeResult): ProbeResult {
  const { attachments, ...finding } = result.finding;
  return attachments === undefined ? result : { ...result, finding };
}

function stateOf(entry: Entry, now: Instant): CheckState {
  const { check, last, since, streak, counters, recent } = entry;
  const known = { check, last, recent, counters };
  if (last === undefined) {
    const detail = `${check.id} has not run yet`;
    return { ...known, finding: unknown('not-run-yet', detail), since, streak };
  }
  const intervalSeconds = Math.max(check.intervalSeconds, last.finding.holdsSeconds ?? 0);
  const limitMilliseconds = (STALE_AFTER_INTERVALS * intervalSeconds + check.timeoutSeconds) * 1000;
  const ageMilliseconds = now - last.startedAt;
  if (ageMilliseconds <= limitMilliseconds) {
    return { ...known, finding: last.finding, since, streak };
  }
  const finding = unknown(
    'stale',
    `the last result is ${Math.round(ageMilliseconds / 1000)} s old`,
  );
  return { ...known, finding, since: last.startedAt + limitMilliseconds, streak: 1 };
}

function unknown(reason: string, detail: string): Finding {
  return { status: 'unknown', reason, detail };
}

/** False for what was not tried: behind a failed link, or waiting for its turn. */
function isLook(finding: Finding): boolean {
  return finding.status !== 'skipped' && reasonOf(finding) !== 'request-budget';
}

function isSame(a: Finding, b: Finding): boolean {
  return a.status === b.status && reasonOf(a) === reasonOf(b);
}

function labelOf(finding: Finding): string {
  const reason = reasonOf(finding);
  return reason === undefined ? finding.status : `${finding.status}/${reason}`;
}
