/**
 * One walk along the path to GitLab: dns, connect, proxy, tls, http, api and the tokens of all entries,
 * over one connection.
 *
 * Mechanics only: it runs what is due, hands each link what the one before obtained, leaves the rest
 * `skipped` after a failure, keeps to the request budget, and closes the connection. What a failure
 * means is the diagnosis's business.
 */
import type { Check } from '../core/check.ts';
import { WALK_TIMEOUT_SECONDS } from '../core/check.ts';
import type { Clock } from '../core/clock.ts';
import type { CheckId, Finding, ProbeResult } from '../core/finding.ts';
import { reasonOf } from '../core/finding.ts';
import type { Paths } from '../core/paths.ts';
import type { Budget, Walk } from '../core/probe.ts';
import type { RunnerLogReader } from '../core/runner-event.ts';
import { runCheck } from './run.ts';
import type { Held } from './recheck.ts';
import { deferResults } from './recheck.ts';
import type { Job } from './run.ts';
import type { Known } from './store.ts';
import { ageSeconds, isBlocking, isDue, mayRepeat } from './walk-due.ts';

export interface WalkDeps {
  readonly clock: Clock;
  readonly paths: Paths;
  readonly budget: Budget;
  readonly known: (id: CheckId) => Known | undefined;
  restore(id: CheckId): void;
  readonly runnerLog?: RunnerLogReader;
  /** Where within its interval a slow link has its turn, 0 to 1; without it, an interval after the last look. */
  readonly phase?: (id: CheckId) => number;
}

/** The checks of one endpoint in the order of the links, the tokens of its entries last. */
export function createWalk(id: string, checks: readonly Check[], deps: WalkDeps): Job {
  const first = checks[0];
  if (first === undefined) throw new Error(`path ${id} has no checks`);
  return {
    id,
    group: 'walk',
    intervalSeconds: first.intervalSeconds,
    timeoutSeconds: WALK_TIMEOUT_SECONDS,
    checks,
    run: async (signal, emit, everything, isFresh = false) => {
      const wanted = wantedOf(checks, deps, { everything, isFresh });
      await runWalk({ checks, deps, signal, emit, wanted });
    },
  };
}

interface Round {
  readonly checks: readonly Check[];
  readonly deps: WalkDeps;
  readonly signal: AbortSignal;
  readonly emit: (result: ProbeResult) => void;
  readonly held: Held;
  /** What this walk looks at, decided at its start: a link must not skip what a later one needs. */
  readonly wanted: Set<CheckId>;
}

async function runWalk(given: Omit<Round, 'held'>): Promise<void> {
  /** By probe id, as this walk knows it. Tokens are judged one by one and not kept here. */
  const findings = new Map<string, Finding>();
  const walk: Walk = { findings };
  const round: Round = { ...given, held: deferResults(walk, given.signal, given.emit) };
  try {
    for (const check of inOrder(round)) {
      const before = round.deps.known(check.id)?.result.finding;
      const finding = await nextStep(check, round, walk, findings);
      if (check.target.kind === 'endpoint') findings.set(check.probe.id, finding);
      if (isNews(check, before, finding)) wantApi(round);
    }
  } finally {
    round.held.release();
    walk.socket?.destroy();
  }
}

/** The web tier lets through what it did not, or the reverse: what the API said before no longer speaks. */
function isNews({ probe }: Check, before: Finding | undefined, now: Finding): boolean {
  if (probe.id !== 'http' || before === undefined || isSlow(before) || isSlow(now)) return false;
  return before.status !== now.status && !isBlocking(before) && !isBlocking(now);
}

/** The same answer, and late: it comes and goes, and each time a request to the API would eat up the budget. */
function isSlow(finding: Finding): boolean {
  return reasonOf(finding) === 'slow';
}

function wantApi({ checks, wanted }: Round): void {
  for (const { id, probe } of checks) if (probe.id === 'api') wanted.add(id);
}

/** Links as planned; tokens with the longest wait first, so that they take turns on a small budget. */
function inOrder({ checks, deps }: Round): readonly Check[] {
  const links = checks.filter((check) => check.target.kind === 'endpoint');
  const tokens = checks.filter((check) => check.target.kind === 'runner');
  const lastRun = (check: Check): number => deps.known(check.id)?.result.startedAt ?? 0;
  return [...links, ...tokens.toSorted((a, b) => lastRun(a) - lastRun(b))];
}

