/** What changed in the control groups of a process between two readings. */
import type { Paths } from '../../core/paths.ts';
import type { GroupFiles, MemoryUse, Throttling } from './control-group.ts';
import { readGroupFiles, memoryUses, quotaCores, throttlings } from './control-group.ts';
import { parsePressure } from './proc-files.ts';

export interface GroupState {
  readonly memories: readonly MemoryUse[];
  readonly throttlings: readonly Throttling[];
  /** The quota of the nearest group that has one, in cores. */
  readonly cores: number | undefined;
  /** Of the group of the process itself. */
  readonly pressures: {
    readonly cpu_pressure_ratio?: number;
    readonly memory_pressure_ratio?: number;
  };
}

export async function readGroups(pid: number, paths: Paths): Promise<GroupState> {
  const [cpu, memory] = await Promise.all([
    readGroupFiles(pid, 'cpu', paths),
    readGroupFiles(pid, 'memory', paths),
  ]);
  const waitsForCpu = parsePressure(nearestMemory(cpu, 'cpu.pressure'), 'some');
  const waitsForMemory = parsePressure(nearestMemory(memory, 'memory.pressure'), 'full');
  return {
    memories: memoryUses(memory),
    throttlings: throttlings(cpu),
    cores: quotaCores(cpu),
    pressures: {
      ...(waitsForCpu === undefined ? {} : { cpu_pressure_ratio: waitsForCpu }),
      ...(waitsForMemory === undefined ? {} : { memory_pressure_ratio: waitsForMemory }),
    },
  };
}

function nearestMemory(looks: readonly GroupFiles[], file: string): string | undefined {
  return looks.find(({ files }) => file in files)?.files[file];
}

/** Fewer periods are a process that hardly ran: nothing was taken from it. */
const MIN_PERIODS = 3;

export interface GroupChange {
  /** The group that was stopped most. */
  readonly throttling?: Throttling & { readonly ratio: number };
  /** The group with the least room. */
  readonly memory?: MemoryUse & { readonly newHits: number };
}

export function changeOf(old: GroupState, now: GroupState): GroupChange {
  const stopped = now.throttlings.flatMap(({ path, periods, throttled }) => {
    const before = old.throttlings.find((one) => one.path === path);
    if (before === undefined) return [];
    const change = {
      path,
      periods: periods - before.periods,
      throttled: throttled - before.throttled,
    };
    return change.periods < MIN_PERIODS
      ? []
      : [{ ...change, ratio: change.throttled / change.periods }];
  });
  const full = now.memories.map((use) => {
    const before = old.memories.find(({ path }) => path === use.path);
    return { ...use, newHits: use.hits - (before?.hits ?? use.hits) };
  });
  const [throttling] = stopped.toSorted((a, b) => b.ratio - a.ratio);
  const [memory] = full.toSorted((a, b) => b.bytes / b.limitBytes - a.bytes / a.limitBytes);
  return {
    ...(throttling === undefined ? {} : { throttling }),
    ...(memory === undefined ? {} : { memory }),
  };
}
