/** What does a lookup that gave no address prove, and may one that gave some be wrong? Pure functions. */
import { isIPv6 } from 'node:net';

import type { Outcome, Query } from './query.ts';
import type { Resolution } from './resolver.ts';

export type LookupFault =
  | 'not-found'
  | 'server-failure'
  | 'timeout'
  | 'prohibited'
  | 'resolver-down'
  | 'not-configured'
  | 'no-route'
  | 'resolver-error';

/** Go calls all of them "server misbehaving" or worse; another server may do better. */
const FAILURES: readonly Outcome[] = ['servfail', 'refused', 'misbehaving', 'lame', 'malformed'];
const TIMEOUTS: readonly Outcome[] = ['timeout', 'unreachable'];
const NO_RESOLVER: readonly Outcome[] = [
  'connection-refused',
  'no-route',
  'prohibited',
  ...TIMEOUTS,
];

/** For a lookup without addresses. */
export function lookupFaultOf(found: Resolution): LookupFault {
  const queries = decisiveQueries(found);
  const outcomes = new Set(queries.map(({ outcome }) => outcome));
  const has = (list: readonly Outcome[]): boolean => list.some((outcome) => outcomes.has(outcome));
  // Nobody was asked: nsswitch.conf lists no dns, or Go asks no server for such a name.
  if (queries.length === 0 || isNotFound(queries)) return 'not-found';
  if (has(FAILURES)) return 'server-failure';
  const isNobody = [...outcomes].every((outcome) => NO_RESOLVER.includes(outcome));
  if (found.isFallback && isNobody) return 'not-configured';
  if (outcomes.has('prohibited')) return 'prohibited';
  if (has(TIMEOUTS)) return 'timeout';
  if (outcomes.has('connection-refused')) return 'resolver-down';
  return outcomes.has('no-route') ? 'no-route' : 'resolver-error';
}

/**
 * The questions that judge the name. A name that is asked for as it is written first is judged by that: the
 * expansions after it are guesses, and "no such name" is what they are expected to give.
 */
export function decisiveQueries({ names, name, queries }: Resolution): readonly Query[] {
  const own = names[0] === name.replace(/\.$/, '') ? names[0] : undefined;
  return own === undefined ? queries : queries.filter((query) => query.name === own);
}

/** Who answers at once that there is no way is reached; and a link that has just come up is not "up" for a second. */
export function isBlockable(found: Resolution, fault: LookupFault): boolean {
  if (fault === 'server-failure') return true;
  return fault === 'timeout' && decisiveQueries(found).every(({ seconds }) => seconds >= 1);
}

/** An end that this host itself may have made: by its routing table, say. */
export function mayBeLocal(fault: LookupFault): boolean {
  return ['timeout', 'no-route', 'resolver-error'].includes(fault);
}

/** Every name asked for has an end that says so: NXDOMAIN for one type, or no data for both. */
function isNotFound(queries: readonly Query[]): boolean {
  const names = new Set(queries.map(({ name }) => name));
  return [...names].every((name) => {
    const ends = new Map(
      queries.filter((query) => query.name === name).map(({ type, outcome }) => [type, outcome]),
    );
    const outcomes = [...ends.values()];
    return outcomes.includes('nxdomain') || outcomes.every((outcome) => outcome === 'nodata');
  });
}

/** `10.0.0.2 nxdomain, 10.0.0.3 A answer and AAAA timeout`: the last word of each server. */
export function outcomesByServer(queries: readonly Query[]): string {
  const byServer = Map.groupBy(queries, ({ server }) => server);
  return [...byServer].map(([server, own]) => `${server} ${outcomeText(own)}`).join(', ');
}

function outcomeText(queries: readonly Query[]): string {
  const ends = new Map(queries.map(({ type, outcome }) => [type, outcome]));
  const outcomes = new Set(ends.values());
  // A host of one family is the usual case, and an answer.
  if (outcomes.has('answer')) outcomes.delete('nodata');
  const [first = '', ...others] = outcomes;
  if (others.length === 0) return first;
  return (['A', 'AAAA'] as const).map((type) => `${type} ${ends.get(type) ?? ''}`).join(' and ');
}

/** What was asked, of whom, and how it ended. */
export function lookupText(found: Resolution): string {
  const { name, names, queries, isFallback } = found;
  if (queries.length === 0) return notQueriedText(found);
  if (isFallback) {
    return `/etc/resolv.conf names no server, so ${name} is asked of this host itself: ${outcomesByServer(decisiveQueries(found))}`;
  }
  const tried = names.length > 1 ? ` (tried ${names.join(', ')})` : '';
  return `lookup of ${name}${tried}: ${outcomesByServer(decisiveQueries(found))}`;
}

function notQueriedText({ name, servers }: Resolution): string {
  return servers.length === 0
    ? `${name} is not in /etc/hosts, and nsswitch.conf allows no DNS`
    : `${name} is not in /etc/hosts, and the runner asks no name server for such a name`;
}

/** What each server that gave addresses gave. */
export function addressesByServer(
  queries: readonly Query[],
): ReadonlyMap<string, readonly string[]> {
  const answers = queries.filter(({ addresses }) => addresses.length > 0);
  return new Map(
    [...Map.groupBy(answers, ({ server }) => server)].map(([server, own]) => [
      server,
      own.flatMap(({ addresses }) => addresses),
    ]),
  );
}

/** DNS sends a name that is not this host's own to this host, or to nowhere: what blocking lists do. */
export function isSinkhole({ name, source, addresses }: Resolution): boolean {
  return (
    source === 'dns' &&
    !/(?:^|\.)localhost\.?$/i.test(name) &&
    addresses.every(({ address }) => isSinkholeAddress(address))
  );
}

function isSinkholeAddress(address: string): boolean {
  return isIPv6(address) ? ['::', '::1'].includes(address) : /^(?:0|127)\./.test(address);
}

/** A resolution in the words of facts. */
export function factsOf(found: Resolution): Readonly<Record<string, string>> {
  const { source, addresses, servers, names, queries } = found;
  return {
    source,
    addresses: addresses.map(({ address }) => address).join(', '),
    servers: servers.join(', '),
    first_server: servers[0] ?? '',
    tried: names.join(', '),
    outcomes: outcomesByServer(queries),
  };
}

/** One line for each question to a server, for the flight recorder. */
export function answersText(queries: readonly Query[]): string {
  return queries
    .map(({ server, transport, type, name, outcome, addresses, seconds }) => {
      const milliseconds = Math.round(seconds * 1000);
      return `${server} ${transport} ${type} ${name}: ${[outcome, ...addresses].join(' ')} (${milliseconds} ms)`;
    })
    .join('\n');
}
