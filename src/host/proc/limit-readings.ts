/** Reads and judges each limit: how much is used, and whether that is too much. */
import { setTimeout as sleep } from 'node:timers/promises';

import type { Paths } from '../../core/paths.ts';
import { leadToCauses } from '../../core/reason.ts';
import type { Use } from './limits.ts';
import {
  readConnectionTable,
  readOpenFiles,
  readScarceEntropy,
  readSystemFiles,
  readTasks,
} from './limits.ts';
import { busiestPeer, readPortRange, readSocketCounts } from '../net/sockets.ts';

const WINDOW_MILLISECONDS = 1000;
/** From this share of the ports on, the list of connections is worth its reading. */
const MANY_PORTS_RATIO = 0.8;
/** Of the kernels that this is about. */
const POOL_BITS = 4096;

interface Options {
  readonly near_limit_ratio: number;
  readonly scarce_entropy_bits: number;
}

interface Tools {
  readonly paths: Paths;
  readonly signal: AbortSignal;
}

export const LIMIT_REASONS = {
  ...leadToCauses(
    'system-files',
    'files',
    'tasks',
    'connection-table',
    'connection-table-filling',
    'local-ports',
    'entropy',
  ),
  'proc-unreadable': {
    kind: 'unseen',
    meaning: '/proc/sys cannot be read.',
    action: 'Check --path.procfs and the permissions of runnerwatch.',
  },
  ...leadToCauses('blind'),
} as const;

export type LimitFault = keyof typeof LIMIT_REASONS;

export interface LimitReading {
  readonly measures?: Readonly<Record<string, number>>;
  readonly facts?: Readonly<Record<string, number>>;
  readonly fault?: {
    readonly status: 'fail' | 'warn' | 'unknown';
    readonly reason: LimitFault;
    readonly detail: string;
  };
}

type Reading = LimitReading;

/** Counters of the previous reading, by name: an increase is the fault, not the value. */
type Counters = Map<string, number>;

/** In the order in which one breaks the other. */
export async function readLimits(
  pid: number | undefined,
  counters: Counters,
  options: Options,
  tools: Tools,
): Promise<readonly LimitReading[]> {
  return await Promise.all([
    readSystemFilesLimit(options, tools),
    readOpenFilesLimit(pid, options, tools),
    readTasksLimit(pid, counters, options, tools),
    readConnectionsLimit(counters, options, tools),
    readLocalPortsLimit(options, tools),
    readEntropyLimit(options, tools),
  ]);
}

async function readSystemFilesLimit(options: Options, { paths }: Tools): Promise<Reading> {
  const found = await readSystemFiles(paths);
  if (found === undefined) {
    const detail = `${paths.procfs}/sys/fs/file-nr cannot be read`;
    return { fault: { status: 'unknown', reason: 'proc-unreadable', detail } };
  }
  const measures = { system_files: found.used, system_files_ratio: ratioOf(found) };
  if (!isNear(found, options)) return { measures };
  const detail = `${found.used} of ${found.limit} open files on the whole host`;
  return { measures, fault: { status: 'fail', reason: 'system-files', detail } };
}

async function readOpenFilesLimit(
  pid: number | undefined,
  options: Options,
  { paths }: Tools,
): Promise<Reading> {
  const found = pid === undefined ? undefined : await readOpenFiles(pid, paths);
  // A process that has just ended is the business of another check.
  if (found === undefined) return {};
  if (found === 'hidden') {
    const detail = `this user may not see the open files of process ${pid}`;
    return { fault: { status: 'unknown', reason: 'blind', detail } };
  }
  const measures = { open_files: found.used, open_files_ratio: ratioOf(found) };
  const facts = { files_limit: found.limit };
  if (!isNear(found, options)) return { measures, facts };
  const detail = `process ${pid} has ${found.used} of ${found.limit} files open`;
  return { measures, facts, fault: { status: 'fail', reason: 'files', detail } };
}

