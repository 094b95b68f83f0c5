/**
 * Would a restart of the runner help now? Only if its process hangs, as was seen repeatedly, its metrics told last that it has no job, and
 * the kernel lets it end. Whatever GitLab or the path to it does, a restart would only end running jobs.
 */
import type { CheckState } from '../core/check.ts';
import type { Finding } from '../core/finding.ts';
import { reasonOf } from '../core/finding.ts';
import type { View } from '../core/view.ts';

/** Of the catalogue. */
export const HUNG = 'runner-hung';

export function restartHelps({ diagnosis, snapshot }: View): boolean {
  const isHung = diagnosis.causes.some(
    ({ id, confidence }) => id === HUNG && confidence === 'confirmed',
  );
  const isBlocked = snapshot.checks.some(
    ({ check, finding }) => check.probe.id === 'service' && reasonOf(finding) === 'uninterruptible',
  );
  return isHung && !isBlocked && snapshot.checks.some(hadNoJob);
}

/** One that hangs tells no number any more; where none is known, there may be jobs. */
function hadNoJob({ check, finding, recent }: CheckState): boolean {
  if (check.probe.id !== 'runner-metrics') return false;
  const findings = [...recent.map((result) => result.finding), finding];
  return findings.findLast(tellsJobs)?.measures?.['running_jobs'] === 0;
}

function tellsJobs({ measures }: Finding): boolean {
  return measures?.['running_jobs'] !== undefined;
}
