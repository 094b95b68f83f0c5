/** Which links of a walk run now: those that are due, and those whose last pass the runner contradicts. */
import type { Check } from '../core/check.ts';
import type { Clock } from '../core/clock.ts';
import type { CheckId, Fact, Finding } from '../core/finding.ts';
import type { Budget, Walk } from '../core/probe.ts';
import { isBudgeted } from '../core/request.ts';
import type { FollowUpMemory } from './follow-up.ts';
import type { Known } from './store.ts';
import type { ToolDeps } from './tools.ts';

export interface WalkDeps extends ToolDeps {
  /** For links that the runner contradicts, and for failures at an address that the name has left. */
  readonly reserve?: Budget;
  /** What follow-ups found with requests of the hourly budget: it is kept over a new plan. */
  readonly paid?: FollowUpMemory;
  /** The passes of these checks that the runner contradicts. */
  readonly contradicted?: (checks: readonly Check[]) => ReadonlySet<CheckId>;
  /** Those of these checks that do not pass, and may by now. */
  readonly mayPass?: (checks: readonly Check[]) => ReadonlySet<CheckId>;
  restore(id: CheckId): void;
  /** Offset of a slow link within its interval, 0 to 1; without it, one interval after its last run. */
  readonly phase?: (id: CheckId) => number;
}

const NO_CHECKS: ReadonlySet<CheckId> = new Set();

/** What this walk runs, decided at its start: a link must not skip what a later one needs. */
export interface Chosen {
  readonly wanted: Set<CheckId>;
  /**
   * Those of them that run from the reserve: the runner contradicts their last pass, or there is a sign that their fault is
   * over, or their failure is of an old address.
   */
  readonly fromReserve: Set<CheckId>;
  /** Those of them that are asked for the proof that a fault is over. */
  readonly proofs: Set<CheckId>;
  /** Checks whose last pass the runner contradicts. */
  readonly contradicted: ReadonlySet<CheckId>;
}

/**
 * The links that are due, those whose last pass the runner contradicts, and the unbudgeted links they need. A full round
 * runs all.
 */
export function chooseChecks(
  checks: readonly Check[],
  deps: WalkDeps,
  { everything, isFresh }: { readonly everything: boolean; readonly isFresh: boolean },
): Chosen {
  const { clock, known, phase, budget, reserve } = deps;
  const contradicted = deps.contradicted?.(checks) ?? NO_CHECKS;
  const rhythm = checks[0]?.intervalSeconds ?? 0;
  const isWanted = (check: Check): boolean => {
    const last = known(check.id);
    const turn = check.intervalSeconds > rhythm ? phase?.(check.id) : undefined;
    const isFreshLink = isFresh && !isBudgeted(check.probe);
    return (
      isDue(check, last, clock, turn) || ((everything || isFreshLink) && mayRepeat(last, clock))
    );
  };
  const isAllowed = (check: Check, by: Budget = budget): boolean =>
    isRecheck(known(check.id)) || by.allows(check.probe.id, endpointIdOf(check));
  const regular = checks.filter((check) => isWanted(check));
  const urgent = checks.filter(
    (check) =>
      contradicted.has(check.id) &&
      !(regular.includes(check) && isAllowed(check)) &&
      isAllowed(check, reserve),
  );
  const due = [...new Set([...regular, ...urgent])];
  const sendable = due.filter((check) => urgent.includes(check) || isAllowed(check));
  const carriers = carriersOf(sendable, checks).filter(({ probe }) => !isBudgeted(probe));
  return {
    wanted: new Set([...due, ...carriers].map(({ id }) => id)),
    fromReserve: new Set(urgent.map(({ id }) => id)),
    proofs: new Set(),
    contradicted,
  };
}

/**
 * A name that moves again and again, such as that of a load balancer, must not spend the budget; nor the reserve, from which
 * one entry of an endpoint is asked: the rest is for contradictions.
 */
const MOVED_SECONDS = { failed: 300, passed: 900, fromReserve: 900 } as const;

/**
 * Adds the budgeted links whose last result is of an address that the name no longer has: it says nothing about the one
 * in use. A failure is asked again from the reserve, if need be: a repair of the address must not wait for its turn.
 */
export function wantMoved(
  checks: readonly Check[],
  { addresses = [] }: Walk,
  deps: WalkDeps,
  chosen: Chosen,
): void {
  if (addresses.length === 0) return;
  const current = new Set<Fact>(addresses.map(({ address }) => address));
  const budgeted = checks.filter(({ probe }) => isBudgeted(probe));
  const added = budgeted.filter((check) => {
    const finding = deps.known(check.id)?.result.finding;
    const met = finding?.facts?.['address'];
    if (met === undefined || current.has(met) || chosen.fromReserve.has(check.id)) return false;
    const planned = budgeted.filter((one) => one !== check && isPlanned(one, chosen)).length;
    return addMoved(check, isBlocking(finding) ? 'failed' : 'passed', planned, deps, chosen);
  });
  const carriers = carriersOf(added, checks).filter(({ probe }) => !isBudgeted(probe));
  for (const { id } of carriers) chosen.wanted.add(id);
}

