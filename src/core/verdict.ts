/** The verdict of the contract, section 3: the one place that knows the rule. */
import type { Severity, Verdict } from './words.ts';

/** Any critical → broken; any warning or notice → degraded; anything not judged → unsure; else healthy. */
export function verdictFrom(severities: readonly Severity[], isUnsure: boolean): Verdict {
  if (severities.includes('critical')) return 'broken';
  if (severities.includes('warning') || severities.includes('notice')) return 'degraded';
  return isUnsure ? 'unsure' : 'healthy';
}
