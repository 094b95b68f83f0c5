/** What works of each entry: whether it reaches GitLab, and whether its executor can run a job. */
import type { CheckState } from '../core/check.ts';
import type { Cause, RunnerVerdict } from '../core/diagnosis.ts';
import type { RunnerTarget } from '../core/target.ts';
import { sortBySeverity } from '../core/vocabulary.ts';
import { causeSpec } from './catalogue/index.ts';
import { SETTLE_SECONDS, eventsOfRunner } from './runner-events.ts';
import { specOfFinding } from './rules/default.ts';
import type { Failing } from './rules/poll-failure-explanations.ts';
import { failingPolls } from './rules/runner-polls.ts';
import type { SnapshotIndex } from './snapshot-index.ts';
import { executorsOf, isFail, linkOf } from './snapshot-index.ts';

type Chain = RunnerVerdict['chain'];

export function judgeRunners(
  causes: readonly Cause[],
  indexed: SnapshotIndex,
): readonly RunnerVerdict[] {
  const causesOf = causesByRunner(causes);
  return indexed.context.runners.map((runner) =>
    judgeRunner(runner, causesOf.get(runner.id) ?? [], indexed),
  );
}

/** Of each entry the worst first; within one severity the first in the order of blame. */
function causesByRunner(causes: readonly Cause[]): ReadonlyMap<string, readonly Cause[]> {
  const pairs = sortBySeverity(causes).flatMap((cause) =>
    cause.scope.runners.map((runner) => ({ runner, cause })),
  );
  const groups = Map.groupBy(pairs, ({ runner }) => runner);
  return new Map([...groups].map(([runner, own]) => [runner, own.map(({ cause }) => cause)]));
}

function judgeRunner(
  runner: RunnerTarget,
  causes: readonly Cause[],
  indexed: SnapshotIndex,
): RunnerVerdict {
  const { id, name, executor, url } = runner;
  const [cause] = causes;
  const states = linksOf(runner, indexed);
  const chain = chainOf(states);
  return {
    runner: id,
    name,
    executor,
    url,
    chain,
    connected: isConnected(runner, causes, { states, chain }, indexed),
    canRunJobs: canRunJobs(runner, causes, indexed),
    ...(cause === undefined ? {} : { cause: cause.id }),
  };
}

/** The links of its endpoint, and its own token. */
function linksOf(runner: RunnerTarget, indexed: SnapshotIndex): readonly CheckState[] {
  const endpoint = indexed.context.endpoints.find(({ id }) => id === runner.endpoint);
  const links = endpoint === undefined ? [] : indexed.linksOf(endpoint);
  const token = indexed.tokenOf(runner);
  return token === undefined ? links : [...links, token];
}

function chainOf(states: readonly CheckState[]): Chain {
  return Object.fromEntries(
    states.flatMap((state) => {
      const link = linkOf(state);
      return link === undefined ? [] : [[link, state.finding.status]];
    }),
  );
}

interface Path {
  readonly states: readonly CheckState[];
  readonly chain: Chain;
}

/** Links tell, unless the runner itself knows better: its own polls work, or fail. */
function isConnected(
  runner: RunnerTarget,
  causes: readonly Cause[],
  { states, chain }: Path,
  indexed: SnapshotIndex,
): boolean | undefined {
  const failed = states.filter((state) => isFail(state) || isAnnouncedStop(state));
  if (failed.length > 0) {
    const verdicts = failed.map((link) => passesAnyway(link, runner, causes, indexed));
    return verdicts.includes(false) ? false : verdicts.find((one) => one !== undefined);
  }
  const polls = failingPolls(indexed, runner);
  if (polls !== undefined) return isNamed(polls, causes) ? isPartial(causes) : undefined;
  const statuses = Object.values(chain);
  const isOpen =
    statuses.length > 0 && statuses.every((status) => status === 'pass' || status === 'warn');
  return isOpen ? true : undefined;
}

/** GitLab says nothing of the token, since it takes no writes at the moment: it gives no jobs either. */
function isAnnouncedStop(state: CheckState): boolean {
  return state.finding.status === 'unknown' && specOfFinding(state)?.isAnnounced === true;
}

/** A link that fails for us: whether the runner's requests pass it; undefined where that is not known. */
function passesAnyway(
  link: CheckState,
  runner: RunnerTarget,
  causes: readonly Cause[],
  indexed: SnapshotIndex,
): boolean | undefined {
  const own = causes.filter((cause) => accountsFor(cause, link));
  if (isPartial(own) || hasPolledSince(link, runner, indexed)) return true;
  const isMonitor = own.length > 0 && own.every(({ scope }) => scope.kind === 'monitor');
  return isMonitor ? undefined : false;
}

function accountsFor({ evidence, explains }: Cause, { check: { id } }: CheckState): boolean {
  return explains.includes(id) || evidence.some(({ check }) => check === id);
}

/** Some of the requests still succeed. */
function isPartial(causes: readonly Cause[]): boolean {
  return causes.some(({ id }) => causeSpec(id)?.isPartial === true);
}

function hasPolledSince(
  { since }: CheckState,
  runner: RunnerTarget,
  indexed: SnapshotIndex,
): boolean {
  const [worked] = eventsOfRunner(indexed, runner, 'polls-worked', 'poll-worked');
  return worked !== undefined && worked.event.lastAt > since + SETTLE_SECONDS * 1000;
}

/** A cause reports these failures. */
function isNamed({ seen: { state, event } }: Failing, causes: readonly Cause[]): boolean {
  return causes.some(({ evidence }) =>
    evidence.some(({ check, at }) => check === state.check.id && at === event.lastAt),
  );
}

/** Its executor was looked at and can run jobs; undefined where nothing looked at it. */
function canRunJobs(
  runner: RunnerTarget,
  causes: readonly Cause[],
  indexed: SnapshotIndex,
): boolean | undefined {
  const executors = executorsOf(indexed, runner);
  const isStopped = causes.some(({ id }) => causeSpec(id)?.stopsJobs === true);
  if (isStopped || executors.some((state) => isFail(state) && !isOurs(state))) return false;
  const isProven =
    executors.length > 0 &&
    executors.every(({ finding: { status } }) => status === 'pass' || status === 'warn');
  return isProven ? true : undefined;
}

/** It failed for us alone. */
function isOurs(state: CheckState): boolean {
  return specOfFinding(state)?.scope === 'monitor';
}
