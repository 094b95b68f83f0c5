/**
 * One walk along the path to GitLab: dns, connect, proxy, tls, http, api and the tokens of all entries,
 * over one connection.
 *
 * It only runs links: it runs what is due, passes each link what the one before obtained, marks the rest
 * `skipped` after a failure, keeps the request budget, and closes the connection. The diagnosis decides what a
 * failure means.
 */
import type { Check } from '../core/check.ts';
import { WALK_TIMEOUT_SECONDS } from '../core/check.ts';
import type { CheckId, Finding, ProbeResult } from '../core/finding.ts';
import { reasonOf } from '../core/finding.ts';
import type { Fault, FollowUp, FollowUpTools, Found } from '../core/follow-up.ts';
import { idleFinding, reviseFinding } from '../core/follow-up.ts';
import type { Budget, Walk } from '../core/probe.ts';
import type { Chosen, WalkDeps } from './due.ts';
import { ageSeconds, chooseChecks, endpointIdOf, isBlocking, isRecheck, wantMoved } from './due.ts';
import type { FollowUpMemory, PlannedFollowUp } from './follow-up.ts';
import {
  faultOf,
  followUpsAfter,
  followUpsOf,
  isUntried,
  linksOf,
  paidOf,
  persistingOf,
  runFollowUp,
  subjectOf,
  withBug,
} from './follow-up.ts';
import { wantProofs, wantRecovered } from './proofs.ts';
import { bugText, runCheck } from './run.ts';
import type { Job } from './run.ts';
import type { Known } from './store.ts';
import { toolsFor } from './tools.ts';

/** The checks of one endpoint in the order of the links, the tokens of its entries last. */
export function createWalk(id: string, checks: readonly Check[], deps: WalkDeps): Job {
  const first = checks[0];
  if (first === undefined) throw new Error(`path ${id} has no checks`);
  const followUps = followUpsOf(checks);
  const memory: FollowUpMemory = new Map(deps.paid);
  return {
    id,
    group: 'walk',
    intervalSeconds: first.intervalSeconds,
    timeoutSeconds: WALK_TIMEOUT_SECONDS,
    checks,
    run: async (signal, emit, everything, isFresh = false) => {
      const chosen = chooseChecks(checks, deps, { everything, isFresh });
      wantProofs(checks, deps, chosen);
      await runWalk({ checks, deps, followUps, memory, signal, emit, ...chosen });
      for (const [key, remembered] of paidOf(memory)) deps.paid?.set(key, remembered);
    },
  };
}

interface Plan extends Chosen {
  readonly checks: readonly Check[];
  readonly deps: WalkDeps;
  readonly followUps: readonly PlannedFollowUp[];
  readonly memory: FollowUpMemory;
  readonly signal: AbortSignal;
  readonly emit: (result: ProbeResult) => void;
}

interface Round extends Plan {
  readonly walk: Walk;
  /** By probe id, in this walk. Tokens are judged one by one and not kept here. */
  readonly findings: Map<string, Finding>;
  /** Of each token of this walk. */
  readonly tokens: { readonly check: Check; readonly finding: Finding }[];
  /** Follow-ups that were run. */
  readonly followed: Set<string>;
  /** Links whose last result stands, since they were not due. */
  readonly reused: Set<string>;
  /** Links that passed again: what was known holds until the whole path is known. */
  readonly recovered: Set<CheckId>;
  /** Results that are not emitted yet, oldest first. */
  readonly held: ProbeResult[];
  /** Links whose last result is to be shown again after these. */
  readonly restored: CheckId[];
}

async function runWalk(plan: Plan): Promise<void> {
  const findings = new Map<string, Finding>();
  const round: Round = {
    ...plan,
    walk: { findings },
    findings,
    tokens: [],
    followed: new Set(),
    reused: new Set(),
    recovered: new Set(),
    held: [],
    restored: [],
  };
  try {
    const checks = orderChecks(round);
    for (const check of checks) {
      const before = round.deps.known(check.id)?.result.finding;
      const finding = await nextStep(check, round);
      if (isFlip(check, before, finding)) wantStaleLinks(check, round);
      if (round.recovered.has(check.id)) wantRecovered(checks, check, round.deps, round);
      if (check.probe.id === 'connect') wantMoved(checks, round.walk, round.deps, round);
    }
    await followTokens(round);
    keepPersisting(round);
  } finally {
    for (const result of round.held) round.emit(result);
    for (const id of round.restored) round.deps.restore(id);
    round.walk.socket?.destroy();
  }
}

