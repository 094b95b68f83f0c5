/** The verdict of the contract, section 3: the one place that knows the rule. */
import type { Snapshot } from './check.ts';
import type { Cause } from './diagnosis.ts';
import type { Severity, Verdict } from './words.ts';

/** Any critical → broken; any warning or notice → degraded; anything not judged → unsure; else healthy. */
export function verdictFrom(severities: readonly Severity[], isUnsure: boolean): Verdict {
  if (severities.includes('critical')) return 'broken';
  if (severities.includes('warning') || severities.includes('notice')) return 'degraded';
  return isUnsure ? 'unsure' : 'healthy';
}

/** Whether anything was not judged: unknown, or skipped with no cause that accounts for it. */
export function hasUnjudged({ checks }: Snapshot, causes: readonly Cause[]): boolean {
  const explained = new Set(causes.flatMap(({ explains }) => explains));
  return (
    checks.every(({ finding }) => finding.status !== 'pass') ||
    checks.some(
      ({ check, finding }) =>
        finding.status === 'unknown' || (finding.status === 'skipped' && !explained.has(check.id)),
    )
  );
}
