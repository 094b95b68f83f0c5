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
import { LIMIT_REASONS, readLimits } from '../host/proc/limit-readings.ts';

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

/** Keeps the counters of the previous reading; a test has its own. */
export function createLimits() {
  const counters = new Map<string, number>();
  return defineProbe({
    id: 'limits',
    title: 'Kernel limits',
    question: 'Has the runner, or the whole host, reached a limit of the kernel?',
    kind: 'service',
    changedBy: ['unit'],
    needs: [],
    intervalSeconds: 15,
    timeoutSeconds: 5,
    options: OPTIONS,
    reasons: LIMIT_REASONS,
    measures: MEASURES,

    async run(
      _target,
      options,
      tools,
    ): Promise<Finding<keyof typeof LIMIT_REASONS, keyof typeof MEASURES>> {
      const looks = await readLimits(tools.process?.pid, counters, options, tools);
      const measures = Object.assign({}, ...looks.map((look) => look.measures)) as Partial<
        Record<keyof typeof MEASURES, number>
      >;
      const facts = Object.assign({}, ...looks.map((look) => look.facts)) as Readonly<
        Record<string, number>
      >;
      const faults = looks.flatMap(({ fault }) => fault ?? []);
      const worst =
        faults.find(({ status }) => status === 'fail') ??
        faults.find(({ status }) => status === 'warn') ??
        faults[0];
      return worst === undefined
        ? { status: 'pass', measures, facts }
        : { ...worst, measures, facts };
    },
  });
}

export const limits = createLimits();