/** Runs, skips or leaves one check; returns the finding that holds for it in this walk. */
async function nextStep(
  check: Check,
  round: Round,
  walk: Walk,
  findings: ReadonlyMap<string, Finding>,
): Promise<Finding> {
  const blocker = check.probe.needs.find((need) => isBlocking(findings.get(need)));
  if (blocker !== undefined) {
    const detail = `skipped because ${blocker} did not pass`;
    return emitFinding(check, round, { status: 'skipped', reason: 'earlier-link', detail });
  }
  if (round.signal.aborted) return outOfTime(check, round);
  const known = round.deps.known(check.id);
  if (!round.wanted.has(check.id) && known !== undefined) return reuse(check, known, round);
  if (!round.deps.budget.take(check.probe.id, endpointIdOf(check))) {
    if (known !== undefined && isStillSpeaking(known, check, round)) {
      return reuse(check, known, round);
    }
    const detail = round.deps.budget.isPaused(endpointIdOf(check))
      ? 'GitLab asked for fewer requests (Retry-After); the check waits until then'
      : 'the hourly request budget is spent; the check waits for its turn';
    return emitFinding(check, round, { status: 'unknown', reason: 'request-budget', detail });
  }
  return await runLink(check, round, walk);
}

/** Recent enough; or GitLab asked for quiet, so that what it said last holds until it may be asked again. */
function isStillSpeaking(known: Known, check: Check, { deps }: Round): boolean {
  const isRecent = ageSeconds(known, deps.clock) < check.intervalSeconds * 3;
  return isRecent || deps.budget.isPaused(endpointIdOf(check));
}

/** Load is counted, and quiet is kept, by endpoint: all entries of one GitLab share it. */
function endpointIdOf({ target }: Check): string {
  return target.kind === 'runner' ? (target.endpoint ?? target.id) : target.id;
}

/** The walk's own time is over. A token keeps what is known of it, since it comes round again. */
function outOfTime(check: Check, round: Round): Finding {
  const detail = `the path was stopped after ${WALK_TIMEOUT_SECONDS} s, before this check ran`;
  const finding: Finding = { status: 'unknown', reason: 'overdue', detail };
  return check.target.kind === 'runner' ? finding : emitFinding(check, round, finding);
}

/** What is due, and the unbudgeted links that it travels on. A full round wants everything. */
function wantedOf(
  checks: readonly Check[],
  { clock, known, budget, phase }: WalkDeps,
  { everything, isFresh }: { readonly everything: boolean; readonly isFresh: boolean },
): Set<CheckId> {
  const rhythm = checks[0]?.intervalSeconds ?? 0;
  const isWanted = (check: Check): boolean => {
    const last = known(check.id);
    const turn = check.intervalSeconds > rhythm ? phase?.(check.id) : undefined;
    const isFreshLink = isFresh && check.probe.budgeted !== true;
    return (
      isDue(check, last, clock, turn) || ((everything || isFreshLink) && mayRepeat(last, clock))
    );
  };
  const due = checks.filter((check) => isWanted(check));
  const sendable = due.filter((check) => budget.allows(check.probe.id, endpointIdOf(check)));
  const carriers = carriersOf(sendable, checks).filter(({ probe }) => probe.budgeted !== true);
  return new Set([...due, ...carriers].map(({ id }) => id));
}

/** What these need, and what that needs in turn. What stands beside the way (detour, firewall) carries nothing. */
function carriersOf(wanted: readonly Check[], checks: readonly Check[]): readonly Check[] {
  const needs = new Set(wanted.flatMap(({ probe }) => probe.needs));
  const carriers = checks.filter(({ probe }) => needs.has(probe.id));
  const all = [...new Set([...wanted, ...carriers])];
  return all.length === wanted.length ? carriers : carriersOf(all, checks);
}

function reuse(check: Check, known: Known, { deps }: Round): Finding {
  if (known.masked) deps.restore(check.id);
  return known.result.finding;
}

async function runLink(check: Check, round: Round, walk: Walk): Promise<Finding> {
  const { clock, paths, budget, runnerLog } = round.deps;
  const log = runnerLog === undefined ? {} : { runnerLog };
  const previous = round.deps.known(check.id)?.result.finding;
  const tools = { clock, paths, budget, walk, previous, signal: round.signal, ...log };
  const result = await runCheck(check, tools);
  await round.held.take(result);
  return result.finding;
}

function emitFinding(check: Check, round: Round, finding: Finding): Finding {
  round.emit({
    check: check.id,
    startedAt: round.deps.clock.wall(),
    durationSeconds: 0,
    finding,
  });
  return finding;
}