/** Whether the status of the link changed, so that what later links reported before is stale. */
function isFlip({ probe }: Check, before: Finding | undefined, now: Finding): boolean {
  const { refreshes } = probe;
  if (refreshes === undefined || before === undefined || before.status === now.status) return false;
  const isExcepted = [before, now].some((finding) =>
    refreshes.exceptReasons.includes(reasonOf(finding) ?? ''),
  );
  return !isExcepted && !isBlocking(before) && !isBlocking(now);
}

function wantStaleLinks({ probe: { refreshes } }: Check, { checks, wanted }: Round): void {
  for (const { id, probe } of checks)
    if (refreshes?.links.includes(probe.id) === true) wanted.add(id);
}

/** Links as planned; tokens with the longest wait first, so that they take turns on a small budget. */
function orderChecks({ checks, deps }: Round): readonly Check[] {
  const links = checks.filter((check) => check.target.kind === 'endpoint');
  const tokens = checks.filter((check) => check.target.kind === 'runner');
  const lastRun = (check: Check): number => deps.known(check.id)?.result.startedAt ?? 0;
  return [...links, ...tokens.toSorted((a, b) => lastRun(a) - lastRun(b))];
}

/** Runs, skips or leaves one check; returns the finding that holds for it in this walk. */
async function nextStep(check: Check, round: Round): Promise<Finding> {
  const blocker = check.probe.needs.find((need) => isBlocking(round.findings.get(need)));
  if (blocker !== undefined) {
    const detail = `skipped because ${blocker} did not pass`;
    return emitFinding(check, round, { status: 'skipped', reason: 'earlier-link', detail });
  }
  const { followUp } = check.probe;
  if (followUp !== undefined) return followUpFinding(check, followUp, round);
  if (round.signal.aborted) return outOfTimeFinding(check, round);
  const known = round.deps.known(check.id);
  if (!round.wanted.has(check.id) && known !== undefined) return await reuse(check, known, round);
  if (
    check.probe.requests !== undefined &&
    !isRecheck(known) &&
    !budgetOf(check, round).take(check.probe.id, endpointIdOf(check))
  ) {
    if (known !== undefined && isStillKnown(known, check, round)) {
      return await reuse(check, known, round);
    }
    const detail = round.deps.budget.isPaused(endpointIdOf(check))
      ? 'GitLab asked for fewer requests (Retry-After); the check waits until then'
      : 'the hourly request budget is spent; the check waits for its turn';
    return emitFinding(check, round, { status: 'unknown', reason: 'request-budget', detail });
  }
  return await runLink(check, round);
}

/**
 * A follow-up that ran in this walk has its result already; a second one would replace it. While each of its links was
 * reused nothing new is known, and its last result stands as theirs do.
 */
function followUpFinding(check: Check, followUp: FollowUp, round: Round): Finding {
  const idle = idleFinding(followUp);
  if (round.followed.has(followUp.id)) return idle;
  const known = round.deps.known(check.id);
  const isReused = linksOf(followUp).every((link) => round.reused.has(link));
  if (isReused && known !== undefined) return known.result.finding;
  return round.signal.aborted ? outOfTimeFinding(check, round) : emitFinding(check, round, idle);
}

/** Recent enough; or GitLab sent Retry-After, so the last result stays valid until then. */
function isStillKnown(known: Known, check: Check, { deps }: Round): boolean {
  const isRecent = ageSeconds(known, deps.clock) < check.intervalSeconds * 3;
  return isRecent || deps.budget.isPaused(endpointIdOf(check));
}

