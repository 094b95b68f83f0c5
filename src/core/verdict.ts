/** The rule of the verdict (docs/reference/promises.md#verdict): what works decides, then severity. */
import type { Cause, RunnerVerdict } from './diagnosis.ts';
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
