/**
 * Why does this runner get no jobs, or soon will not? A pure function of the snapshot: every rule is
 * applied in the order of blame, symptoms of a cause are removed from the list, and each entry gets one cause. Each
 * installation of the runner is judged by itself.
 */
import type { Snapshot } from '../core/check.ts';
import type { Cause, Diagnosis } from '../core/diagnosis.ts';
import { causeKey } from '../core/diagnosis.ts';
import type { CheckId } from '../core/finding.ts';
import type { Place } from '../core/place.ts';
import { computeVerdict, weightOf } from '../core/verdict.ts';
import { STAGES } from './cause-spec.ts';
import { causesOfContexts, snapshotOfContext } from './contexts.ts';
import { candidatesOf } from './candidates.ts';
import { judgeRunners } from './entry-state.ts';
import { withLockOuts } from './lock-out.ts';
import type { SnapshotIndex } from './snapshot-index.ts';
import { inOrder, indexSnapshot } from './snapshot-index.ts';
import type { StagedCause } from './rules/default.ts';
import { defaultCauses } from './rules/default.ts';
import { withoutGuesses } from './rules/host.ts';
import { RULES } from './rules/index.ts';
import { summaryOf } from './summary.ts';
import { hasUnjudged } from './unjudged.ts';
import { withoutSymptoms } from './symptoms.ts';

export function diagnose(given: Snapshot): Diagnosis {
  const snapshot = inOrder(given);
  const judged = snapshot.hostContext.contexts.map((context) =>
    judgeContext(snapshotOfContext(snapshot, context)),
  );
  const causes = causesOfContexts(judged, snapshot);
  const { severities, isBlind } = weightOf(causes);
  const isUnsure = isBlind || judged.some(({ isUnjudged }) => isUnjudged);
  const runners = judged.flatMap((one) => one.runners);
  const verdict = computeVerdict(severities, runners, isUnsure);
  const summary = summaryOf({ verdict, causes, runners }, snapshot);
  return { verdict, summary, causes, candidates: candidatesOf(causes, snapshot), runners };
}

/** Of a snapshot with one installation. */
function judgeContext(snapshot: Snapshot) {
  const indexed = indexSnapshot(snapshot);
  const staged = dropDuplicates(inOrderOfBlame(indexed));
  const stages = new Map(staged.map(({ stage, cause }) => [causeKey(cause), stage]));
  const all = staged.map(({ cause }) => cause);
  const causes = withoutGuesses(withoutSymptoms(all, indexed), indexed);
  const runners = judgeRunners(causes, indexed);
  const told = withLockOuts(causes, runners, indexed).map((cause) =>
    fittedTo(indexed.context.place, cause),
  );
  return {
    context: indexed.context,
    causes: told.map((cause) => ({ stage: stages.get(causeKey(cause)) ?? 'monitor', cause })),
    isUnjudged: hasUnjudged(snapshot, causes, runners),
    runners,
  };
}

/** Each step as it is done where the runner lives. */
function fittedTo({ fitted }: Place, cause: Cause): Cause {
  return fitted === undefined ? cause : { ...cause, fix: cause.fix.map((one) => fitted(one)) };
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
function dropDuplicates(causes: readonly StagedCause[]): readonly StagedCause[] {
  const keys = causes.map(({ cause }) => causeKey(cause));
  return causes.filter((_cause, index) => keys.indexOf(keys[index] ?? '') === index);
}
