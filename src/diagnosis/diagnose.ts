/**
 * Why does this runner get no jobs, or soon will not? A pure function of the snapshot: every rule is
 * applied in the order of blame, symptoms of a cause are removed from the list, and each entry gets one cause.
 */
import type { CheckState, Snapshot } from '../core/check.ts';
import type { Candidate, Cause, Diagnosis, RunnerVerdict } from '../core/diagnosis.ts';
import { causeKey } from '../core/diagnosis.ts';
import type { CheckId } from '../core/finding.ts';
import { allRunners } from '../core/host-context.ts';
import type { RunnerTarget } from '../core/target.ts';
import { computeVerdict } from '../core/verdict.ts';
import type { Link, Status } from '../core/vocabulary.ts';
import { sortBySeverity } from '../core/vocabulary.ts';
import { isOfFamily } from './catalogue/index.ts';
import { STAGES } from './cause-spec.ts';
import { candidatesOf } from './candidates.ts';
import type { SnapshotIndex } from './snapshot-index.ts';
import { linkOf, indexSnapshot } from './snapshot-index.ts';
import { defaultCauses } from './rules/default.ts';
import { RULES } from './rules/index.ts';
import { summaryOf } from './summary.ts';
import { hasUnjudged } from './unjudged.ts';
import { withoutSymptoms } from './symptoms.ts';

export function diagnose(snapshot: Snapshot): Diagnosis {
  const indexed = indexSnapshot(snapshot);
  const causes = withoutSymptoms(distinct(inOrderOfBlame(indexed)), indexed);
  const causeOf = causesOfRunners(causes);
  const runners = allRunners(snapshot.hostContext).map((runner) =>
    judgeRunner(runner, causeOf.get(runner.id), indexed),
  );
  const severities = causes.map(({ severity }) => severity);
  const verdict = computeVerdict(severities, hasUnjudged(snapshot, causes));
  const candidates: readonly Candidate[] = candidatesOf(causes, snapshot);
  return {
    verdict,
    summary: summaryOf(verdict, causes, indexed.snapshot),
    causes,
    candidates,
    runners,
  };
}

/** The causes of the rules, and the catalogue's cause for every check that no rule covers. */
function inOrderOfBlame(indexed: SnapshotIndex): readonly Cause[] {
  const ruled = RULES.flatMap(({ stage, judge }) =>
    judge(indexed).map((cause) => ({ stage, cause })),
  );
  const spokenFor = new Set(ruled.flatMap(({ cause }) => checksOf(cause)));
  return [...defaultCauses(indexed, spokenFor), ...ruled]
    .toSorted((a, b) => STAGES.indexOf(a.stage) - STAGES.indexOf(b.stage))
    .map(({ cause }) => cause);
}

function checksOf({ evidence, explains }: Cause): readonly CheckId[] {
  return [...evidence.map(({ check }) => check), ...explains];
}

/** Two rules may find one cause by different evidence: the first in the order of blame wins. */
function distinct(causes: readonly Cause[]): readonly Cause[] {
  const keys = causes.map((cause) => causeKey(cause));
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
