/**
 * A program that was stopped in the middle of a run finds, when it goes on, that every deadline is over: what it
 * then calls a failure is none. Such a run is known by a look that took longer than its deadline allows.
 */
import type { Check } from '../core/check.ts';
import type { ProbeResult } from '../core/finding.ts';

/** A look ends at its deadline; this much later something has stopped the whole program. */
const SPARE_SECONDS = 2;

/** Hands on what a run says, until it was disturbed; from then on only what passes, which is proof by itself. */
export function dropSuspendedResults(
  checks: readonly Check[],
  onResult: (result: ProbeResult) => void,
): (result: ProbeResult) => void {
  let isDisturbed = false;
  return (result) => {
    const check = checks.find(({ id }) => id === result.check);
    isDisturbed ||= result.durationSeconds > (check?.timeoutSeconds ?? Infinity) + SPARE_SECONDS;
    if (!isDisturbed || result.finding.status === 'pass') onResult(result);
  };
}
