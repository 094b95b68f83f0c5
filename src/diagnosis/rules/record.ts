/** What GitLab's own record says about single entries, where an API token was given. */
import type { Cause } from '../../core/diagnosis.ts';
import { reasonOf } from '../../core/finding.ts';
import { specOfReason } from '../catalogue/index.ts';
import { buildCause } from '../build-cause.ts';
import type { SnapshotIndex } from '../snapshot-index.ts';

export function recordCauses(indexed: SnapshotIndex): readonly Cause[] {
  const { runners } = indexed.hostContext;
  return indexed.statesOf('record').flatMap((state) => {
    const spec = specOfReason('record', reasonOf(state.finding) ?? '');
    const own = runners.filter(({ id }) => id === state.check.target.id);
    if (spec === undefined || state.finding.status !== 'warn') return [];
    return [
      buildCause(indexed, { spec, states: [state], scopeId: state.check.target.id, runners: own }),
    ];
  });
}
