/** What the host's firewall and recent results show about a link that gets no response. */
import type { CheckState } from '../../core/check.ts';
import { reasonOf } from '../../core/finding.ts';
import { dataOf } from '../../core/finding-data.ts';
import { ATTEMPTS } from '../../go/dial/dial-judgement.ts';
import { requireCause } from '../build-cause.ts';
import type { CauseSpec } from '../cause-spec.ts';
import type { SnapshotIndex } from '../snapshot-index.ts';
import { factsOf, hasReason, isFail } from '../snapshot-index.ts';
import type { Refinement } from './refinement.ts';

const CAUSES_OF_RULE = [
  ['rule-blocks', 'firewall-local-block'],
  ['only-monitor-blocked', 'monitor-blocked'],
  ['forwarding-off', 'host-forwarding-off'],
  ['masquerading-missing', 'host-masquerading-missing'],
] as const;

export const byFirewall: Refinement = (link, { id }, indexed) => {
  const rule = stateAt('firewall', id, indexed);
  if (!isFail(link) || rule === undefined) return undefined;
  const cause = CAUSES_OF_RULE.find(([reason]) => hasReason(rule, reason))?.[1];
  return cause === undefined ? undefined : { spec: requireCause(cause), facts: factsOf(rule) };
};

/** How far back a measured loss still explains a timeout. */
const REMEMBER_SECONDS = 120;

export const byPacketLoss: Refinement = (link, { id }, indexed) => {
  const spec = requireCause('network-packet-loss');
  if (!looksLike(spec, link)) return undefined;
  const connect = stateAt('connect', id, indexed);
  const since = indexed.snapshot.takenAt - REMEMBER_SECONDS * 1000;
  const wasLossy = connect?.recent.some(
    ({ finding, startedAt }) => startedAt >= since && reasonOf(finding) === 'packet-loss',
  );
  return wasLossy === true ? { spec } : undefined;
};

function looksLike({ looksLike: others = [] }: CauseSpec, { check, finding }: CheckState): boolean {
  return others.includes(`${check.probe.id}/${reasonOf(finding) ?? ''}`);
}

/** With IPv6 only the runner cannot connect; a closed port or a missing route has nothing to do with what is beyond. */
export const byFamily: Refinement = (link) => {
  const isCutOff = hasReason(link, 'timeout', 'host-unreachable') && isFail(link);
  if (link.check.probe.id !== 'connect' || !isCutOff) return undefined;
  const dialled = dataOf(link.finding, ATTEMPTS);
  const isOnlyIpv6 = dialled?.every(({ address }) => address.family === 6) === true;
  return isOnlyIpv6 ? { spec: requireCause('ipv6-path-broken'), severity: 'critical' } : undefined;
};

function stateAt(probe: string, target: string, indexed: SnapshotIndex): CheckState | undefined {
  return indexed.statesOf(probe).find(({ check }) => check.target.id === target);
}
