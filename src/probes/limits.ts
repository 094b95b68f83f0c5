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
    help: 'Share of a limit above which it counts as reached: the runner needs several files and tasks for one job.',
  },
  scarce_entropy_bits: {
    kind: 'number',
    default: 64,
    unit: 'count',
    min: 1,
    max: 4096,
    help: 'Below this much entropy a TLS handshake of the runner waits for random numbers; not since kernel 5.6.',
  },
} as const satisfies OptionTable;

const REASONS = {
  'system-files': {
    meaning: 'The open-file table of the whole host is full.',
    action: 'Raise fs.file-max, and find the process that has the files open.',
  },
  files: {
    meaning: 'The runner has reached its limit of open files and connections.',
    action: 'Raise LimitNOFILE of its unit and restart it.',
  },
  tasks: {
    meaning: 'No new process or thread can be started.',
    action: 'Raise TasksMax or kernel.pid_max, and find the program that started so many.',
  },
  'connection-table': {
    meaning: 'The connection tracking table is full: the kernel drops new connections.',
    action:
      'Raise net.netfilter.nf_conntrack_max, and find the program that opens so many connections.',
  },
  'connection-table-filling': {
    meaning:
      'The connection tracking table is nearly full; the kernel has dropped no connection yet.',
    action: 'Find the program that opens so many connections.',
  },
  'local-ports': {
    meaning: 'All local ports to one peer are in use: no new connection to it is possible.',
    action: 'Find the program that opens them, or widen net.ipv4.ip_local_port_range.',
  },
  entropy: {
    meaning: 'This old kernel has little entropy: TLS handshakes wait for random numbers.',
    action: 'Install rng-tools, or give the machine a virtio-rng.',
  },
  'proc-unreadable': {
    meaning: '/proc/sys cannot be read.',
    action: 'Check --path.procfs and the permissions of runnerwatch.',
  },
  blind: {
    meaning: "runnerwatch may not see the runner's open files.",
    action: 'Run runnerwatch as root.',
  },
} as const;

const MEASURES = {
  open_files: { help: 'Files and connections that the runner has open.' },
  open_files_ratio: { help: "Share of the runner's own limit of open files in use." },
  system_files: { help: 'Open files of the whole host.' },
  system_files_ratio: { help: "Share of the host's open-file table in use." },
  tasks: { help: 'Processes and threads under the limit with the least room.' },
  tasks_ratio: { help: 'Share of that limit in use.' },
  tracked_connections: { help: 'Entries of the connection tracking table.' },
  tracked_connections_ratio: { help: 'Share of the connection tracking table in use.' },
  local_ports: { help: 'TCP sockets in use or in TIME_WAIT.' },
  local_ports_ratio: {
    help: 'The same as a share of the local port range; more than 1 is possible with several peers.',
  },
  entropy_ratio: {
    help: 'Share of the entropy pool that is filled, on kernels where a low level makes handshakes wait.',
  },
};

/** Remembers the counters of the last look; a test has its own. */
export function createLimits() {
  const counters = new Map<string, number>();
  return defineProbe({
    id: 'limits',
    title: 'Kernel limits',
    question: 'Has the runner, or the whole host, reached a limit of the kernel?',
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
