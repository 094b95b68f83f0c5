/** A rule of this host's firewall blocks new connections of the runner, whose polls still work on an older one. */
import type { CheckState } from '../../core/check.ts';
import type { Cause } from '../../core/diagnosis.ts';
import { eventsOfRunner } from '../runner-events.ts';
import type { SnapshotIndex } from '../snapshot-index.ts';
import { hasReason, isFail } from '../snapshot-index.ts';
import { causeOfCheck } from './default.ts';

export function firewallUserCauses(indexed: SnapshotIndex): readonly Cause[] {
  return indexed
    .statesOf('firewall')
    .filter((state) => hasReason(state, 'rule-blocks') && stillPolls(state, indexed))
    .map((state) => causeOfCheck(state, indexed, { severity: 'warning' }));
}

/** An entry of this endpoint has polled since the rule was seen, and no link of ours fails. */
function stillPolls({ check: { target }, since }: CheckState, indexed: SnapshotIndex): boolean {
  const endpoint = indexed.context.endpoints.find(({ id }) => id === target.id);
  if (endpoint === undefined || indexed.linksOf(endpoint).some((link) => isFail(link)))
    return false;
  return indexed.context.runners
    .filter((runner) => runner.endpoint === target.id)
    .flatMap((runner) => eventsOfRunner(indexed, runner, 'polls-worked', 'poll-worked'))
    .some(({ event }) => event.lastAt > since);
}