async function readTasksLimit(
  pid: number | undefined,
  counters: Counters,
  options: Options,
  { paths }: Tools,
): Promise<Reading> {
  const found = await readTasks(pid, paths);
  const [tightest] = found;
  if (tightest === undefined) return {};
  const measures = { tasks: tightest.used, tasks_ratio: ratioOf(tightest) };
  const own = found.filter(({ where }) => where !== 'the host').map(({ limit }) => limit);
  const facts = own.length === 0 ? {} : { tasks_limit: Math.max(...own) };
  const refusing = found.filter(({ where, refusals }) => hasRisen(counters, where, refusals));
  const full = refusing[0] ?? found.find((use) => isFull(use, options));
  if (full === undefined) return { measures, facts };
  const refused = refusing.length === 0 ? '' : ', and the kernel refused to create another one';
  const detail = `${full.used} of ${full.limit} processes and threads of ${full.where}${refused}`;
  return { measures, facts, fault: { status: 'fail', reason: 'tasks', detail } };
}

/** A control group may be at its limit and refuse nothing yet; the host needs a reserve. */
function isFull(use: Use & { readonly where: string }, options: Options): boolean {
  return use.where === 'the host' ? isNear(use, options) : use.used >= use.limit;
}

async function readConnectionsLimit(
  counters: Counters,
  options: Options,
  { paths, signal }: Tools,
): Promise<Reading> {
  const before = await readConnectionTable(paths);
  if (before === undefined) return {};
  const isFilling = isNear(before, options);
  const isKnown = counters.has('connections');
  const hadRisen = hasRisen(counters, 'connections', before.drops);
  // Without a previous reading, compare over one second.
  if (isFilling && !isKnown) await sleep(WINDOW_MILLISECONDS, undefined, { signal });
  const found = isFilling && !isKnown ? await readConnectionTable(paths) : before;
  const use = found ?? before;
  const isDropping = hasRisen(counters, 'connections', use.drops) || hadRisen;
  const measures = { tracked_connections: use.used, tracked_connections_ratio: ratioOf(use) };
  if (!isFilling) return { measures };
  const detail = `${use.used} of ${use.limit} tracked connections`;
  return isDropping
    ? {
        measures,
        fault: {
          status: 'fail',
          reason: 'connection-table',
          detail: `${detail}, and the kernel dropped new ones`,
        },
      }
    : { measures, fault: { status: 'warn', reason: 'connection-table-filling', detail } };
}

async function readLocalPortsLimit(options: Options, { paths }: Tools): Promise<Reading> {
  const [range, counts] = await Promise.all([readPortRange(paths), readSocketCounts(paths)]);
  if (range === undefined || counts === undefined) return {};
  const limit = range.last - range.first + 1;
  const used = counts.inUse + counts.waiting;
  const measures = { local_ports: used, local_ports_ratio: used / limit };
  if (used < limit * MANY_PORTS_RATIO) return { measures };
  const busiest = await busiestPeer(range, paths);
  if (busiest === undefined || !isNear({ used: busiest.ports, limit }, options))
    return { measures };
  const detail = `${busiest.ports} of ${limit} local ports are in use for connections to ${busiest.peer}`;
  return { measures, fault: { status: 'fail', reason: 'local-ports', detail } };
}

async function readEntropyLimit(options: Options, { paths }: Tools): Promise<Reading> {
  const bits = await readScarceEntropy(paths);
  if (bits === undefined) return {};
  const measures = { entropy_ratio: bits / POOL_BITS };
  if (bits >= options.scarce_entropy_bits) return { measures };
  const detail = `${bits} bits of entropy, on a kernel that blocks until there are enough`;
  return { measures, fault: { status: 'warn', reason: 'entropy', detail } };
}

function ratioOf({ used, limit }: Use): number {
  return limit === 0 ? 0 : used / limit;
}

function isNear(use: Use, options: Options): boolean {
  return use.limit > 0 && use.used >= use.limit * options.near_limit_ratio;
}

/** False for the first reading of a counter. */
function hasRisen(counters: Counters, counter: string, now: number): boolean {
  const before = counters.get(counter);
  counters.set(counter, now);
  return before !== undefined && now > before;
}
