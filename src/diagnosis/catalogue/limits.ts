/** Causes in the limits of the kernel and of control groups. */
import type { FactName } from './facts.ts';
import type { CauseContext, CauseSpec } from '../cause-spec.ts';
import { step } from '../../core/diagnosis.ts';
import { AT_ONCE, family } from '../cause-spec.ts';

const limitCause = family({
  severity: 'critical',
  scope: 'host',
  resolvedWhen: 'the limits check passes again',
});
const groupCause = family({
  severity: 'warning',
  scope: 'service',
  resolvedWhen: 'the cgroup check passes again',
});

const fewerJobs = (c: CauseContext) =>
  step(`Or run fewer jobs at once: lower concurrent in ${c.config}.`);

/** Where it is known how much there is now, so that the fix does not set less. */
function present(c: CauseContext, name: FactName): number | undefined {
  const value = Number(c.optional(name) ?? NaN);
  return Number.isNaN(value) ? undefined : value;
}

export const LIMIT_CAUSES: readonly CauseSpec[] = [
  groupCause({
    id: 'memory-oom-killed',
    severity: 'critical',
    title: 'The kernel killed the runner because memory ran out',
    meaning:
      "The host or the runner's control group had no memory left, and the kernel killed the runner's main process. Its jobs are lost, and this host requests no new ones.",
    evidence:
      "The kernel's OOM kill counter rose and its log names the runner's process, or the unit ended with the result oom-kill.",
    notConfusedWith: ['runner-not-running', 'memory-pressure'],
    from: ['cgroup/oom-killed'],
    breaks: true,
    confirm: AT_ONCE,
    says: (c) => `the kernel killed the runner: ${c.fact('where')} had no memory left`,
    fix: (c) => [
      step(
        'Show which process was killed and what used the memory.',
        'sudo dmesg -T | grep -i -A1 oom | tail',
      ),
      step('Start the runner again.', c.place.commands.restart),
      c.place.commands.showLimit("If the runner's unit has a memory limit, raise it.", 'memory'),
      fewerJobs(c),
    ],
    resolvedWhen: 'the runner runs again and was not killed for 15 minutes',
    suppresses: ['runner-not-running', 'runner-crash-loop', 'runner-start-failed'],
  }),
  limitCause({
    id: 'fd-system-limit-reached',
    stopsJobs: false,
    title: 'The open-file table of the whole host is full',
    meaning: 'No program can open a file or a connection: everything on this host fails.',
    evidence: 'The first number in /proc/sys/fs/file-nr has reached 95 % of the third.',
    notConfusedWith: ['fd-limit-reached'],
    from: ['limits/system-files'],
    breaks: true,
    says: () => 'the open-file table of this host is full',
    fix: () => [
      step('Raise the limit now.', 'sudo sysctl -w fs.file-max=2097152'),
      step(
        'Find the processes with the most open files.',
        "sudo lsof -n | awk '{print $1, $2}' | sort | uniq -c | sort -rn | head",
      ),
    ],
    suppresses: ['fd-limit-reached', 'docker-daemon-down', 'docker-not-responding'],
  }),
  limitCause({
    id: 'fd-limit-reached',
    stopsJobs: false,
    scope: 'service',
    title: 'The runner has reached its limit of open files',
    meaning:
      'Each connection is an open file: the runner can neither resolve names nor poll GitLab, although this host can.',
    evidence: "The runner's open files have reached 95 % of its soft limit.",
    notConfusedWith: ['fd-system-limit-reached', 'gitlab-rate-limited'],
    from: ['limits/files'],
    breaks: true,
    says: () => 'the runner has reached its limit of open files and connections',
    fix: (c) => [
      step(
        'Show its open files.',
        `sudo ls -l /proc/${c.place.commands.processId}/fd | tail -n 20`,
      ),
      ...c.place.commands.raiseLimit(
        "Raise the runner's limit.",
        'files',
        present(c, 'files_limit'),
      ),
    ],
  }),
  limitCause({
    id: 'pids-limit-reached',
    stopsJobs: false,
    title: 'No new process or thread can be started',
    meaning:
      'A limit of the control group or of the kernel is reached: jobs cannot start, and the runner cannot start its helpers.',
    evidence:
      'The number of tasks is at its limit, or the kernel has refused a new one since the last check.',
    notConfusedWith: ['memory-pressure'],
    from: ['limits/tasks'],
    breaks: true,
    says: () => 'no new process or thread can be started',
    fix: (c) => [
      step(
        'Find the user with the most processes.',
        'ps -eo user= | sort | uniq -c | sort -rn | head; ps -eLf | wc -l',
      ),
      c.place.commands.showLimit("Check whether the runner's unit has its own limit.", 'tasks'),
      ...c.place.commands.raiseLimit('If so, raise it.', 'tasks', present(c, 'tasks_limit')),
      step('Raise the limit of the kernel.', 'sudo sysctl -w kernel.pid_max=4194304'),
    ],
    suppresses: ['docker-not-responding'],
  }),
  limitCause({
    id: 'conntrack-table-full',
    warnSeverity: 'notice',
    title: 'The connection tracking table is full',
    meaning:
      'The firewall of the kernel tracks every connection; when the table is full it silently drops packets of new ones. The network seems to fail at random.',
    evidence:
      'The number of entries is at the limit and packets were dropped. A nearly full table without drops is a notice.',
    notConfusedWith: ['dns-timeout', 'tcp-connect-timeout', 'network-packet-loss'],
    from: ['limits/connection-table', 'limits/connection-table-filling'],
    breaks: true,
    says: () => 'the connection tracking table of this host is full or nearly full',
    fix: () => [
      step('Raise the limit now.', 'sudo sysctl -w net.netfilter.nf_conntrack_max=524288'),
      step(
        'Find the addresses with the most connections.',
        "sudo conntrack -L 2>/dev/null | grep -o 'src=[^ ]*' | sort | uniq -c | sort -rn | head",
      ),
    ],
    suppresses: [
      'dns-timeout',
      'dns-resolver-down',
      'tcp-connect-timeout',
      'network-packet-loss',
      'firewall-local-block',
      'proxy-unreachable',
    ],
  }),
  limitCause({
    id: 'entropy-starved',
    severity: 'notice',
    title: 'This old kernel has little entropy',
    meaning:
      'Before kernel 5.6 the random source could block; each TLS handshake of the runner needs random numbers.',
    evidence: 'A kernel before 5.6, and less than 64 bits of entropy.',
    notConfusedWith: ['tls-handshake-blocked'],
    from: ['limits/entropy'],
    says: () => 'this kernel has little entropy, so TLS handshakes may wait',
    fix: (c) => [step('Install an entropy daemon.', c.place.host.install('rng-tools'))],
  }),
  groupCause({
    id: 'memory-cgroup-limit',
    title: "The runner's control group is at its memory limit",
    meaning:
      'The control group reaches its limit again and again; the kernel reclaims memory, and will kill a process of the next larger job.',
    evidence:
      'Memory use is at 95 % of the limit, the limit counter rises, and tasks wait for memory.',
    notConfusedWith: ['memory-pressure', 'memory-oom-killed'],
    from: ['cgroup/memory-limit'],
    says: () => "the runner's control group is at its memory limit",
    fix: (c) => [
      c.place.commands.showLimit('Show the limit.', 'memory'),
      ...c.place.commands.raiseLimit('Raise the limit.', 'memory', present(c, 'memory_limit')),
      fewerJobs(c),
    ],
  }),
  groupCause({
    id: 'cpu-cgroup-throttled',
    title: "The CPU quota throttles the runner's control group",
    meaning:
      'In most quota periods the runner must wait for the next period: it polls late, and TLS handshakes time out.',
    evidence: 'More than half of the periods since the last check were throttled.',
    notConfusedWith: ['cpu-starved'],
    from: ['cgroup/throttled'],
    says: () => "the CPU quota throttles the runner's control group most of the time",
    fix: (c) => [
      c.place.commands.showLimit('Show the quota.', 'cpu'),
      ...c.place.commands.raiseLimit('Raise or remove the quota.', 'cpu', present(c, 'cpu_limit')),
    ],
    suppresses: ['gitlab-slow'],
  }),
];
