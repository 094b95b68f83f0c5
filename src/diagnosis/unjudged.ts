/** What the verdict cannot rest on: checks that found nothing out, and trouble that no cause accounts for. */
import type { CheckState, Snapshot } from '../core/check.ts';
import type { Cause } from '../core/diagnosis.ts';
import { COMMON_REASONS, reasonOf } from '../core/finding.ts';
import type { ReasonSpec } from '../core/reason.ts';
import { runnersWithOwnPolls } from './own-polls.ts';
import { mustEndInCause } from './rules/default.ts';

/** Whether anything was not judged: see `unjudgedChecks`; also an entry whose path no check covers. */
export function hasUnjudged(snapshot: Snapshot, causes: readonly Cause[]): boolean {
  const { checks, hostContext } = snapshot;
  const watched = new Set(checks.map(({ check }) => check.target.id));
  const accused = new Set(causes.flatMap(({ scope }) => scope.runners));
  return (
    checks.every(({ finding }) => finding.status !== 'pass') ||
    unjudgedChecks(snapshot, causes).length > 0 ||
    hostContext.runners.some(
      ({ id, endpoint = id }) => !watched.has(id) && !watched.has(endpoint) && !accused.has(id),
    )
  );
}

/**
 * What is unknown, and what fails, warns or was skipped with no cause that accounts for it. With many entries the
 * tokens take turns for hours: GitLab has judged one that was not asked about yet when the runner's own poll worked.
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

/** Its turn has not come, so it says nothing of its target. */
function isNotDue({ check, finding }: CheckState): boolean {
  const reason = reasonOf(finding) ?? '';
  const common: Readonly<Record<string, ReasonSpec>> = COMMON_REASONS;
  const spec = check.probe.reasons[reason] ?? common[reason];
  return spec?.kind === 'unseen' && spec.isNotDue === true;
}
