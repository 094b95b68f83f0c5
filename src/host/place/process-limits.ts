/** The limits of a process that no systemd unit holds: they are the kernel's, of the process and of its groups. */
import type { FixStep } from '../../core/diagnosis.ts';
import { step } from '../../core/diagnosis.ts';
import type { Limit } from '../../core/place.ts';
import { quoteArgument } from '../../core/shell.ts';
import { raisedLimitText } from './raised-limit.ts';

/** Files of its control group, in the second and the first version of them. */
const GROUP_FILES: Readonly<Record<'memory' | 'cpu', string>> = {
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
      step(text, raiseFiles(processId, raised)),
      step(`Write "ulimit -n ${raised}" before the command that starts the runner, too.`),
    ];
  }
  if (limit === 'tasks') return [step(text, raiseTasks(processId, raised))];
  return [
    step(
      `${text} Write a larger number into ${GROUP_FILES[limit]} of its control group below /sys/fs/cgroup.`,
      `sudo cat /proc/${processId}/cgroup`,
    ),
  ];
}

/** A hard limit that is higher stays; one that may not be raised, as in a container, is used up. */
function raiseFiles(processId: string, raised: string): string {
  const hard = `$(awk '/^Max open files/ {print $5}' /proc/${processId}/limits)`;
  const tries = [`${raised}:`, `${raised}:${raised}`, `"${hard}:"`];
  return tries
    .map((value) => `sudo prlimit --pid ${processId} --nofile=${value}`)
    .join(' 2>/dev/null || ');
}

/** The limit stands at the control group of the process, or at the nearest one above it that has a number. */
function raiseTasks(processId: string, raised: string): string {
  const group = `group=$(sed -n -e "s|^[0-9]*:pids:|/pids|p" -e "s|^0::||p" /proc/${processId}/cgroup | head -n 1)`;
  const file = '"/sys/fs/cgroup$group/pids.max"';
  const up = `while [ -n "$group" ] && ! grep -q "^[0-9]" ${file}; do group=\${group%/*}; done`;
  return `sudo sh -c ${quoteArgument(`${group}; ${up}; echo ${raised} >${file}`)}`;
}
