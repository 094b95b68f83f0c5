/**
 * Is the runner, or the whole host, at a limit of the kernel: files, tasks, tracked connections, local ports?
 *
 * Source    /proc/PID/{fd,limits,cgroup}, /proc/sys, /proc/net/{sockstat,tcp,tcp6,stat/nf_conntrack}, control groups.
 * Measures  each number beside its ratio to the limit (0..1); entropy_ratio on kernels before 5.6.
 * Reasons   system-files, files, tasks, connection-table, connection-table-filling, local-ports, entropy; the first
 *           that is true, in the order in which one breaks the other.
 * Unknown   proc-unreadable; blind: the runner's files are hidden from runnerwatch.
 */
import type { Finding } from '../core/finding.ts';
import type { OptionTable } from '../core/option.ts';
import { defineProbe } from '../core/probe.ts';
import { readLimits } from '../host/proc/limit-readings.ts';

const OPTIONS = {
  near_limit_ratio: {
    kind: 'number',
    default: 0.95,
    unit: 'ratio',
    min: 0.5,
    max: 1,
    help: 'Share of a limit from which on it counts as reached: the runner needs several files and tasks at once for one job, and fails with what is left.',
  },
  scarce_entropy_bits: {
    kind: 'number',
    default: 64,
    unit: 'count',
    min: 1,
    max: 4096,
    help: 'Below this much entropy a handshake of the runner waits for random numbers; kernels since 5.6 never do.',
  },
} as const satisfies OptionTable;

const REASONS = {
  'system-files': {
    meaning: 'The table of open files of the whole host is full.',
    action: 'Raise fs.file-max, and look for who holds the files.',
  },
  files: {
    meaning: 'The runner has as many files and connections open as it may.',
    action: 'Raise LimitNOFILE of its unit and restart it.',
  },
  tasks: {
    meaning: 'No process and no thread can be started any more.',
    action: 'Raise TasksMax or kernel.pid_max, and look for who started so many.',
  },
  'connection-table': {
    meaning: 'The table of tracked connections is full: the kernel throws new connections away.',
    action: 'Raise net.netfilter.nf_conntrack_max, and look for who opens so many.',
  },
  'connection-table-filling': {
    meaning: 'The table of tracked connections is nearly full; nothing was thrown away yet.',
    action: 'Look for who opens so many connections.',
  },
  'local-ports': {
    meaning: 'All local ports to one peer are in use: no new connection to it can be made.',
    action: 'Look for who opens them, or widen net.ipv4.ip_local_port_range.',
  },
  entropy: {
    meaning: 'This old kernel has little entropy: handshakes wait for random numbers.',
    action: 'Install rng-tools, or give the machine a virtio-rng.',
  },
  'proc-unreadable': {
    meaning: '/proc/sys cannot be read.',
    action: 'Check --path.procfs and the rights of runnerwatch.',
  },
  blind: {
    meaning: 'The open files of the runner are hidden from runnerwatch.',
    action: 'Run runnerwatch as root.',
  },
} as const;

const MEASURES = {
  open_files: { help: 'Files and connections that the runner has open.' },
  open_files_ratio: { help: 'Share of the runner’s own limit of open files that is taken.' },
  system_files: { help: 'Open files of the whole host.' },
  system_files_ratio: { help: 'Share of the host’s table of open files that is taken.' },
  tasks: { help: 'Processes and threads where there is the least room for more.' },
  tasks_ratio: { help: 'Share of the tightest limit of processes and threads that is taken.' },
  tracked_connections: { help: 'Entries of the connection tracking table.' },
  tracked_connections_ratio: { help: 'Share of the connection tracking table that is taken.' },
  local_ports: { help: 'TCP sockets in use or in TIME_WAIT.' },
  local_ports_ratio: {
    help: 'The same as a share of the range of local ports; more than 1 is possible with several peers.',
  },
  entropy_ratio: {
    help: 'Share of the entropy pool that is filled, on kernels where a lack makes handshakes wait.',
  },
};

/** Remembers the counters of the last look; a test has its own. */
export function createLimits() {
  const counters = new Map<string, number>();
  return defineProbe({
    id: 'limits',
    title: 'Limits of the kernel',
    question: 'Is the runner, or the whole host, at a limit of the kernel?',
    kind: 'service',
    needs: [],
    intervalSeconds: 15,
    timeoutSeconds: 5,
    options: OPTIONS,
    reasons: REASONS,
    measures: MEASURES,

    async run(
      { pid },
      options,
      tools,
    ): Promise<Finding<keyof typeof REASONS, keyof typeof MEASURES>> {
      const looks = await readLimits(pid, counters, options, tools);
      const measures = Object.assign({}, ...looks.map((look) => look.measures)) as Partial<
        Record<keyof typeof MEASURES, number>
      >;
      const faults = looks.flatMap(({ fault }) => fault ?? []);
      const worst =
        faults.find(({ status }) => status === 'fail') ??
        faults.find(({ status }) => status === 'warn') ??
        faults[0];
      return worst === undefined ? { status: 'pass', measures } : { ...worst, measures };
    },
  });
}

export const limits = createLimits();
