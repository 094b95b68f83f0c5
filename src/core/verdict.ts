/** The rule of the verdict (docs/reference/promises.md#verdict). */
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

/**
 * True when something was not judged: see `unjudgedChecks`; also true for an entry whose path is not checked at all.
 */
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
 * Checks that are unknown, or that were skipped and are explained by no cause. With many entries the token checks take
 * turns for hours; an entry whose token was not checked yet counts as judged when its own poll succeeded.
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
