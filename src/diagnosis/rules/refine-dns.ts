/** A link fails because the name leads to a wrong address; another address of the same name passes that link. */
import { isBroken } from '../../core/check.ts';
import type { CheckState } from '../../core/check.ts';
import { reasonOf } from '../../core/finding.ts';
import { dataOf } from '../../core/finding-data.ts';
import { TRIED_RUNNERS } from '../../go/dns/address-difference.ts';
import { specOfReason } from '../catalogue/index.ts';
import type { SnapshotIndex } from '../snapshot-index.ts';
import { factsOf, hasReason } from '../snapshot-index.ts';
import { isAlternating, mayBeRestarting } from './refine-web.ts';
import type { Refinement } from './refinement.ts';

/** Another address was tried, and is right. */
const PROVEN = ['hosts-override', 'servers-disagree', 'search-domain', 'mixed-addresses'] as const;

export const byDoubtedName: Refinement = (link, endpoint, indexed) => {
  if (isTokenDoubt(link)) return ofTokens(link, indexed);
  if (!isBroken(link)) return undefined;
  const dns = dnsOf(endpoint.id, indexed);
  if (dns === undefined || dns.finding.status !== 'warn') return undefined;
  return isMisled(link, dns) && !isPassing(link, dns, indexed) ? ofDns(dns) : undefined;
};

function ofDns(dns: CheckState) {
  const spec = specOfReason('dns', reasonOf(dns.finding) ?? '');
  if (spec === undefined) return undefined;
  return { spec, severity: spec.severity, facts: factsOf(dns) };
}

const RECENT_SECONDS = 900;

/** A token that is accepted now and then meets the right one of several addresses in turn: part of the polls succeed. */
function ofTokens(dns: CheckState, indexed: SnapshotIndex) {
  const since = indexed.snapshot.takenAt - RECENT_SECONDS * 1000;
  const tried = dataOf(dns.finding, TRIED_RUNNERS) ?? [];
  const isAccepted = indexed.context.runners
    .filter(({ id }) => tried.includes(id))
    .flatMap((runner) => indexed.tokenOf(runner)?.recent ?? [])
    .some(
      ({ finding, startedAt }) =>
        finding.status === 'pass' && startedAt > dns.since && startedAt > since,
    );
  const found = ofDns(dns);
  return isAccepted && hasReason(dns, 'mixed-addresses')
    ? found && { ...found, severity: 'warning' as const }
    : found;
}

/** The dns link, with another address that passes a link which the address in use fails. */
export function isDoubt(dns: CheckState): boolean {
  return dns.check.probe.id === 'dns' && dns.finding.status === 'warn' && hasReason(dns, ...PROVEN);
}

/** The link in question is that of the token: every other one passes at the address in use. */
export function isTokenDoubt(dns: CheckState): boolean {
  return isDoubt(dns) && factsOf(dns)['trial'] === 'token';
}

/** The failure of the link is one that a wrong address explains. */
function isMisled(link: CheckState, dns: CheckState): boolean {
  const probe = link.check.probe.id;
  // An address of this host may belong to a program that is not GitLab; what answers CONNECT is a proxy.
  if (hasReason(dns, 'sinkhole')) return probe !== 'proxy';
  if (!isDoubt(dns)) return false;
  return probe === 'connect' || hasReason(link, 'unreachable') || factsOf(dns)['trial'] === probe;
}

/** The right machine may restart, or be one of several that take turns; another one works meanwhile. */
function isPassing(link: CheckState, dns: CheckState, indexed: SnapshotIndex): boolean {
  const isOneOfSeveral = hasReason(dns, 'mixed-addresses') && isAlternating(link);
  return isOneOfSeveral || mayBeRestarting(link, indexed);
}

function dnsOf(endpoint: string, indexed: SnapshotIndex): CheckState | undefined {
  return indexed.statesOf('dns').find(({ check }) => check.target.id === endpoint);
}
