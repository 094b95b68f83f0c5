/**
 * Does the name that the runner dials resolve, by Go's rules?
 *
 * Source    gonet/resolver.ts: hosts file, resolv.conf and the servers it names (network reference 5).
 *           Through a proxy it is the proxy's name; GitLab's own is then the proxy's business.
 * Measures  lookup_seconds (seconds, monotonic), addresses (count).
 * Reasons   not-found, server-failure, timeout, resolver-down, not-configured, slow.
 * Unknown   resolver-error: an answer that fits none of them.
 */
import { deadlineOf } from '../core/abort.ts';
import { defineProbe } from '../core/probe.ts';
import type { EndpointTarget } from '../core/target.ts';
import type { Query } from '../gonet/dns-query.ts';
import type { Resolution } from '../gonet/resolver.ts';
import { resolveLikeGo } from '../gonet/resolver.ts';

/** Less than the deadline, so that the probe itself can say "timed out". */
const LOOKUP_SECONDS = 11;

export const dns = defineProbe({
  id: 'dns',
  title: 'Name resolution',
  question: 'Does the name that the runner dials resolve, by Go’s rules?',
  kind: 'endpoint',
  needs: [],
  intervalSeconds: 15,
  timeoutSeconds: 12,
  options: {
    slow_seconds: {
      kind: 'number',
      default: 2,
      unit: 'seconds',
      min: 0.01,
      max: 60,
      help: 'A lookup that takes longer is a warning.',
    },
  },
  reasons: {
    'not-found': {
      meaning: 'The name server answered that the name does not exist, or has no address.',
      action:
        'Check the url in config.toml, the record, and the search domains in /etc/resolv.conf.',
    },
    'server-failure': {
      meaning: 'Every name server answered with a failure (SERVFAIL or REFUSED).',
      action: 'Repair the forwarder or the access list of the name server.',
    },
    timeout: {
      meaning: 'No name server answered in time.',
      action: 'Check that the servers in /etc/resolv.conf can be reached on port 53.',
    },
    'resolver-down': {
      meaning: 'Nothing listens on the name server addresses.',
      action: 'Start the local resolver, or correct /etc/resolv.conf.',
    },
    'not-configured': {
      meaning: '/etc/resolv.conf names no server.',
      action: 'Restore /etc/resolv.conf.',
    },
    slow: {
      meaning: 'The name resolves, but more slowly than `slow_seconds`.',
      action: 'Look for a dead first server in /etc/resolv.conf.',
    },
    'resolver-error': {
      meaning: 'The lookup failed in a way that says nothing about the name.',
      action: 'Read the detail, then ask each server with dig.',
    },
  },
  measures: {
    lookup_seconds: {
      help: 'Time of the name lookup.',
      as: { metric: 'path_phase_seconds', labels: { phase: 'dns' } },
    },
    addresses: { help: 'Number of addresses the name resolved to.' },
  },

  async run(target, options, { clock, signal, paths, dnsPort, walk }) {
    const { name, of } = dialledName(target);
    using deadline = deadlineOf(LOOKUP_SECONDS, signal);
    const start = clock.seconds();
    const loan = { paths, clock, signal: deadline.signal, port: dnsPort };
    const found = await resolveLikeGo(name, loan);
    const lookup_seconds = clock.seconds() - start;
    const measures = { lookup_seconds, addresses: found.addresses.length };
    const facts = { name, of, ...factsOf(found) };
    if (found.addresses.length === 0) {
      const reason = reasonOf(found);
      const status = reason === 'resolver-error' ? 'unknown' : 'fail';
      return { status, reason, detail: detailOf(name, reason, found), measures, facts };
    }
    walk.addresses = found.addresses;
    if (lookup_seconds > options.slow_seconds) {
      const detail = `${name} resolved only after ${lookup_seconds.toFixed(1)} s (${serverEnds(found.queries)})`;
      return { status: 'warn', reason: 'slow', detail, measures, facts };
    }
    return { status: 'pass', measures, facts };
  },
});

/** The proxy's name where there is one, else GitLab's. */
function dialledName({ url, proxy }: EndpointTarget): { name: string; of: 'proxy' | 'gitlab' } {
  if (proxy.kind === 'proxy') return { name: proxy.host, of: 'proxy' };
  return { name: url.hostname.replace(/^\[|\]$/g, ''), of: 'gitlab' };
}

type Failure =
  | 'not-found'
  | 'server-failure'
  | 'timeout'
  | 'resolver-down'
  | 'not-configured'
  | 'resolver-error';

function reasonOf(found: Resolution): Failure {
  const { isFallback, source } = found;
  const queries = decisive(found);
  const outcomes = new Set(queries.map(({ outcome }) => outcome));
  if (isNotFound(queries)) return 'not-found';
  // nsswitch.conf lists no dns and the hosts file has no line: nobody was asked.
  if (queries.length === 0) return source === 'none' ? 'not-found' : 'resolver-error';
  if (outcomes.has('servfail') || outcomes.has('refused')) return 'server-failure';
  if (outcomes.size === 1 && outcomes.has('connection-refused')) {
    return isFallback ? 'not-configured' : 'resolver-down';
  }
  if (outcomes.has('timeout')) return isFallback ? 'not-configured' : 'timeout';
  return 'resolver-error';
}

/**
 * The questions that judge the name. A name that is asked for as it is written first is judged by that: the
 * expansions after it are guesses, and "no such name" is what they are expected to give.
 */
function decisive({ names, name, queries }: Resolution): readonly Query[] {
  const own = names[0] === name.replace(/\.$/, '') ? names[0] : undefined;
  return own === undefined ? queries : queries.filter((query) => query.name === own);
}

/** Every name asked for has an end that says so: NXDOMAIN for one type, or no data for both. */
function isNotFound(queries: readonly Query[]): boolean {
  const names = new Set(queries.map(({ name }) => name));
  return (
    names.size > 0 &&
    [...names].every((name) => {
      const ends = new Map(
        queries.filter((query) => query.name === name).map(({ type, outcome }) => [type, outcome]),
      );
      const outcomes = [...ends.values()];
      return outcomes.includes('nxdomain') || outcomes.every((outcome) => outcome === 'nodata');
    })
  );
}

function detailOf(name: string, reason: Failure, found: Resolution): string {
  const tried = found.names.length > 1 ? ` (tried ${found.names.join(', ')})` : '';
  if (reason === 'not-configured')
    return `/etc/resolv.conf names no server, so ${name} cannot be looked up`;
  if (found.queries.length === 0)
    return `${name} is not in /etc/hosts, and nsswitch.conf allows no DNS`;
  return `lookup of ${name}${tried}: ${serverEnds(decisive(found))}`;
}

/** `10.0.0.2 nxdomain, 10.0.0.3 timeout`: the last word of each server. */
function serverEnds(queries: readonly Query[]): string {
  const ends = new Map(queries.map(({ server, outcome }) => [server, outcome]));
  return [...ends].map(([server, outcome]) => `${server} ${outcome}`).join(', ');
}

function factsOf({
  source,
  addresses,
  servers,
  names,
  queries,
}: Resolution): Record<string, string> {
  return {
    source,
    addresses: addresses.map(({ address }) => address).join(', '),
    servers: servers.join(', '),
    tried: names.join(', '),
    outcomes: serverEnds(queries),
  };
}
