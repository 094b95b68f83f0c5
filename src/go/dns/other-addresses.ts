/**
 * Which other addresses a name has beside those in use, and the source of each: the same answer, DNS beside the hosts file,
 * the name servers that Go did not query, the names that the search list would have tried next.
 */
import type { Resolution } from '../../core/lookup.ts';
import type { Place } from '../../core/place.ts';
import { canonicalAddress } from './address-order.ts';
import { addressesByServer } from './lookup-judgement.ts';
import type { ResolveOptions } from './resolver.ts';
import { queryEachServer, resolveLikeGo } from './resolver.ts';
import type { ServersAtStart } from './servers-at-start.ts';

/**
 * What differs from the lookup of the runner. `answer`: nothing, it is another address of the same answer. `hosts`: the
 * hosts file is left out. `server`: another name server is asked. `name`: another name of the search list is asked. `copy`: a
 * server is asked that the container of the runner would have after a restart. `earlier`: the answer of a moment ago.
 */
export type Difference = 'answer' | 'hosts' | 'server' | 'name' | 'copy' | 'earlier';

export interface OtherAddress {
  readonly address: string;
  readonly difference: Difference;
  /** `/etc/hosts`, or a name server. */
  readonly source: string;
  /** As it was queried. */
  readonly name: string;
  /** Of a server that a restart would bring. */
  readonly atStart?: ServersAtStart;
}

/** After these faults only a container may have a server that helps: those of its host. */
export const FAULTS_OF_SERVER: readonly string[] = [
  'dns/server-failure',
  'dns/timeout',
  'dns/resolver-down',
  'dns/no-route',
  'dns/not-configured',
];

/** True if there may be another address, also that of a server which the container of the runner does not have yet. */
export function mayHaveOthers(
  found: Resolution,
  fault: string,
  { resolver }: Pick<Place, 'resolver'>,
): boolean {
  const { source, servers, addresses } = found;
  if (source === 'literal') return false;
  if (resolver !== undefined) return true;
  if (FAULTS_OF_SERVER.includes(fault)) return false;
  if (addresses.length === 0) return servers.length > 1;
  if (addresses.length > 1) return true;
  if (source === 'hosts') return servers.length > 0;
  return servers.length > 1 || otherNames(found).length > 0;
}

/** Each address once, in the order in which they are likely. */
export async function otherAddressesOf(
  found: Resolution,
  used: readonly string[],
  deps: ResolveOptions,
  atStart?: ServersAtStart,
): Promise<readonly OtherAddress[]> {
  const others = await Promise.all([ofOtherSources(found, deps), ofHost(found, atStart)]);
  const all = [...ofSameAnswer(found), ...others.flat()].map((one) => ({
    ...one,
    address: canonicalAddress(one.address),
  }));
  const known = new Set(used);
  return all.filter(({ address }) => {
    const isNew = !known.has(address);
    known.add(address);
    return isNew;
  });
}

/** The name servers whose answer is in use. */
export function serversWithAnswer({ queries }: Resolution): readonly string[] {
  return [...addressesByServer(queries).keys()];
}

/** The name whose answer is in use: as written, or with a domain of the search list. */
export function answeredName({ name, queries }: Resolution): string {
  return queries.findLast(({ addresses }) => addresses.length > 0)?.name ?? name;
}

/** The names that Go did not get to, since it had an answer. Nothing comes after the name as it is written in `url`. */
function otherNames(found: Resolution): readonly string[] {
  const answered = answeredName(found);
  if (found.source !== 'dns' || answered === found.name.replace(/\.$/, '')) return [];
  return found.names.slice(found.names.indexOf(answered) + 1);
}

function ofSameAnswer(found: Resolution): readonly OtherAddress[] {
  const source = found.source === 'hosts' ? '/etc/hosts' : serversWithAnswer(found).join(', ');
  const name = answeredName(found);
  return found.addresses.map(({ address }) => ({ address, difference: 'answer', source, name }));
}

async function ofOtherSources(
  found: Resolution,
  deps: ResolveOptions,
): Promise<readonly OtherAddress[]> {
  if (found.source === 'hosts') {
    const { queries } = await resolveLikeGo(found.name, { ...deps, isWithoutHosts: true });
    return addressesIn(queries, 'hosts');
  }
  const deciding = serversWithAnswer(found);
  const rest = found.servers.filter((server) => !deciding.includes(server));
  const [byServer, ...byName] = await Promise.all([
    queryEachServer(answeredName(found), rest, deps),
    ...otherNames(found).map((name) => queryEachServer(name, found.servers, deps)),
  ]);
  return [...addressesIn(byServer, 'server'), ...addressesIn(byName.flat(), 'name')];
}

/** The answer of the server that would be asked first. */
async function ofHost(
  found: Resolution,
  atStart: ServersAtStart | undefined,
): Promise<readonly OtherAddress[]> {
  const isOpen = atStart?.isFirstNew === true && atStart.setBy === undefined;
  if (!isOpen || found.source !== 'dns') return [];
  const queries = await atStart.ask(answeredName(found));
  const own = queries.filter(({ server }) => server === atStart.servers[0]);
  return addressesIn(own, 'copy').map((one) => ({ ...one, atStart }));
}

function addressesIn(
  queries: Resolution['queries'],
  difference: Difference,
): readonly OtherAddress[] {
  return queries.flatMap(({ addresses, server, name }) =>
    addresses.map((address) => ({ address, difference, source: server, name })),
  );
}
