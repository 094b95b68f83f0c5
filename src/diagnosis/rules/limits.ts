/** Limits of the kernel that break calls of every program, and the kill that ends the runner. */
import type { Cause } from '../../core/diagnosis.ts';
import type { SnapshotIndex } from '../snapshot-index.ts';
import { hasReason } from '../snapshot-index.ts';
import { causesOfProbe } from './host.ts';

/** They break whatever comes after them; the others only slow it down. */
const BREAKING: ReadonlySet<string> = new Set([
  'memory-oom-killed',
  'fd-system-limit-reached',
  'fd-limit-reached',
  'pids-limit-reached',
  'conntrack-table-full',
  'ephemeral-ports-exhausted',
]);

export function breakingLimitCauses(indexed: SnapshotIndex): readonly Cause[] {
  return limitCauses(indexed).filter(({ id, severity }) => isBreaking(id, severity));
}

/** What hurts without breaking, and what is only near its limit. */
export function slowingLimitCauses(indexed: SnapshotIndex): readonly Cause[] {
  return limitCauses(indexed).filter(({ id, severity }) => !isBreaking(id, severity));
}

function isBreaking(id: string, severity: string): boolean {
  return BREAKING.has(id) && severity === 'critical';
}

function limitCauses(indexed: SnapshotIndex): readonly Cause[] {
  const refused = indexed
    .statesOf('connect')
    .filter((state) => hasReason(state, 'no-local-port'))
    .map(({ check }) => check.id);
  const found = [...causesOfProbe('cgroup', indexed), ...causesOfProbe('limits', indexed)];
  return found.map((cause) => {
    if (cause.id === 'ephemeral-ports-exhausted') return { ...cause, explains: refused };
    const isLost = cause.id === 'conntrack-table-full' && losesConnections(indexed);
    return isLost ? { ...cause, severity: 'critical' } : cause;
  });
}

/** A full table and a silent way: the kernel does not always count what it throws away where we can see it. */
function losesConnections(indexed: SnapshotIndex): boolean {
  const isFull = indexed
    .statesOf('limits')
    .some(({ finding }) => (finding.measures?.['tracked_connections_ratio'] ?? 0) >= 1);
  const links = [...indexed.statesOf('dns'), ...indexed.statesOf('connect')];
  return isFull && links.some((state) => hasReason(state, 'timeout', 'packet-loss'));
}
