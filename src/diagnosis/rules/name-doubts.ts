/** Results of the links that find an address, where another address of the name was tried and is right. */
import type { CheckState } from '../../core/check.ts';
import { dataOf } from '../../core/finding-data.ts';
import type { RunnerTarget } from '../../core/target.ts';
import { TRIED_RUNNERS } from '../../go/dns/address-difference.ts';
import type { SnapshotIndex } from '../snapshot-index.ts';
import { factsOf, hasReason } from '../snapshot-index.ts';

/** Another address was tried, and is right: by the link that says so. */
const PROVEN: Readonly<Record<string, readonly string[]>> = {
  dns: ['hosts-override', 'servers-disagree', 'search-domain', 'mixed-addresses', 'outdated-copy'],
  proxy: ['other-server'],
};

/** The link that found the address, with another address that passes a link which the one in use fails. */
export function isDoubt(doubt: CheckState): boolean {
  const reasons = PROVEN[doubt.check.probe.id] ?? [];
  return doubt.finding.status === 'warn' && hasReason(doubt, ...reasons);
}

/** The link in question is that of the token: every other one passes at the address in use. */
export function isTokenDoubt(doubt: CheckState): boolean {
  return isDoubt(doubt) && factsOf(doubt)['trial'] === 'token';
}

/** The entries whose tokens were tried. */
export function triedRunnersOf(
  doubt: CheckState,
  { context }: SnapshotIndex,
): readonly RunnerTarget[] {
  const tried = dataOf(doubt.finding, TRIED_RUNNERS) ?? [];
  return context.runners.filter(({ id }) => tried.includes(id));
}

export function doubtsOf(endpoint: string, indexed: SnapshotIndex): readonly CheckState[] {
  return Object.keys(PROVEN)
    .flatMap((probe) => indexed.statesOf(probe))
    .filter(({ check, finding }) => check.target.id === endpoint && finding.status === 'warn');
}
