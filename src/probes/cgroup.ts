/**
 * Do the control groups of the runner give it the processor and the memory it needs, and was it killed in them?
 *
 * Source    /proc/PID/cgroup and the files of its groups (version 1 and 2) now and at the previous reading; /proc/vmstat and
 *           the kernel's log for kills; `systemctl show` while there is no process.
 * Measures  throttled_ratio (0..1 of the periods since the previous reading), memory_bytes, memory_limit_bytes,
 *           memory_used_ratio, cpu_pressure_ratio and memory_pressure_ratio (of the group, version 2), oom_kills.
 * Reasons   oom-killed, memory-limit, throttled.
 * Unknown   proc-unreadable. A host without control groups has no such limits, and passes.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import type { Finding } from '../core/finding.ts';
import type { OptionTable, ValuesOf } from '../core/option.ts';
import type { Tools } from '../core/probe.ts';
import { defineProbe } from '../core/probe.ts';
import { leadToCauses } from '../core/reason.ts';
import type { GroupState } from '../host/proc/control-group-state.ts';
import { changeOf, readGroups } from '../host/proc/control-group-state.ts';
import type { OomState } from '../host/proc/oom-watch.ts';
import { OomWatch } from '../host/proc/oom-watch.ts';
import { unitState } from '../host/systemd/systemd.ts';

const WINDOW_MILLISECONDS = 1000;
const MEBIBYTE = 1024 ** 2;

const OPTIONS = {
  throttled_ratio: {
    kind: 'number',
    default: 0.5,
    unit: 'ratio',
    min: 0.01,
    max: 1,
    help: "Share of quota periods in which the runner's control group is throttled. Above it the runner polls GitLab late, and its TLS handshakes time out.",
  },
  near_memory_limit_ratio: {
    kind: 'number',
    default: 0.95,
    unit: 'ratio',
    min: 0.5,
    max: 1,
    help: "Share of the group's memory limit above which, if the limit is also hit, the kernel may kill the runner during the next job.",
  },
  idle_memory_pressure_ratio: {
    kind: 'number',
    default: 0.01,
    unit: 'ratio',
    min: 0,
    max: 1,
    help: 'Below this share of time waiting for memory, a full group only holds page cache, which is harmless.',
  },
} as const satisfies OptionTable;

const REASONS = {
  ...leadToCauses('oom-killed', 'memory-limit', 'throttled'),
  'proc-unreadable': {
    kind: 'unseen',
    meaning: 'There is no runner process, and /proc/vmstat cannot be read.',
    action: 'Check --path.procfs and the permissions of runnerwatch.',
  },
} as const;

const MEASURES = {
  throttled_ratio: { help: 'Share of quota periods in which the group was throttled.' },
  memory_bytes: {
    help: "Memory use, without page cache, of the runner's control group with the least free memory.",
  },
  memory_limit_bytes: { help: 'Limit of that group.' },
  memory_used_ratio: { help: 'Share of that limit in use, without page cache.' },
  cpu_pressure_ratio: {
    help: 'Share of the last minute in which a task of the group waited for a CPU (PSI).',
  },
  memory_pressure_ratio: {
    help: 'Share of the last minute in which all tasks of the group waited for memory (PSI).',
  },
  oom_kills: {
    help: 'Processes of this host that the kernel killed since boot because memory ran out.',
  },
};

type CgroupFinding = Finding<keyof typeof REASONS, keyof typeof MEASURES>;

/** Keeps the previous reading and the pids it has seen; a test has its own. */
export function createCgroup() {
  const before = new Map<string, GroupState>();
  const watch = new OomWatch();
  return defineProbe({
    id: 'cgroup',
    title: 'Control group',
    question:
      'Do the control groups give the runner enough CPU and memory, and did the kernel kill it?',
    kind: 'service',
    changedBy: ['unit'],
    needs: [],
    intervalSeconds: 15,
    timeoutSeconds: 5,
    options: OPTIONS,
    reasons: REASONS,
    measures: MEASURES,

    async run(_target, options, tools): Promise<CgroupFinding> {
      const { paths, signal, process } = tools;
      const pid = process?.pid;
      const oom = await watch.read(pid, paths);
      const kills = oom.kills === undefined ? {} : { oom_kills: oom.kills };
      const facts =
        oom.last === undefined ? {} : { victim: oom.last.name, victim_pid: oom.last.pid };
      const killed = await killOf(oom, tools);
      if (killed !== undefined)
        return { ...killed, measures: kills, facts: { ...facts, ...killed.facts } };
      signal.throwIfAborted();
      if (pid === undefined) return absent(oom, tools, facts);
      const old = before.get(String(pid)) ?? (await firstReading(pid, tools));
      const now = await readGroups(pid, paths);
      before.clear();
      before.set(String(pid), now);
      return { ...judgeGroups(old, now, options, kills), facts: { ...facts, ...limitsOf(now) } };
    },
  });
}

