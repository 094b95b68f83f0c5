/**
 * Why does this runner get no jobs, or soon will not? A pure function of the snapshot: every rule is
 * applied in the order of blame, symptoms of a cause are removed from the list, and each entry gets one cause. Each
 * installation of the runner is judged by itself.
 */
import type { CheckState, Snapshot } from '../core/check.ts';
import type { Cause, Diagnosis, RunnerVerdict } from '../core/diagnosis.ts';
import { causeKey } from '../core/diagnosis.ts';
import type { CheckId } from '../core/finding.ts';
import type { RunnerTarget } from '../core/target.ts';
import { computeVerdict } from '../core/verdict.ts';
import type { Link, Status } from '../core/vocabulary.ts';
import { sortBySeverity } from '../core/vocabulary.ts';
import { isOfFamily } from './catalogue/index.ts';
import { STAGES } from './cause-spec.ts';
import { causesOfContexts, snapshotOfContext } from './contexts.ts';
import { candidatesOf } from './candidates.ts';
import type { SnapshotIndex } from './snapshot-index.ts';
import { inOrder, linkOf, indexSnapshot } from './snapshot-index.ts';
import type { StagedCause } from './rules/default.ts';
import { defaultCauses } from './rules/default.ts';
import { RULES } from './rules/index.ts';
import { summaryOf } from './summary.ts';
import { hasUnjudged } from './unjudged.ts';
import { withoutSymptoms } from './symptoms.ts';

export function diagnose(given: Snapshot): Diagnosis {
  const snapshot = inOrder(given);
  const judged = snapshot.hostContext.contexts.map((context) =>
    judgeContext(snapshotOfContext(snapshot, context)),
  );
  const causes = causesOfContexts(judged);
  const severities = causes.map(({ severity }) => severity);
  const isUnsure = judged.some(({ isUnjudged }) => isUnjudged);
  const verdict = computeVerdict(severities, isUnsure);
  return {
    verdict,
    summary: summaryOf(verdict, causes, snapshot),
    causes,
    candidates: candidatesOf(causes, snapshot),
    runners: judged.flatMap(({ runners }) => runners),
  };
}

/** Of a snapshot with one installation. */
function judgeContext(snapshot: Snapshot) {
  const indexed = indexSnapshot(snapshot);
  const staged = distinct(inOrderOfBlame(indexed));
  const stages = new Map(staged.map(({ stage, cause }) => [causeKey(cause), stage]));
  const causes = withoutSymptoms(
    staged.map(({ cause }) => cause),
    indexed,
  );
  const causeOf = causesOfRunners(causes);
  const { context } = indexed;
  return {
    context,
    causes: causes.map((cause) => ({ stage: stages.get(causeKey(cause)) ?? 'monitor', cause })),
    isUnjudged: hasUnjudged(snapshot, causes),
    runners: context.runners.map((runner) => judgeRunner(runner, causeOf.get(runner.id), indexed)),
  };
}

/** The causes of the rules, and the catalogue's cause for every check that no rule covers. */
function inOrderOfBlame(indexed: SnapshotIndex): readonly StagedCause[] {
  const ruled = RULES.flatMap(({ stage, judge }) =>
    judge(indexed).map((cause) => ({ stage, cause })),
  );
  const spokenFor = new Set(ruled.flatMap(({ cause }) => checksOf(cause)));
  return [...defaultCauses(indexed, spokenFor), ...ruled].toSorted(
    (a, b) => STAGES.indexOf(a.stage) - STAGES.indexOf(b.stage),
  );
}

function checksOf({ evidence, explains }: Cause): readonly CheckId[] {
  return [...evidence.map(({ check }) => check), ...explains];
}

/** Two rules may find one cause by different evidence: the first in the order of blame wins. */
function distinct(causes: readonly StagedCause[]): readonly StagedCause[] {
  const keys = causes.map(({ cause }) => causeKey(cause));
  return causes.filter((_cause, index) => keys.indexOf(keys[index] ?? '') === index);
}

function judgeRunner(
  runner: RunnerTarget,
  cause: Cause | undefined,
  indexed: SnapshotIndex,
): RunnerVerdict {
  const { id, name, executor, url } = runner;
  const chain = chainOf(runner, cause, indexed);
  return {
    runner: id,
    name,
    executor,
    url,
    chain,
    connected: isConnected(Object.values(chain)),
    ...(cause === undefined ? {} : { cause: cause.id }),
  };
}

/** The worst cause of each entry; within one severity the first in the order of blame. */
function causesOfRunners(causes: readonly Cause[]): ReadonlyMap<string, Cause> {
  // Of two entries with one key the later wins.
  return new Map(
    sortBySeverity(causes)
      .toReversed()
      .flatMap((cause) => cause.scope.runners.map((runner) => [runner, cause] as const)),
  );
}

function chainOf(
  runner: RunnerTarget,
  cause: Cause | undefined,
  indexed: SnapshotIndex,
): Partial<Record<Link, Status>> {
  const endpoint = indexed.context.endpoints.find(({ id }) => id === runner.endpoint);
  const links = endpoint === undefined ? [] : indexed.linksOf(endpoint);
  const token = indexed.tokenOf(runner);
  const states = token === undefined ? links : [...links, token];
  return Object.fromEntries(
    states.flatMap((state) => {
      const link = linkOf(state);
      const status = isOutrun(state, cause, indexed) ? 'unknown' : state.finding.status;
      return link === undefined ? [] : [[link, status]];
    }),
  );
}

/**
 * GitLab accepted the token before it began to reject the runner's own requests. An old GitLab is asked once an hour, so
 * that its last response is no proof of now.
 */
function isOutrun(
  { check, finding, last }: CheckState,
  cause: Cause | undefined,
  indexed: SnapshotIndex,
): boolean {
  if (check.probe.id !== 'token' || finding.status !== 'pass' || cause === undefined) return false;
  const [proof] = cause.evidence;
  const isToldByRunner = indexed.snapshot.checks.some(
    (state) => state.check.id === proof?.check && (state.finding.events ?? []).length > 0,
  );
  const isLater = (last?.startedAt ?? 0) < cause.since;
  return isToldByRunner && isOfFamily(cause.id, 'gitlab') && isLater;
}

function isConnected(statuses: readonly Status[]): boolean | undefined {
  if (statuses.includes('fail')) return false;
  const isOpen =
    statuses.length > 0 && statuses.every((status) => status === 'pass' || status === 'warn');
  return isOpen ? true : undefined;
}
