/** What makes the verdict uncertain: checks without a result, and failures that no cause explains. */
import type { CheckState, Snapshot } from '../core/check.ts';
import type { Cause } from '../core/diagnosis.ts';
import { allRunners } from '../core/host-context.ts';
import { COMMON_REASONS, reasonOf } from '../core/finding.ts';
import type { ReasonSpec } from '../core/reason.ts';
import { runnersWithOwnPolls } from './own-polls.ts';
import { mustEndInCause } from './rules/default.ts';

/** Whether anything was not judged: see `unjudgedChecks`; also an entry whose path no check covers. */
export function hasUnjudged(snapshot: Snapshot, causes: readonly Cause[]): boolean {
  const { checks, hostContext } = snapshot;
  const watched = new Set(checks.map(({ check }) => check.target.id));
  const affected = new Set(causes.flatMap(({ scope }) => scope.runners));
  return (
    checks.every(({ finding }) => finding.status !== 'pass') ||
    unjudgedChecks(snapshot, causes).length > 0 ||
    allRunners(hostContext).some(
      ({ id, endpoint = id }) => !watched.has(id) && !watched.has(endpoint) && !affected.has(id),
    )
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
  return snapshot.checks.filter((state) => {
    const { check, finding } = state;
    if (finding.status === 'unknown') {
      const isProven = check.probe.isProvenByPolls === true && polling.has(check.target.id);
      return !(isProven && isNotDue(state));
    }
    const mustBe = finding.status === 'skipped' || mustEndInCause(state, snapshot);
    return mustBe && !accounted.has(check.id);
  });
}

/** Its turn has not come, so it says nothing about its target. */
function isNotDue({ check, finding }: CheckState): boolean {
  const reason = reasonOf(finding) ?? '';
  const common: Readonly<Record<string, ReasonSpec>> = COMMON_REASONS;
  const spec = check.probe.reasons[reason] ?? common[reason];
  return spec?.kind === 'unseen' && spec.isNotDue === true;
}