export const cgroup = createCgroup();

/** Without a process there is no group to read, and no kill to look up. */
function absent(
  { kills }: OomState,
  { paths }: Tools,
  facts: NonNullable<Finding['facts']>,
): CgroupFinding {
  if (kills !== undefined) return { status: 'pass', measures: { oom_kills: kills }, facts };
  const detail = `${paths.procfs}/vmstat cannot be read`;
  return { status: 'unknown', reason: 'proc-unreadable', detail, facts };
}

async function firstReading(pid: number, { paths, signal }: Tools): Promise<GroupState> {
  const first = await readGroups(pid, paths);
  if (first.throttlings.length > 0 || first.memories.length > 0) {
    await sleep(WINDOW_MILLISECONDS, undefined, { signal });
  }
  return first;
}

async function killOf({ runner }: OomState, { place, process, paths, signal }: Tools) {
  if (runner !== undefined) {
    const where = runner.isOfGroup ? 'its control group' : 'the host';
    const detail = `the kernel killed the runner process ${runner.pid} (${runner.name}): ${where} had no memory left`;
    const facts = { pid: runner.pid, where };
    return { status: 'fail', reason: 'oom-killed', detail, facts } as const;
  }
  if (process !== undefined || place.unit === undefined) return undefined;
  const unit = await unitState(place.unit, paths, signal);
  if (unit?.result !== 'oom-kill') return undefined;
  const detail = `${place.unit} ended because the kernel killed one of its processes when memory ran out`;
  return {
    status: 'fail',
    reason: 'oom-killed',
    detail,
    facts: { where: 'its control group' },
  } as const;
}

function judgeGroups(
  old: GroupState,
  now: GroupState,
  options: ValuesOf<typeof OPTIONS>,
  kills: { readonly oom_kills?: number },
): CgroupFinding {
  const { throttling, memory } = changeOf(old, now);
  const measures = {
    ...kills,
    ...(throttling === undefined ? {} : { throttled_ratio: throttling.ratio }),
    ...(memory === undefined
      ? {}
      : {
          memory_bytes: memory.bytes,
          memory_limit_bytes: memory.limitBytes,
          memory_used_ratio: memory.bytes / memory.limitBytes,
        }),
    ...now.pressures,
  };
  if (memory !== undefined && isShort(memory, options)) {
    const left = `${mebibytes(memory.bytes)} of ${mebibytes(memory.limitBytes)}`;
    const detail = `the control group ${memory.path} has ${left} and hit its limit ${memory.newHits} times since the last check`;
    return { status: 'warn', reason: 'memory-limit', detail, measures };
  }
  if (throttling === undefined || throttling.ratio <= options.throttled_ratio) {
    return { status: 'pass', measures };
  }
  const detail = `the control group ${throttling.path} was throttled in ${throttling.throttled} of ${throttling.periods} periods`;
  return { status: 'warn', reason: 'throttled', detail, measures };
}

/** Those of the nearest group that has one, for the fix: it must not set less. */
function limitsOf({ memories, cores }: GroupState): Readonly<Record<string, number>> {
  const [memory] = memories;
  return {
    ...(memory === undefined ? {} : { memory_limit: memory.limitBytes }),
    ...(cores === undefined ? {} : { cpu_limit: cores }),
  };
}

function isShort(
  memory: NonNullable<ReturnType<typeof changeOf>['memory']>,
  options: ValuesOf<typeof OPTIONS>,
): boolean {
  const isNear = memory.bytes >= memory.limitBytes * options.near_memory_limit_ratio;
  const isCacheOnly = (memory.waitedRatio ?? 1) < options.idle_memory_pressure_ratio;
  return isNear && memory.newHits > 0 && !isCacheOnly;
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / MEBIBYTE)} MiB`;
}
