/** The limits of a process that no systemd unit holds: they are the kernel's, of the process and of its groups. */
import type { FixStep } from '../../core/diagnosis.ts';
import { step } from '../../core/diagnosis.ts';
import type { Limit } from '../../core/place.ts';
import { raisedLimitText } from './raised-limit.ts';

/** Files of its control group, in the second and the first version of them. */
const GROUP_FILES: Readonly<Record<Exclude<Limit, 'files'>, string>> = {
  tasks: 'pids.max',
  memory: 'memory.max (memory.limit_in_bytes in version 1)',
  cpu: 'cpu.max (cpu.cfs_quota_us in version 1)',
};

export function limitStep(text: string, limit: Limit, processId: string): FixStep {
  const file = limit === 'files' ? 'limits' : 'cgroup';
  return step(text, `sudo cat /proc/${processId}/${file}`);
}

export function raiseLimitSteps(
  text: string,
  limit: Limit,
  { processId, present }: { readonly processId: string; readonly present: number | undefined },
): readonly FixStep[] {
  const raised = raisedLimitText(limit, present);
  if (limit === 'files') {
    return [
      step(text, `sudo prlimit --pid ${processId} --nofile=${raised}:${raised}`),
      step(`Write "ulimit -n ${raised}" before the command that starts the runner, too.`),
    ];
  }
  return [
    step(
      `${text} Write a larger number into ${GROUP_FILES[limit]} of its control group below /sys/fs/cgroup.`,
      `sudo cat /proc/${processId}/cgroup`,
    ),
  ];
}
