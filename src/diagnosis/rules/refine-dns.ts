/** A link fails because DNS or the hosts file returns a wrong address; another source returns one that works. */
import { isBroken } from '../../core/check.ts';
import type { CheckState } from '../../core/check.ts';
import { reasonOf } from '../../core/finding.ts';
import { specOfReason } from '../catalogue/index.ts';
import type { SnapshotIndex } from '../snapshot-index.ts';
import { factsOf, hasReason } from '../snapshot-index.ts';
import type { Refinement } from './refinement.ts';

/** The probe tried another address, which worked. */
const PROVEN = ['hosts-override', 'servers-disagree'] as const;

export const byDoubtedName: Refinement = (link, endpoint, indexed) => {
  if (!isBroken(link)) return undefined;
  const dns = dnsOf(endpoint.id, indexed);
  if (dns === undefined || dns.finding.status !== 'warn') return undefined;
  const spec = isMisled(link, dns) ? specOfReason('dns', reasonOf(dns.finding) ?? '') : undefined;
  return spec === undefined ? undefined : { spec, facts: factsOf(dns) };
};

/** The failure of the link is one that a wrong address explains. */
function isMisled(link: CheckState, dns: CheckState): boolean {
  const probe = link.check.probe.id;
  // An address of this host may belong to a program that is not GitLab; what answers CONNECT is a proxy.
  if (hasReason(dns, 'sinkhole')) return probe !== 'proxy';
  const isStranger = probe === 'tls' && factsOf(dns)['trial'] === 'certificate';
  const isDead = probe === 'connect' || hasReason(link, 'unreachable');
  return hasReason(dns, ...PROVEN) && (isDead || isStranger);
}

function dnsOf(endpoint: string, indexed: SnapshotIndex): CheckState | undefined {
  return indexed.statesOf('dns').find(({ check }) => check.target.id === endpoint);
}
