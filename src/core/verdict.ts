/** The rule of the verdict (docs/reference/promises.md#verdict). */
import type { Severity, Verdict } from './vocabulary.ts';

/** Any critical → broken; any warning or notice → degraded; anything not judged → unsure; else healthy. */
export function computeVerdict(severities: readonly Severity[], isUnsure: boolean): Verdict {
  if (severities.includes('critical')) return 'broken';
  if (severities.includes('warning') || severities.includes('notice')) return 'degraded';
  return isUnsure ? 'unsure' : 'healthy';
}
