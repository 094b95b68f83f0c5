/** What works of each entry: whether it reaches GitLab, and whether its executor can run a job. */
import type { CheckState } from '../core/check.ts';
import type { Cause, RunnerVerdict } from '../core/diagnosis.ts';
import { detailOf } from '../core/finding.ts';
import { SETTLE_SECONDS } from '../core/poll-times.ts';
import type { RunnerTarget } from '../core/target.ts';
import { sortBySeverity } from '../core/vocabulary.ts';
import { causeSpec } from './catalogue/index.ts';
import { lacksFolder, lacksHelperImage } from './job-needs.ts';
import { eventsOfRunner } from './runner-events.ts';
import { specOfFinding } from './rules/default.ts';
import type { Failing } from './rules/poll-failure-explanations.ts';
import { penaltyOf } from './rules/runner-disabled.ts';
import { doubtOfPolls, failingPolls } from './rules/runner-polls.ts';
import { runnersWithOwnJobs, runnersWithOwnPolls } from './own-proof.ts';
import { isProvenByJob, isProvenByPoll } from './unjudged.ts';
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
  const path = judgePath(runner, causes, states, indexed);
  const jobs = judgeJobs(runner, causes, indexed);
  const isStopped = path.works === false || jobs.works === false;
  const unproven = isStopped ? undefined : (path.why ?? jobs.why);
  return {
    runner: id,
    name,
    executor,
    url,
    chain,
    connected: path.works,
    canRunJobs: jobs.works,
    ...(unproven === undefined ? {} : { unproven }),
    ...(cause === undefined ? {} : { cause: cause.id }),
  };
}

/** Whether a part of an entry works; where that is not known, why. */
type Judged =
  | { readonly works: boolean; readonly why?: undefined }
  | { readonly works: undefined; readonly why: string };

const WORKS: Judged = { works: true };
const STOPPED: Judged = { works: false };
const unknownBecause = (why: string): Judged => ({ works: undefined, why });

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

/** Links tell, unless the runner itself knows better: its own polls work, or fail. */
function judgePath(
  runner: RunnerTarget,
  causes: readonly Cause[],
  states: readonly CheckState[],
  indexed: SnapshotIndex,
): Judged {
  const failed = states.filter((state) => isFail(state) || isAnnouncedStop(state));
  if (failed.length > 0) {
    const passing = failed.map((link) => passesAnyway(link, runner, causes, indexed));
    if (passing.includes(false)) return STOPPED;
    return passing.includes(true) ? WORKS : unknownBecause(reasonOfLinks(failed));
  }
  // Whatever else is right: it asks for no jobs.
  if (penaltyOf(indexed, runner) !== undefined) return STOPPED;
  const polls = failingPolls(indexed, runner);
  if (polls !== undefined && isNamed(polls, causes)) return isPartial(causes) ? WORKS : STOPPED;
  if (
    causes.some(
      (cause) => cause.severity === 'critical' && causeSpec(cause.id)?.stopsPolls === true,
    )
  )
    return STOPPED;
  const doubt = doubtOfPolls(indexed, runner);
  if (doubt !== undefined) return unknownBecause(doubt);
  if (states.length === 0) return unknownBecause('its path to GitLab is not checked');
  const polling = runnersWithOwnPolls(indexed.snapshot);
  const closed = states.filter((state) => !isOpenLink(state) && !isProvenByPoll(state, polling));
  return closed.length > 0 ? unknownBecause(reasonOfLinks(closed)) : WORKS;
}

function isOpenLink({ finding: { status } }: CheckState): boolean {
  return status === 'pass' || status === 'warn';
}

function reasonOfLinks([first]: readonly CheckState[]): string {
  return first === undefined ? '' : `${first.check.id}: ${detailOf(first.finding)}`;
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
  return causes.some(({ id, severity }) => {
    const spec = causeSpec(id);
    return spec?.isPartial === true || spec?.partialSeverity === severity;
  });
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

/** Its executor was looked at and can run jobs, or has just run one. */
function judgeJobs(runner: RunnerTarget, causes: readonly Cause[], indexed: SnapshotIndex): Judged {
  const executors = executorsOf(indexed, runner);
  // One line about one job is no proof; a check that fails is.
  const isStopped = causes.some(
    ({ id, confidence }) => confidence === 'confirmed' && causeSpec(id)?.stopsJobs === true,
  );
  if (isStopped || executors.some((state) => isFail(state) && !isOurs(state))) return STOPPED;
  if (lacksFolder(runner, indexed) || lacksHelperImage(runner, causes, indexed)) return STOPPED;
  const working = runnersWithOwnJobs(indexed.snapshot);
  const open = executors.find((state) => !isOpenLink(state) && !isProvenByJob(state, working));
  if (open !== undefined) return unknownBecause(reasonOfLinks([open]));
  return executors.length > 0 ? WORKS : unknownBecause('no check looks at its executor');
}

/** It failed for us alone. */
function isOurs(state: CheckState): boolean {
  return specOfFinding(state)?.scope === 'monitor';
}
