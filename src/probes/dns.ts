/**
 * Does the name that the runner dials resolve, by Go's rules?
 *
 * Source    go/dns/resolver.ts: hosts file, resolv.conf and the servers it names. When it
 *           does not resolve, also the servers that Go does not ask, the C library and the routing table; when its
 *           address cannot be dialled, go/dns-cross-check.ts. Through a proxy it is the proxy's name that counts.
 * Measures  lookup_seconds (seconds, monotonic), addresses (count).
 * Reasons   not-found, nss-mismatch, server-failure, timeout, resolver-down, not-configured, no-route,
 *           prohibited, slow;
 *           servers-disagree, hosts-override and sinkhole when the address may be the wrong one.
 * Unknown   resolver-error: an error of this process, which says nothing of the name.
 */
import { deadlineOf } from '../core/abort.ts';
import type { Finding, ProbeResult } from '../core/finding.ts';
import { dataKey, dataOf, dataWith } from '../core/finding-data.ts';
import type { LinkTools, ReasonSpec, SecondLook } from '../core/probe.ts';
import { defineProbe } from '../core/probe.ts';
import type { EndpointTarget } from '../core/target.ts';
import { firstHopOf } from '../go/dial/first-hop.ts';
import { betterAnswer, differenceOf, mayDiffer, trialOf } from '../go/dns-cross-check.ts';
import {
  answersText,
  factsOf,
  lookupFaultOf,
  isBlockable,
  mayBeLocal,
  isSinkhole,
  lookupText,
  outcomesByServer,
} from '../go/dns/lookup-judgement.ts';
import type { Resolution, ResolveOptions } from '../go/dns/resolver.ts';
import { resolveLikeGo } from '../go/dns/resolver.ts';
import { SHARED_TRUST } from '../go/tls/trust.ts';
import { resolveWithLibc } from '../host/net/getent.ts';
import { createReadCheck } from '../host/fs/rights.ts';
import { findRouteObstacle, findClosedRoute } from '../host/net/routes.ts';

/** Less than the deadline, so that the probe itself can say "timed out". */
const LOOKUP_SECONDS = 11;
/** libc is asked at most this often for one name. */
const LIBC_AGAIN_SECONDS = 60;
/** What the C library said the last time. */
const LIBC = dataKey<{ readonly name: string; readonly addresses: readonly string[] }>('libc');

const REASONS = {
  'not-found': {
    meaning: 'The name server answered that the name does not exist, or has no address.',
    action: 'Check the url in config.toml, the record, and the search domains in /etc/resolv.conf.',
  },
  'nss-mismatch': {
    meaning:
      'The C library of this host finds the name, and the runner, which does not use it, cannot.',
    action: 'Add a DNS record, or a line in /etc/hosts.',
  },
  'servers-disagree': {
    meaning:
      'The name server that decides gives no address, or a dead one; another one knows better.',
    action: 'Put the right server first in /etc/resolv.conf, or correct the wrong one.',
  },
  'hosts-override': {
    meaning: '/etc/hosts pins an address that does not answer, and the one that DNS gives does.',
    action: 'Remove the line from /etc/hosts.',
  },
  sinkhole: {
    meaning: 'DNS sends the name to this host itself, or to nowhere.',
    action: 'Look for a blocking list or a wrong record on the name server.',
  },
  'server-failure': {
    meaning: 'Every name server answered with a failure (SERVFAIL, REFUSED or the like).',
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
  'no-route': {
    meaning: 'This host has no way to its name servers: no route, or the link is down.',
    action: 'Bring the link or the route up.',
  },
  prohibited: {
    meaning: 'This host does not let questions to its name servers out.',
    action: 'Look for a rule of its own firewall about port 53.',
  },
  slow: {
    meaning: 'The name resolves, but more slowly than `slow_seconds`.',
    action: 'Look for a dead first server in /etc/resolv.conf.',
  },
  'resolver-error': {
    meaning: 'The lookup failed in a way that says nothing about the name.',
    action: 'Read the detail, then ask each server with dig.',
  },
} as const satisfies Readonly<Record<string, ReasonSpec>>;

type DnsFinding = Finding<keyof typeof REASONS, 'lookup_seconds' | 'addresses'>;

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
  reasons: REASONS,
  measures: {
    lookup_seconds: {
      help: 'Time of the name lookup.',
      as: { metric: 'path_phase_seconds', labels: { phase: 'dns' } },
    },
    addresses: { help: 'Number of addresses the name resolved to.' },
  },

  async run(target, options, tools): Promise<DnsFinding> {
    const { clock, signal, paths, dnsPort, walk } = tools;
    const { host: name, of } = firstHopOf(target);
    using deadline = deadlineOf(LOOKUP_SECONDS, signal);
    const start = clock.seconds();
    const deps = { paths, clock, signal: deadline.signal, port: dnsPort };
    const found = await resolveLikeGo(name, deps);
    const lookup_seconds = clock.seconds() - start;
    const measures = { lookup_seconds, addresses: found.addresses.length };
    const facts = { name, of, ...factsOf(found) };
    const seen = { measures, facts };
    const attachments = { answers: answersText(found.queries) };
    if (found.addresses.length === 0) {
      return { ...(await missed(found, deps, tools, seen)), attachments };
    }
    walk.addresses = found.addresses;
    const isSlow = lookup_seconds > options.slow_seconds;
    const first = { ...resolved(found, isSlow, seen), ...seen, attachments };
    if (mayDiffer(found)) {
      const links = of === 'gitlab' && target.url.protocol === 'https:' ? ['tls'] : [];
      const look: SecondLook['look'] = async (failed, again) =>
        await doubted(failed, found, target, { ...deps, signal: again }, first);
      walk.secondLook = { links: ['connect', ...links], look };
    }
    return first;
  },
});

