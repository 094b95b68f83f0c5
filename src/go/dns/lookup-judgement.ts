/** Classifies a lookup without an address, and recognizes suspicious addresses. Pure functions. */
import { isIPv6 } from 'node:net';

import type { Outcome, Query, Resolution } from '../../core/lookup.ts';
import { leadToCauses } from '../../core/reason.ts';

export const LOOKUP_REASONS = {
  ...leadToCauses(
    'not-found',
    'server-failure',
    'timeout',
    'resolver-down',
    'not-configured',
    'source-disabled',
    'no-route',
    'prohibited',
  ),
  'resolver-error': {
    kind: 'unseen',
    meaning: 'The DNS lookup failed with an error that says nothing about the name.',
    action: 'Read the detail, then query each server with dig.',
  },
} as const;

export type LookupFault = keyof typeof LOOKUP_REASONS;

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
  if (found.disabled !== undefined) return 'source-disabled';
  const queries = decisiveQueries(found);
  const outcomes = new Set(queries.map(({ outcome }) => outcome));
  const has = (list: readonly Outcome[]): boolean => list.some((outcome) => outcomes.has(outcome));
  // No server was asked: nsswitch.conf lists no dns, or Go asks no server for such a name.
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
 * The queries that decide. When the name is queried as written first, only those queries count: the expansions by the
 * search list come after it, and NXDOMAIN is the expected answer to them.
 */
export function decisiveQueries({ names, name, queries }: Resolution): readonly Query[] {
  const own = names[0] === name.replace(/\.$/, '') ? names[0] : undefined;
  return own === undefined ? queries : queries.filter((query) => query.name === own);
}

/** A server that answers at once is reachable. A link that has just come up fails for less than a second. */
export function isBlockable(found: Resolution, fault: LookupFault): boolean {
  if (fault === 'server-failure') return true;
  return fault === 'timeout' && decisiveQueries(found).every(({ seconds }) => seconds >= 1);
}

/** A fault that this host itself may have caused, for example by its routing table. */
export function mayBeLocal(fault: LookupFault): boolean {
  return ['timeout', 'no-route', 'resolver-error'].includes(fault);
}

/** A server has answered: one that is asked after it is not asked at all. */
export function isFinal(queries: readonly Query[]): boolean {
  return queries.some(({ outcome }) => ['answer', 'nxdomain', 'nodata'].includes(outcome));
}

/** True when every name has a negative answer: NXDOMAIN for one type, or no data for both. */
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

/** `10.0.0.2 nxdomain, 10.0.0.3 A answer and AAAA timeout`: the last outcome of each server. */
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

/** The names, the servers and the outcome of each. */
export function lookupText(found: Resolution): string {
  const { name, names, queries, isFallback, disabled } = found;
  if (queries.length === 0) return notQueriedText(found);
  if (isFallback) {
    return `/etc/resolv.conf has no name server, so the runner queries this host itself for ${name}: ${outcomesByServer(decisiveQueries(found))}`;
  }
  if (disabled === 'files') {
    return `/etc/hosts has ${name}, and nsswitch.conf has no files, so only DNS is asked: ${outcomesByServer(decisiveQueries(found))}`;
  }
  const tried = names.length > 1 ? ` (tried ${names.join(', ')})` : '';
  return `lookup of ${name}${tried}: ${outcomesByServer(decisiveQueries(found))}`;
}

function notQueriedText({ name, disabled }: Resolution): string {
  return disabled === 'dns'
    ? `${name} is not in /etc/hosts, and nsswitch.conf has no dns`
    : `${name} is not in /etc/hosts, and Go does not query DNS for such a name`;
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

/** A resolution as facts for people. */
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