function isPlanned({ id }: Check, { wanted, fromReserve }: Chosen): boolean {
  return wanted.has(id) && !fromReserve.has(id);
}

/** Marks a use of `once` only where the request may be sent: what waits for the budget must not wait for longer. */
function addMoved(
  check: Check,
  last: 'failed' | 'passed',
  /** So many others of this walk draw on the budget before it. */
  planned: number,
  { budget, reserve }: WalkDeps,
  { wanted, fromReserve }: Chosen,
): boolean {
  const { id, probe } = check;
  const endpoint = endpointIdOf(check);
  if (budget.allows(probe.id, endpoint, planned)) {
    if (wanted.has(id) || !budget.once(`moved-${last}:${id}`, MOVED_SECONDS[last])) return false;
    wanted.add(id);
    return true;
  }
  const isFree =
    last === 'failed' && reserve?.allows(probe.id, endpoint, fromReserve.size) === true;
  if (!isFree || !budget.once(`moved-reserve:${endpoint}`, MOVED_SECONDS.fromReserve)) return false;
  fromReserve.add(id);
  wanted.add(id);
  return true;
}

/** Its next run draws on the budget by itself, if it has to. */
export function isRecheck(known: Known | undefined): boolean {
  return known?.result.finding.recheckSeconds !== undefined;
}

/** All links that these need, directly or indirectly. */
export function carriersOf(wanted: readonly Check[], checks: readonly Check[]): readonly Check[] {
  const needs = new Set(wanted.flatMap(({ probe }) => probe.needs));
  const carriers = checks.filter(({ probe }) => needs.has(probe.id));
  const all = [...new Set([...wanted, ...carriers])];
  return all.length === wanted.length ? carriers : carriersOf(all, checks);
}

/** Load is counted, and Retry-After kept, by endpoint: all entries of one GitLab share it. */
export function endpointIdOf({ target }: Check): string {
  return target.kind === 'runner' ? (target.endpoint ?? target.id) : target.id;
}

/** Retry a failed budgeted check twice before confirming: one bad response is no proof. */
const CONFIRM_AFTER_SECONDS = 25;
const CONFIRMATIONS = 3;

/** A link that does not apply has no finding and blocks nothing. */
export function isBlocking(finding: Finding | undefined): boolean {
  return finding !== undefined && finding.status !== 'pass' && finding.status !== 'warn';
}

/** Even a full round does not repeat a request that GitLab asked to delay. */
function mayRepeat(known: Known | undefined, clock: Clock): boolean {
  return (
    known === undefined || ageSeconds(known, clock) >= (known.result.finding.holdsSeconds ?? 0)
  );
}

function isDue(
  check: Check,
  known: Known | undefined,
  clock: Clock,
  phase: number | undefined,
): boolean {
  if (known === undefined) return true;
  const { recheckSeconds } = known.result.finding;
  if (recheckSeconds !== undefined) return ageSeconds(known, clock) >= recheckSeconds - 0.5;
  const failed = isBlocking(known.result.finding);
  if (!isBudgeted(check.probe) && (failed || known.masked)) return true;
  const confirming = failed && known.streak < CONFIRMATIONS;
  const pace = confirming
    ? Math.min(CONFIRM_AFTER_SECONDS, check.intervalSeconds)
    : check.intervalSeconds;
  const holds = known.result.finding.holdsSeconds ?? 0;
  if (phase !== undefined && !confirming) return isTurn(check, known, clock, phase, holds);
  const wait = Math.max(pace, holds);
  // Half a second of grace: a walk that starts a little early must not postpone a check by a whole round.
  return ageSeconds(known, clock) >= wait - 0.5;
}

/**
 * The turns of a host are at fixed moments of the wall clock. If they were counted from the last run, fifty hosts
 * that started together would always send their requests at the same moment.
 */
function isTurn(
  { intervalSeconds }: Check,
  known: Known,
  clock: Clock,
  phase: number,
  holdsSeconds: number,
): boolean {
  const restSeconds = Math.max(intervalSeconds / 2, holdsSeconds) - 0.5;
  const rested = known.result.startedAt + restSeconds * 1000;
  const now = clock.wall();
  const turnOf = (at: number): number => Math.floor(at / 1000 / intervalSeconds - phase);
  return now >= rested && turnOf(now) !== turnOf(rested);
}

export function ageSeconds(known: Known, clock: Clock): number {
  return (clock.wall() - known.result.startedAt) / 1000;
}
