/** Kernel limits whose meaning depends on other findings. */
import type { CheckState } from '../../core/check.ts';
import type { Cause } from '../../core/diagnosis.ts';
import type { SnapshotIndex } from '../snapshot-index.ts';
import { hasReason, isTroubled } from '../snapshot-index.ts';
import { causeOfCheck, specOfFinding } from './default.ts';

export function limitCauses(indexed: SnapshotIndex): readonly Cause[] {
  return indexed.statesOf('limits').flatMap((state) => {
    if (!isTroubled(state)) return [];
    const id = specOfFinding(state)?.id;
    if (id === 'ephemeral-ports-exhausted') {
      return [causeOfCheck(state, indexed, { explains: withoutLocalPort(indexed) })];
    }
    const isLost = id === 'conntrack-table-full' && losesConnections(state, indexed);
    return isLost ? [causeOfCheck(state, indexed, { severity: 'critical' })] : [];
  });
}

function withoutLocalPort(indexed: SnapshotIndex): Cause['explains'] {
  return indexed
    .statesOf('connect')
    .filter((state) => hasReason(state, 'no-local-port'))
    .map(({ check }) => check.id);
}

/** A full table and a silent path: the kernel does not always count its drops where this process can see them. */
function losesConnections({ finding }: CheckState, indexed: SnapshotIndex): boolean {
  const isFull = (finding.measures?.['tracked_connections_ratio'] ?? 0) >= 1;
  const links = [...indexed.statesOf('dns'), ...indexed.statesOf('connect')];
  return isFull && links.some((state) => hasReason(state, 'timeout', 'packet-loss'));
}
