/**
 * What do the control groups of a process allow it, and what did they cost it? Version 1 and 2, and the mixture of
 * both; the limit may stand at any group above, so all are asked.
 *
 * Source  cgroups(7), Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst of the kernel.
 */
import { access, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import type { Paths } from '../../core/paths.ts';
import { parseCounters, parsePressure } from './proc-files.ts';

export type Controller = (typeof CONTROLLERS)[number];

/** One group, with what its files hold; files that are not there are left out. */
export interface GroupFiles {
  /** As /proc/PID/cgroup names it, or a group above. */
  readonly path: string;
  readonly files: Readonly<Record<string, string>>;
}

const NAMES: Readonly<Record<Controller, readonly string[]>> = {
  cpu: ['cpu.stat', 'cpu.max', 'cpu.pressure', 'cpu.cfs_quota_us', 'cpu.cfs_period_us'],
  memory: [
    'memory.current',
    'memory.max',
    'memory.events',
    'memory.pressure',
    'memory.usage_in_bytes',
    'memory.limit_in_bytes',
    'memory.failcnt',
    'memory.oom_control',
    'memory.stat',
  ],
  pids: ['pids.current', 'pids.max', 'pids.events'],
};

/** From the group of the process up to the root, without those that have no file of the controller. */
export async function readGroupFiles(
  pid: number,
  controller: Controller,
  paths: Paths,
): Promise<readonly GroupFiles[]> {
  const text = await readFile(join(paths.procfs, String(pid), 'cgroup'), 'utf8').catch(() => '');
  const seen = await seenGroups(groupPathsOf(text, controller, paths));
  const looks = await Promise.all(
    seen.map(({ folder, path }) =>
      Promise.all(
        ancestorsOf(path).map((one) => readFiles(join(folder, one), one, NAMES[controller])),
      ),
    ),
  );
  return looks.flat().filter(({ files }) => Object.keys(files).length > 0);
}

/** False where this program has another /sys than the host, as in a container. */
export async function seesGroups(pid: number, paths: Paths): Promise<boolean> {
  const text = await readFile(join(paths.procfs, String(pid), 'cgroup'), 'utf8').catch(() => '');
  const all = CONTROLLERS.flatMap((controller) => groupPathsOf(text, controller, paths));
  return text === '' || (await seenGroups(all)).length > 0;
}

/** Where its own group is not there, what lies above by its path are groups of others. */
async function seenGroups(all: readonly GroupPath[]): Promise<readonly GroupPath[]> {
  const areThere = await Promise.all(
    all.map(
      async ({ folder, path }) =>
        await access(join(folder, path)).then(
          () => true,
          () => false,
        ),
    ),
  );
  return all.filter((_one, index) => areThere[index]);
}

const CONTROLLERS = ['cpu', 'memory', 'pids'] as const;

interface GroupPath {
  readonly folder: string;
  readonly path: string;
}

/** `0::/x` is version 2, `8:pids:/x` version 1; a mixture mounts version 2 at `unified`. */
function groupPathsOf(text: string, controller: Controller, paths: Paths): readonly GroupPath[] {
  const root = join(paths.sysfs, 'fs/cgroup');
  return text.split('\n').flatMap((line) => {
    const [, , names = '', path = ''] = /^(\d+):([^:]*):(\/.*)$/.exec(line) ?? [];
    if (path === '') return [];
    if (names === '')
      return [
        { folder: root, path },
        { folder: join(root, 'unified'), path },
      ];
    if (!names.split(',').includes(controller)) return [];
    return [...new Set([names, controller])].map((name) => ({ folder: join(root, name), path }));
  });
}

function ancestorsOf(path: string): readonly string[] {
  return path === '/' ? ['/'] : [path, ...ancestorsOf(dirname(path))];
}

async function readFiles(
  folder: string,
  path: string,
  names: readonly string[],
): Promise<GroupFiles> {
  const found = await Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(folder, name), 'utf8').catch(() => undefined);
      return text === undefined ? [] : [[name, text] as const];
    }),
  );
  return { path, files: Object.fromEntries(found.flat()) };
}

