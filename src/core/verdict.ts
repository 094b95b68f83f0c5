/** The verdict (docs/reference/promises.md#verdict): the one place that knows the rule. */
import type { CheckState, Snapshot } from './check.ts';
import type { Cause } from './diagnosis.ts';
import type { Finding } from './finding.ts';
import { reasonOf } from './finding.ts';
import { pollingRunners } from './own-polls.ts';
import type { Severity, Verdict } from './vocabulary.ts';

/** Any critical → broken; any warning or notice → degraded; anything not judged → unsure; else healthy. */
export function computeVerdict(severities: readonly Severity[], isUnsure: boolean): Verdict {
  if (severities.includes('critical')) return 'broken';
  if (severities.includes('warning') || severities.includes('notice')) return 'degraded';
  return isUnsure ? 'unsure' : 'healthy';
}

/** Whether anything was not judged: see `unjudgedChecks`; also an entry whose way is not looked at at all. */
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
 * What is unknown, or was skipped with no cause that accounts for it. With many entries the tokens take turns for
 * hours: one that was not asked about yet is judged by GitLab all the same when the runner's own poll came back.
 */
export function unjudgedChecks(
  snapshot: Snapshot,
  causes: readonly Cause[],
): readonly CheckState[] {
  const explained = new Set(causes.flatMap(({ explains }) => explains));
  const polling = pollingRunners(snapshot);
  return snapshot.checks.filter(
    ({ check, finding }) =>
      (finding.status === 'unknown' &&
        !(isNotAsked(finding) && check.probe.id === 'token' && polling.has(check.target.id))) ||
      (finding.status === 'skipped' && !explained.has(check.id)),
  );
}

function isNotAsked(finding: Finding): boolean {
  return NOT_ASKED.has(reasonOf(finding) ?? '');
}

const NOT_ASKED: ReadonlySet<string> = new Set(['not-run-yet', 'request-budget', 'verify-not-due']);