function budgetOf(
  { id }: Check,
  { deps, fromReserve }: Pick<Plan, 'deps' | 'fromReserve'>,
): Budget {
  return fromReserve.has(id) ? (deps.reserve ?? deps.budget) : deps.budget;
}

/** The walk's own timeout has passed. A token keeps its last result, since its turn comes again. */
function outOfTimeFinding(check: Check, round: Round): Finding {
  const detail = `the path was stopped after ${WALK_TIMEOUT_SECONDS} s, before this check ran`;
  const finding: Finding = { status: 'unknown', reason: 'overdue', detail };
  return check.target.kind === 'runner' ? finding : emitFinding(check, round, finding);
}

async function reuse(check: Check, known: Known, round: Round): Promise<Finding> {
  if (known.masked) {
    if (round.recovered.size > 0) round.restored.push(check.id);
    else round.deps.restore(check.id);
  }
  round.reused.add(check.probe.id);
  return await settle(check, known.result.finding, round);
}

async function runLink(check: Check, round: Round): Promise<Finding> {
  const deps = { ...round.deps, budget: budgetOf(check, round) };
  const tools = toolsFor(check, deps, round.walk, round.signal);
  const result = await runCheck(check, { ...tools, provesEnd: round.proofs.has(check.id) });
  round.held.push(result);
  const before = round.deps.known(check.id)?.result.finding;
  if (isBlocking(before) && !isBlocking(result.finding)) round.recovered.add(check.id);
  return await settle(check, result.finding, round);
}

function emitFinding(check: Check, round: Round, finding: Finding): Finding {
  const startedAt = round.deps.clock.wall();
  round.held.push({ check: check.id, startedAt, durationSeconds: 0, finding });
  keep(check, finding, round);
  emitDecided(round);
  return finding;
}

/** Runs the follow-ups that a finding makes due; returns the finding that holds after them. */
async function settle(check: Check, finding: Finding, round: Round): Promise<Finding> {
  keep(check, finding, round);
  if (check.target.kind === 'endpoint') await followLink(check, round);
  else round.tokens.push({ check, finding });
  emitDecided(round);
  return round.findings.get(check.probe.id) ?? finding;
}

function keep({ probe, target }: Check, finding: Finding, { findings }: Round): void {
  if (target.kind === 'endpoint') findings.set(probe.id, finding);
}

async function followLink({ id, probe }: Check, round: Round): Promise<void> {
  for (const planned of followUpsAfter(round.followUps, probe.id)) {
    const finding = round.findings.get(probe.id);
    const fault = finding && faultOf(planned.followUp, probe.id, finding);
    if (fault !== undefined) await follow(planned, id, fault, round);
  }
}

/** After all tokens: one that is rejected everywhere says nothing about an address, and another one may. */
async function followTokens(round: Round): Promise<void> {
  for (const planned of round.followUps) {
    const faults = round.tokens
      .flatMap(({ check: { id, probe, target }, finding }) => {
        const fault = faultOf(planned.followUp, probe.id, finding);
        // A pass is in doubt only where the runner contradicted the one before.
        const isInDoubt = finding.status !== 'pass' || round.contradicted.has(id);
        return fault === undefined || !isInDoubt || target.kind !== 'runner'
          ? []
          : [{ id, target, fault }];
      })
      .toSorted((a, b) => (a.id < b.id ? -1 : 1));
    const first = faults.find(({ fault }) => !isPass(fault)) ?? faults[0];
    if (first === undefined) continue;
    const alike = faults.filter(({ fault }) => isPass(fault) === isPass(first.fault));
    const runners = alike.map(({ target }) => target);
    await follow(planned, first.id, { ...first.fault, runners }, round);
  }
}

function isPass({ finding }: Fault): boolean {
  return finding.status === 'pass';
}

/** What follow-ups found in an earlier walk, and still holds. */
function keepPersisting(round: Round): void {
  for (const planned of round.followUps) {
    const { followUp, check } = planned;
    if (followUp.revises === undefined || round.followed.has(followUp.id)) continue;
    const tools = toolsFor(check, round.deps, round.walk, round.signal);
    const ofRevised = recentOf(check.id, round);
    const found = persistingOf(planned, { ...tools, ofRevised }, round.memory);
    if (found !== undefined) layOver(check, found, round);
  }
}