type ObservedEvent = Required<Pick<DnsFinding, 'measures' | 'facts'>>;

function resolved(found: Resolution, isSlow: boolean, seen: ObservedEvent): DnsFinding {
  const { name, addresses, queries } = found;
  if (isSinkhole(found)) {
    const detail = `${name} is ${addresses[0]?.address ?? ''} by DNS (${outcomesByServer(queries)}), which is no other host`;
    return { status: 'warn', reason: 'sinkhole', detail, ...seen };
  }
  if (!isSlow) return { status: 'pass', ...seen };
  const seconds = (seen.measures.lookup_seconds ?? 0).toFixed(1);
  const detail = `${name} resolved only after ${seconds} s (${outcomesByServer(queries)})`;
  return { status: 'warn', reason: 'slow', detail, ...seen };
}

/** The address could not be dialled, or shows a certificate that is not GitLab’s: is it the right one? */
async function doubted(
  failed: ProbeResult,
  found: Resolution,
  target: EndpointTarget,
  deps: ResolveOptions,
  first: DnsFinding & ObservedEvent,
): Promise<DnsFinding> {
  const { trust, credentials } = target;
  const { paths } = deps;
  const place = firstHopOf(target);
  const isDenied = createReadCheck(credentials, paths);
  const trial = await trialOf(failed, place, deps, () =>
    SHARED_TRUST.load(trust, place.host, paths, isDenied),
  );
  const difference = trial === undefined ? undefined : await differenceOf(found, trial, deps);
  if (difference === undefined) return first;
  const { isPinned, detail } = difference;
  const reason = isPinned ? 'hosts-override' : 'servers-disagree';
  const facts = { ...first.facts, ...difference.facts };
  return { status: 'warn', reason, detail, measures: first.measures, facts };
}

/** A lookup without an address: why? */
async function missed(
  found: Resolution,
  deps: ResolveOptions,
  tools: LinkTools,
  seen: ObservedEvent,
): Promise<DnsFinding> {
  const fault = lookupFaultOf(found);
  const detail = lookupText(found);
  if (fault === 'not-found') return await notFound(found, deps, tools, seen);
  const blocked = isBlockable(found, fault)
    ? await findRouteObstacle(found.servers, deps.paths)
    : await findClosedRoute(mayBeLocal(fault) ? found.servers : [], deps.paths);
  if (fault === 'resolver-error' && blocked === undefined) {
    return { status: 'unknown', reason: fault, detail, ...seen };
  }
  if (fault !== 'no-route' && blocked === undefined) {
    return { status: 'fail', reason: fault, detail, ...seen };
  }
  const facts = { ...seen.facts, address: found.servers[0] ?? '' };
  const because = blocked === undefined ? detail : `${detail}; ${blocked}`;
  return { status: 'fail', reason: 'no-route', detail: because, measures: seen.measures, facts };
}

/** Does somebody else know better: another name server, or the C library? */
async function notFound(
  found: Resolution,
  deps: ResolveOptions,
  tools: LinkTools,
  { measures, facts }: ObservedEvent,
): Promise<DnsFinding> {
  const { queries, difference } = await betterAnswer(found, deps);
  const said = { ...facts, outcomes: outcomesByServer(queries), ...difference?.facts };
  if (difference !== undefined) {
    const { detail } = difference;
    return { status: 'fail', reason: 'servers-disagree', detail, measures, facts: said };
  }
  const detail = lookupText(found);
  const libc = await libcSays(found.name, tools);
  const [address] = libc;
  if (address === undefined) {
    return { status: 'fail', reason: 'not-found', detail, measures, facts: said };
  }
  const all = libc.join(', ');
  const finds = `${detail}; the C library finds ${all}`;
  const factor = 'C library or the runner’s own resolver';
  const data = dataWith(LIBC, { name: found.name, addresses: libc });
  const mismatch = { ...said, factor, libc: all, libc_address: address };
  return { status: 'fail', reason: 'nss-mismatch', detail: finds, measures, facts: mismatch, data };
}

/** Between two questions to libc its last answer holds, so that the finding does not change with every walk. */
async function libcSays(
  name: string,
  { budget, previous, paths, signal }: LinkTools,
): Promise<readonly string[]> {
  const last = previous === undefined ? undefined : dataOf(previous, LIBC);
  if (budget.once(`getent ${name}`, LIBC_AGAIN_SECONDS)) {
    return await resolveWithLibc(name, paths, signal);
  }
  return last?.name === name ? last.addresses : [];
}
