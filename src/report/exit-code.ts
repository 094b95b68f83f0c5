/** The codes of monitoring plug-ins: 0 OK, 1 warning, 2 critical, 3 unknown. */
import type { Verdict } from '../core/vocabulary.ts';

const CODES: Readonly<Record<Verdict, number>> = { healthy: 0, degraded: 1, broken: 2, unsure: 3 };

export function exitCodeOf(verdict: Verdict): number {
  return CODES[verdict];
}
