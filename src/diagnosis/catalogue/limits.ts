/** Causes in the limits of the kernel and of control groups. */
import type { CauseContext, CauseSpec } from '../cause-spec.ts';
import { step } from '../../core/diagnosis.ts';
import { AT_ONCE, family } from '../cause-spec.ts';

const limitCause = family({
  severity: 'critical',
  scope: 'host',
  resolvedWhen: 'the check of limits passes',
});
const groupCause = family({
  severity: 'warning',
  scope: 'service',
  resolvedWhen: 'the check of the control group passes',
});

const fewerJobs = (c: CauseContext) =>
  step(`Or run fewer jobs at once: concurrent in ${c.config}.`);

export const LIMIT_CAUSES: readonly CauseSpec[] = [
  groupCause({
    id: 'memory-oom-killed',
    severity: 'critical',
    title: 'The kernel killed the runner for lack of memory',
    meaning:
      'The host or the runner’s control group had no memory left, and its main process was chosen. Its jobs are lost, and nobody asks GitLab for new ones.',
    evidence:
      'The counter of kills rose and the kernel’s log names the runner’s process, or its unit ended with the result oom-kill.',
    notConfusedWith: ['runner-not-running', 'memory-pressure'],
    from: ['cgroup/oom-killed'],
    breaks: true,
    confirm: AT_ONCE,
    says: (c) => `the kernel killed the runner: ${c.fact('where')} had no memory left`,
    fix: (c) => [
      step(
        'See who was killed, and what took the memory.',
        'sudo dmesg -T | grep -i -A1 oom | tail',
      ),
      step('Start the runner again.', c.place.commands.restart),
      c.place.commands.showLimit('Has it a limit of its own? Then give it more memory.', 'memory'),
      fewerJobs(c),
    ],
    resolvedWhen: 'the runner runs again, and was not killed twice within 15 minutes',
    suppresses: ['runner-not-running', 'runner-crash-loop', 'runner-start-failed'],
  }),
  limitCause({
    id: 'fd-system-limit-reached',
    title: 'The table of open files of the whole host is full',
    meaning: 'No program can open a file or a connection: everything on this host fails at once.',
    evidence: 'The first number of file-nr has reached 95 % of the third.',
    notConfusedWith: ['fd-limit-reached'],
    from: ['limits/system-files'],
    breaks: true,
    says: () => 'the table of open files of this host is full',
    fix: () => [
      step('Raise the limit now.', 'sudo sysctl -w fs.file-max=2097152'),
      step(
        'Who holds the files?',
        "sudo lsof -n | awk '{print $1, $2}' | sort | uniq -c | sort -rn | head",
      ),
    ],
    suppresses: ['fd-limit-reached', 'docker-daemon-down', 'docker-not-responding'],
  }),
  limitCause({
    id: 'fd-limit-reached',
    scope: 'service',
    title: 'The runner has as many files open as it may',
    meaning:
      'Each connection is an open file too: the runner can neither resolve a name nor poll, though this host can.',
    evidence: 'Its open files have reached 95 % of its soft limit.',
    notConfusedWith: ['fd-system-limit-reached', 'gitlab-rate-limited'],
    from: ['limits/files'],
    breaks: true,
    says: () => 'the runner has as many files and connections open as it may',
    fix: (c) => [
      step('What does it hold?', `sudo ls -l /proc/${c.place.commands.processId}/fd | tail -n 20`),
      ...c.place.commands.raiseLimit('Raise its limit.', 'files'),
    ],
  }),
  limitCause({
    id: 'pids-limit-reached',
    title: 'No process and no thread can be started any more',
    meaning:
      'A limit of the control group or of the kernel is reached: jobs cannot start, and the runner cannot call its helpers.',
    evidence:
      'The number of tasks is at its limit, or a new one was refused since the look before.',
    notConfusedWith: ['memory-pressure'],
    from: ['limits/tasks'],
    breaks: true,
    says: () => 'no process and no thread can be started any more',
    fix: (c) => [
      step('Who has so many?', 'ps -eo user= | sort | uniq -c | sort -rn | head; ps -eLf | wc -l'),
      c.place.commands.showLimit('Has the runner a limit of its own?', 'tasks'),
      ...c.place.commands.raiseLimit('Then raise it.', 'tasks'),
      step('Raise the limit of the kernel.', 'sudo sysctl -w kernel.pid_max=4194304'),
    ],
    suppresses: ['docker-not-responding'],
  }),
  limitCause({
    id: 'conntrack-table-full',
    warnSeverity: 'notice',
    title: 'The table of tracked connections is full',
    meaning:
      'The kernel tracks every connection for its firewall; with a full table it throws new ones away without a word. It looks like a network that comes and goes.',
    evidence:
      'The number of entries is at its limit and new ones were thrown away; nearly full without that it is a notice.',
    notConfusedWith: ['dns-timeout', 'tcp-connect-timeout', 'network-packet-loss'],
    from: ['limits/connection-table', 'limits/connection-table-filling'],
    breaks: true,
    says: () => 'the table of tracked connections of this host is full, or nearly so',
    fix: () => [
      step('Raise the limit now.', 'sudo sysctl -w net.netfilter.nf_conntrack_max=524288'),
      step(
        'Who has so many connections?',
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
      'Before 5.6 the kernel’s random source could block; each TLS handshake of the runner needs random numbers.',
    evidence: 'A kernel before 5.6, and less than 64 bits of entropy.',
    notConfusedWith: ['tls-handshake-blocked'],
    from: ['limits/entropy'],
    says: () => 'this kernel has little entropy, so handshakes may wait',
    fix: (c) => [step('Feed it.', c.place.host.install('rng-tools'))],
  }),
  groupCause({
    id: 'memory-cgroup-limit',
    title: 'The runner’s control group is at its memory limit',
    meaning:
      'It hits the limit again and again and works to stay below it; the next larger job gets something killed.',
    evidence:
      'Its memory is at 95 % of the limit, the counter of hits rises, and tasks wait for memory.',
    notConfusedWith: ['memory-pressure', 'memory-oom-killed'],
    from: ['cgroup/memory-limit'],
    says: () => 'the control group of the runner is at its memory limit',
    fix: (c) => [
      c.place.commands.showLimit('What is its limit?', 'memory'),
      ...c.place.commands.raiseLimit('Raise it.', 'memory'),
      fewerJobs(c),
    ],
  }),
  groupCause({
    id: 'cpu-cgroup-throttled',
    title: 'The runner’s control group is stopped by its CPU quota',
    meaning:
      'In most periods of the quota the runner stands still until the next one: it polls late, and handshakes time out.',
    evidence: 'More than half of the periods since the look before were throttled.',
    notConfusedWith: ['cpu-starved'],
    from: ['cgroup/throttled'],
    says: () => 'the control group of the runner is stopped by its CPU quota most of the time',
    fix: (c) => [
      c.place.commands.showLimit('What is its quota?', 'cpu'),
      ...c.place.commands.raiseLimit('Raise or remove it.', 'cpu'),
    ],
    suppresses: ['gitlab-slow'],
  }),
];
