/**
 * Would a restart of the runner help now? Only if its process hangs, as was seen repeatedly, no job would be lost, and
 * the kernel lets it end. Whatever GitLab or the path to it does, a restart would only end running jobs.
 */
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
  const hasJobs = snapshot.checks.some(
    ({ check, finding }) =>
      check.probe.id === 'runner-metrics' && (finding.measures?.['running_jobs'] ?? 0) > 0,
  );
  return isHung && !isBlocked && !hasJobs;
}
