/** What makes the verdict uncertain: checks without a result, and failures that no cause explains. */
import type { CheckState, Snapshot } from '../core/check.ts';
import type { Cause } from '../core/diagnosis.ts';
import { COMMON_REASONS, reasonOf } from '../core/finding.ts';
import type { ReasonSpec } from '../core/reason.ts';
import type { EntryState } from '../core/verdict.ts';
import { isWorking } from '../core/verdict.ts';
import { runnersWithOwnJobs, runnersWithOwnPolls } from './own-proof.ts';
import { mustEndInCause } from './rules/default.ts';

/** Whether anything was not judged: see `unjudgedChecks`; also an entry that is not proven to work. */
export function hasUnjudged(
  snapshot: Snapshot,
  causes: readonly Cause[],
  runners: readonly EntryState[],
): boolean {
  return (
    snapshot.checks.every(({ finding }) => finding.status !== 'pass') ||
    unjudgedChecks(snapshot, causes).length > 0 ||
    runners.some((one) => !isWorking(one))
  );
}

/**
 * Checks that are unknown, and those that fail, warn or were skipped without a cause that explains them. With many entries
 * the tokens take turns for hours: a token that was not tested yet counts as accepted if the runner's own poll succeeded.
 */
export function unjudgedChecks(
  snapshot: Snapshot,
  causes: readonly Cause[],
): readonly CheckState[] {
  const accounted = new Set(
    causes.flatMap(({ evidence, explains }) => [
      ...evidence.map(({ check }) => check),
      ...explains,
    ]),
  );
  const polling = runnersWithOwnPolls(snapshot);
  const working = runnersWithOwnJobs(snapshot);
  return snapshot.checks.filter((state) => {
    const { check, finding } = state;
    if (finding.status === 'unknown') {
      return !isProvenByPoll(state, polling) && !isProvenByJob(state, working);
    }
    const mustBe = finding.status === 'skipped' || mustEndInCause(state, snapshot);
    return mustBe && !accounted.has(check.id);
  });
}

/** A token that waits for its turn, while GitLab answers the polls of its entry. */
export function isProvenByPoll(state: CheckState, polling: ReadonlySet<string>): boolean {
  const { probe, target } = state.check;
  return probe.isProvenByPolls === true && polling.has(target.id) && isNotDue(state);
}

/** The executor could not be looked at, and each entry that needs it has run a job. */
export function isProvenByJob(
  { check: { probe, target }, finding }: CheckState,
  working: ReadonlySet<string>,
): boolean {
  return (
    probe.isProvenByJobs === true &&
    finding.status === 'unknown' &&
    target.kind === 'executor' &&
    target.runners.every((runner) => working.has(runner))
  );
}

/** Its turn has not come, so it says nothing about its target. */
function isNotDue({ check, finding }: CheckState): boolean {
  const reason = reasonOf(finding) ?? '';
  const common: Readonly<Record<string, ReasonSpec>> = COMMON_REASONS;
  const spec = check.probe.reasons[reason] ?? common[reason];
  return spec?.kind === 'unseen' && spec.isNotDue === true;
}
