/** Addresses that earlier answers for a name had: a name server may give one of them at a time, in turn. */
import type { Finding, ProbeResult } from '../../core/finding.ts';
import type { Resolution } from '../../core/lookup.ts';
import type { OtherAddress } from './other-addresses.ts';
import { answeredName, serversWithAnswer } from './other-addresses.ts';

/** Those that the answer of now lacks, by the results of the `dns` link. */
export function earlierAddressesOf(
  found: Resolution,
  results: readonly ProbeResult[],
): readonly OtherAddress[] {
  if (found.source !== 'dns') return [];
  const current = found.addresses.map(({ address }) => address);
  const source = serversWithAnswer(found).join(', ');
  const name = answeredName(found);
  const earlier = results
    .filter(({ finding }) => finding.facts?.['name'] === found.name)
    .flatMap(({ finding }) => addressesIn(finding));
  return [...new Set(earlier)]
    .filter((address) => !current.includes(address))
    .map((address) => ({ address, difference: 'earlier', source, name }));
}

/** How often the name came to this address, by the results of the `dns` link, oldest first. */
export function timesGiven(address: string, results: readonly ProbeResult[]): number {
  const answers = results.map(({ finding }) => addressesIn(finding).includes(address));
  return answers.filter((has, index) => has && answers[index - 1] !== true).length;
}

/** Of a name server; the hosts file gives nothing in turn. */
function addressesIn({ facts = {} }: Finding): readonly string[] {
  const { addresses, source } = facts;
  return source === 'dns' && addresses !== undefined ? String(addresses).split(', ') : [];
}
