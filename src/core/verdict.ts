/** The rule of the verdict (docs/reference/promises.md#verdict): what works decides, then severity. */
import type { Cause, Diagnosis, RunnerVerdict } from './diagnosis.ts';
import type { Severity, Verdict } from './vocabulary.ts';

/** What is known of one entry. */
export type EntryState = Pick<RunnerVerdict, 'connected' | 'canRunJobs'>;

/** Reaches no GitLab, or can run no job: whatever the severity of the cause, it does nothing. */
export function isStopped({ connected, canRunJobs }: EntryState): boolean {
  return connected === false || canRunJobs === false;
}

/** Reaches GitLab and can run jobs, both proven. */
export function isWorking({ connected, canRunJobs }: EntryState): boolean {
  return connected === true && canRunJobs === true;
}

/** What is gone at the moment stops nothing, but it comes back. */
export function presentSeverity({ severity, flapping }: Cause): Severity {
  return flapping?.isGone === true && severity === 'critical' ? 'warning' : severity;
}

/** runnerwatch may not read something: what that would say is not known. */
export const BLIND = 'monitor-blind';

/** The severities that count for the verdict, and whether a cause makes it uncertain. */
export function weightOf(causes: readonly Cause[]): {
  readonly severities: readonly Severity[];
  readonly isBlind: boolean;
} {
  const seen = causes.filter(({ id }) => id !== BLIND);
  const severities = seen.map((cause) => presentSeverity(cause));
  return { severities, isBlind: seen.length < causes.length };
}

/**
 * Every entry stopped, or any critical → broken; any entry stopped, any warning or notice → degraded; anything not judged
 * → unsure; else healthy.
 */
export function computeVerdict(
  severities: readonly Severity[],
  entries: readonly EntryState[],
  isUnsure: boolean,
): Verdict {
  const stopped = entries.filter((entry) => isStopped(entry)).length;
  if (severities.includes('critical')) return 'broken';
  if (stopped > 0 && stopped === entries.length) return 'broken';
  if (stopped > 0 || severities.includes('warning') || severities.includes('notice'))
    return 'degraded';
  return isUnsure ? 'unsure' : 'healthy';
}

/** While something is broken, what is gone at the moment is not what to repair. */
export function shownCauses({
  verdict,
  causes,
}: Pick<Diagnosis, 'verdict' | 'causes'>): readonly Cause[] {
  return causes.filter(({ flapping }) => verdict !== 'broken' || flapping?.isGone !== true);
}

/** Whether a cause is the one of this entry. */
export function isOf({ id, scope }: Cause, { runner, cause }: RunnerVerdict): boolean {
  return cause === id && scope.runners.includes(runner);
}

/** The entries that get or run no jobs because of a cause. */
export function stoppedBy(
  cause: Cause,
  runners: readonly RunnerVerdict[],
): readonly RunnerVerdict[] {
  return runners.filter((one) => isStopped(one) && isOf(cause, one));
}