/** Makes the finding of a link more exact, as long as its result is held. */
function layOver(check: Check, found: Found, round: Round): void {
  const finding = replaceHeld(check, (held) => reviseFinding(held, found), round);
  if (finding !== undefined) round.findings.set(check.probe.id, finding);
}

function replaceHeld(
  { id }: Check,
  change: (finding: Finding) => Finding,
  { held }: Round,
): Finding | undefined {
  const index = held.findIndex(({ check }) => check === id);
  const result = held[index];
  if (result === undefined) return undefined;
  const finding = change(result.finding);
  held[index] = { ...result, finding };
  return finding;
}

/** `link`: the check whose finding makes it due. */
async function follow(
  planned: PlannedFollowUp,
  link: CheckId,
  fault: Fault,
  round: Round,
): Promise<void> {
  const { followUp } = planned;
  if (round.followed.has(followUp.id)) return;
  const tools = followUpTools(planned, link, fault, round);
  const subject = subjectOf(planned, tools, round.memory);
  if (subject === undefined || round.signal.aborted) return;
  round.followed.add(followUp.id);
  await (followUp.revises === undefined ? checkOwn : revise)(planned, subject, tools, round);
}

async function checkOwn(
  planned: PlannedFollowUp,
  subject: string,
  tools: FollowUpTools,
  round: Round,
): Promise<void> {
  const result = await runCheck(planned.check, tools, async ({ signal }) => {
    const found = await runFollowUp(planned, subject, { ...tools, signal }, round.memory);
    return reviseFinding(idleFinding(planned.followUp), found);
  });
  round.held.push(result);
}

async function revise(
  planned: PlannedFollowUp,
  subject: string,
  tools: FollowUpTools,
  round: Round,
): Promise<void> {
  const { check } = planned;
  if (round.held.every((result) => result.check !== check.id)) return;
  try {
    layOver(check, await runFollowUp(planned, subject, tools, round.memory), round);
  } catch (error) {
    if (round.signal.aborted || isUntried(error)) return;
    // For the rest of this walk the link is what its probe found.
    replaceHeld(check, (held) => withBug(held, bugText(error, planned.followUp.id)), round);
  }
}

/** Emits deferred results in order, up to a finding that must wait for later links. */
function emitDecided(round: Round): void {
  let [first] = round.held;
  while (first !== undefined && !isOpen(first, round)) {
    round.emit(first);
    round.held.shift();
    [first] = round.held;
  }
}

/** It ends a failure; or a follow-up that revises it may still become due by a link that this walk has not reached. */
function isOpen({ check: id, finding }: ProbeResult, round: Round): boolean {
  const { followUps, followed, findings, checks, recovered } = round;
  if (recovered.has(id)) return true;
  if (isBlocking(finding)) return false;
  return followUps.some((planned) => {
    const { followUp, check } = planned;
    if (check.id !== id || followUp.revises === undefined || followed.has(followUp.id))
      return false;
    const isAhead = checks.some(
      ({ probe }) => linksOf(followUp).includes(probe.id) && !findings.has(probe.id),
    );
    const fault = { name: followUp.revises, link: followUp.revises, finding };
    const tools = followUpTools(planned, id, fault, round);
    return isAhead && subjectOf(planned, tools, round.memory) !== undefined;
  });
}

/** `link`: the check whose finding made it due. */
function followUpTools(
  { check }: PlannedFollowUp,
  link: CheckId,
  fault: Fault,
  round: Round,
): FollowUpTools {
  const { deps, walk, signal } = round;
  const recent = recentOf(link, round);
  const ofRevised = recentOf(check.id, round);
  return { ...toolsFor(check, deps, walk, signal), fault, recent, ofRevised };
}

function recentOf(id: CheckId, { deps }: Round): readonly ProbeResult[] {
  return deps.known(id)?.recent ?? [];
}
