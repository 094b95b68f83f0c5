/** What is known of one check, and how it is shown: the store keeps these and nothing else. */
import type { Check, CheckState, Counters } from '../core/check.ts';
import { RECENT_RESULTS, WALK_TIMEOUT_SECONDS } from '../core/check.ts';
import type { Instant } from '../core/clock.ts';
import type { Finding, ProbeResult } from '../core/finding.ts';
import { reasonOf } from '../core/finding.ts';

const STALE_AFTER_INTERVALS = 3;
const NO_RUNS: Counters = { runs: 0, failures: 0, missed: 0 };

export interface Entry {
  readonly check: Check;
  readonly last: ProbeResult | undefined;
  /** The last result that came from looking, not from an earlier link's failure. */
  readonly lastAttempted: ProbeResult | undefined;
  readonly realStreak: number;
  /** When it was looked, by the monotonic clock: a wall clock that is set makes nothing old. */
  readonly seenSeconds: number;
  readonly realSeenSeconds: number;
  readonly recent: readonly ProbeResult[];
  readonly since: Instant;
  readonly streak: number;
  readonly counters: Counters;
}

export function freshEntry(check: Check, now: Instant): Entry {
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

export function realPart(
  entry: Entry,
  result: ProbeResult,
): Pick<Entry, 'lastAttempted' | 'realStreak' | 'recent' | 'counters'> {
  const same =
    entry.lastAttempted !== undefined && isSame(entry.lastAttempted.finding, result.finding);
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

/** Of fifty runs only the last keeps its certificates: they are long, and mostly the same. */
function withoutAttachments(result: ProbeResult): ProbeResult {
  const { attachments, ...finding } = result.finding;
  return attachments === undefined ? result : { ...result, finding };
}

/** The same result stays the same object, wherever it is kept. */
export function redater(milliseconds: number) {
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
export function stateOf(entry: Entry, now: number): CheckState {
  const { check, last, since, streak, counters, recent } = entry;
  const known = { check, last, recent, counters };
  if (last === undefined) {
    const detail = 'it has not run yet';
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

/** False for what was not tried: behind a failed link, or waiting for its turn. */
export function wasAttempted(finding: Finding): boolean {
  return finding.status !== 'skipped' && reasonOf(finding) !== 'request-budget';
}

export function isSame(a: Finding, b: Finding): boolean {
  return a.status === b.status && reasonOf(a) === reasonOf(b);
}

export function labelOf(finding: Finding): string {
  const reason = reasonOf(finding);
  return reason === undefined ? finding.status : `${finding.status}/${reason}`;
}
