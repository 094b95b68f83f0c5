/**
 * What a restart, or a `runnerwatch check` beside the daemon, needs to keep the load on GitLab within its budget: when
 * requests were sent, the results of the budgeted checks, and what follow-ups found with such requests.
 */
import type { Check } from '../core/check.ts';
import type { Clock, Instant } from '../core/clock.ts';
import type { CheckId, Finding, ProbeResult } from '../core/finding.ts';
import { dataNamed, namedData } from '../core/finding-data.ts';
import { isRecord } from '../core/json.ts';
import { isBudgeted } from '../core/request.ts';
import { STATUSES } from '../core/vocabulary.ts';
import type { FollowUpMemory } from './follow-up.ts';
import { paidOf } from './follow-up.ts';
import type { SavedBudget } from './request-budget.ts';
import { EMPTY_BUDGET } from './request-budget.ts';

const SCHEMA = 1;
const MAX_PAID_MILLISECONDS = 2 * 3_600_000;

export interface SavedState {
  readonly budget: SavedBudget;
  readonly results: readonly ProbeResult[];
  /** What follow-ups found with requests of the hourly budget. */
  readonly paid: readonly SavedFound[];
}

interface SavedFound {
  readonly key: string;
  readonly until: Instant;
  readonly found: Finding;
  readonly data: Readonly<Record<string, unknown>>;
}

const EMPTY_STATE: SavedState = { budget: EMPTY_BUDGET, results: [], paid: [] };

/** The document that is written to the state directory. */
export function stateDocument(state: SavedState): unknown {
  return { schema: SCHEMA, ...state };
}

/** Reads the valid parts of a state file; ignores the rest. */
export function savedStateOf(document: unknown): SavedState {
  if (!isRecord(document) || document['schema'] !== SCHEMA) return EMPTY_STATE;
  const { budget, results, paid } = document;
  return {
    budget: isRecord(budget) ? budgetOf(budget) : EMPTY_BUDGET,
    results: Array.isArray(results) ? results.filter((item) => isResult(item)) : [],
    paid: Array.isArray(paid) ? paid.filter((item) => isSavedFound(item)) : [],
  };
}

/** Saved results that are still valid: of a budgeted check of this plan, younger than its interval. */
export function stillValid(
  results: readonly ProbeResult[],
  checks: readonly Check[],
  now: Instant,
): readonly ProbeResult[] {
  const budgeted = new Map<CheckId, Check>(
    checks.filter(({ probe }) => isBudgeted(probe)).map((check) => [check.id, check]),
  );
  return results.filter(({ check, startedAt, finding }) => {
    const known = budgeted.get(check);
    if (known === undefined || startedAt > now) return false;
    const isDeclared =
      finding.status === 'pass' || Object.hasOwn(known.probe.reasons, finding.reason);
    return isDeclared && now - startedAt < known.intervalSeconds * 1000;
  });
}

/** What was found; that nothing was is not asked again within the hour anyway. */
export function savedPaid(memory: FollowUpMemory, clock: Clock): readonly SavedFound[] {
  return [...paidOf(memory)].flatMap(([key, { untilSeconds, found }]): readonly SavedFound[] => {
    const leftSeconds = untilSeconds - clock.seconds();
    if (found.status === undefined || leftSeconds <= 0) return [];
    const { data = {}, ...rest } = found;
    const until = clock.wall() + leftSeconds * 1000;
    return [{ key, until, found: rest, data: namedData(data) }];
  });
}

/** No longer than it could hold: the wall clock may have been set meanwhile. */
export function paidMemoryOf(
  saved: readonly SavedFound[],
  reasons: ReadonlySet<string>,
  clock: Clock,
): FollowUpMemory {
  const now = clock.wall();
  const kept = saved.filter(
    ({ until, found }) =>
      until > now &&
      until - now <= MAX_PAID_MILLISECONDS &&
      (found.status === 'pass' || reasons.has(found.reason)),
  );
  return new Map(
    kept.map(({ key, until, found, data }) => [
      key,
      {
        untilSeconds: clock.seconds() + (until - now) / 1000,
        found: { ...found, data: dataNamed(data) },
        isPaid: true,
      },
    ]),
  );
}

function isSavedFound(item: unknown): item is SavedFound {
  if (!isRecord(item) || !isFinding(item['found'])) return false;
  const { key, until, data } = item;
  return typeof key === 'string' && typeof until === 'number' && isRecord(data);
}

function budgetOf(budget: Readonly<Record<string, unknown>>): SavedBudget {
  const { sentAt, reserveSentAt, onceAt, pausedUntil } = budget;
  return {
    sentAt: instantsOf(sentAt),
    reserveSentAt: instantsOf(reserveSentAt),
    onceAt: timesOf(onceAt),
    pausedUntil: timesOf(pausedUntil),
  };
}

function instantsOf(list: unknown): readonly Instant[] {
  return Array.isArray(list) ? list.filter((at) => typeof at === 'number') : [];
}

function timesOf(named: unknown): Readonly<Record<string, Instant>> {
  if (!isRecord(named)) return {};
  return Object.fromEntries(
    Object.entries(named).filter(
      (entry): entry is [string, number] => typeof entry[1] === 'number',
    ),
  );
}

function isResult(item: unknown): item is ProbeResult {
  if (!isRecord(item) || !isFinding(item['finding'])) return false;
  const { check, startedAt, durationSeconds } = item;
  return (
    typeof check === 'string' &&
    check.includes('@') &&
    typeof startedAt === 'number' &&
    typeof durationSeconds === 'number'
  );
}

function isFinding(item: unknown): item is Finding {
  if (!isRecord(item)) return false;
  const { status, reason, detail } = item;
  if (status === 'pass') return true;
  const isStatus = (STATUSES as readonly unknown[]).includes(status) && status !== 'skipped';
  return isStatus && typeof reason === 'string' && typeof detail === 'string';
}