/** A number in a file; `max` and the huge number that version 1 uses for it are no limit. */
export function limitOf(text: string | undefined): number | undefined {
  const value = Number((text ?? 'max').trim());
  return Number.isNaN(value) || value >= Number.MAX_SAFE_INTEGER ? undefined : value;
}

export interface MemoryUse {
  readonly path: string;
  readonly bytes: number;
  readonly limitBytes: number;
  /** How often the limit was hit, and how often that ended in a kill. */
  readonly hits: number;
  readonly kills: number;
  /** Share of the last minute in which all of its tasks waited for memory; version 2 only. */
  readonly waitedRatio: number | undefined;
}

/** Groups with a limit, the nearest to the process first. */
export function memoryUses(looks: readonly GroupFiles[]): readonly MemoryUse[] {
  return looks.flatMap(({ path, files }) => {
    const limitBytes = limitOf(files['memory.max'] ?? files['memory.limit_in_bytes']);
    const charged = Number(files['memory.current'] ?? files['memory.usage_in_bytes'] ?? NaN);
    const bytes = charged - pageCacheBytes(files['memory.stat']);
    if (limitBytes === undefined || Number.isNaN(bytes)) return [];
    const events = parseCounters(files['memory.events'] ?? '');
    const old = parseCounters(files['memory.oom_control'] ?? '');
    return [
      {
        path,
        bytes,
        limitBytes,
        hits: events.get('max') ?? Number(files['memory.failcnt'] ?? 0),
        kills: events.get('oom_kill') ?? old.get('oom_kill') ?? 0,
        waitedRatio: parsePressure(files['memory.pressure'], 'full'),
      },
    ];
  });
}

/** Pages of files, which the kernel drops when memory is short. Version 1 gives those of the groups below as totals. */
function pageCacheBytes(text: string | undefined): number {
  const counters = parseCounters(text ?? '');
  return ['active_file', 'inactive_file'].reduce(
    (sum, name) => sum + (counters.get(`total_${name}`) ?? counters.get(name) ?? 0),
    0,
  );
}

export interface Throttling {
  readonly path: string;
  readonly periods: number;
  readonly throttled: number;
}

/** Groups with a quota. */
export function throttlings(looks: readonly GroupFiles[]): readonly Throttling[] {
  return looks.flatMap(({ path, files }) => {
    const counters = parseCounters(files['cpu.stat'] ?? '');
    const [periods, throttled] = [counters.get('nr_periods'), counters.get('nr_throttled')];
    return periods === undefined || throttled === undefined ? [] : [{ path, periods, throttled }];
  });
}

/** Of the nearest group with a quota, in cores: `200000 100000` is two. */
export function quotaCores(looks: readonly GroupFiles[]): number | undefined {
  const cores = looks.flatMap(({ files }) => {
    const old = `${files['cpu.cfs_quota_us'] ?? 'max'} ${files['cpu.cfs_period_us'] ?? ''}`;
    const [quota = NaN, period = NaN] = (files['cpu.max'] ?? old).trim().split(/\s+/).map(Number);
    return quota > 0 && period > 0 ? [quota / period] : [];
  });
  return cores[0];
}

export interface PidsUse {
  readonly path: string;
  readonly tasks: number;
  readonly limit: number;
  /** How often a fork was refused. */
  readonly refusals: number;
}

export function pidsUses(looks: readonly GroupFiles[]): readonly PidsUse[] {
  return looks.flatMap(({ path, files }) => {
    const limit = limitOf(files['pids.max']);
    const tasks = Number(files['pids.current'] ?? NaN);
    if (limit === undefined || Number.isNaN(tasks)) return [];
    const refusals = parseCounters(files['pids.events'] ?? '').get('max') ?? 0;
    return [{ path, tasks, limit, refusals }];
  });
}
