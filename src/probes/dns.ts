/**
 * Does the name that the runner dials resolve, by Go's rules?
 *
 * Source    go/dns/resolver.ts: hosts file, resolv.conf and the servers it names. When it does not
 *           resolve, also the routing table. Through a proxy it is the proxy's name that counts.
 * Measures  lookup_seconds (seconds, monotonic), addresses (count).
 * Reasons   not-found, source-disabled, server-failure, timeout, resolver-down, not-configured, no-route, prohibited, slow;
 *           sinkhole when the address may be the wrong one. Follow-ups add the answers of other sources.
 * Unknown   resolver-error: an error of this process, which says nothing of the name.
 */
import { CHANGES_OF_NAME, CHANGES_OF_ROUTE } from '../core/change.ts';
import { deadlineOf } from '../core/abort.ts';
import type { Finding } from '../core/finding.ts';
import type { Resolution } from '../core/lookup.ts';
import { defineProbe } from '../core/probe.ts';
import { leadToCauses } from '../core/reason.ts';
import { firstHopOf } from '../go/dial/first-hop.ts';
import {
  answersText,
  decisiveQueries,
  factsOf,
  lookupFaultOf,
  isBlockable,
  mayBeLocal,
  isSinkhole,
  LOOKUP_REASONS,
  lookupText,
  outcomesByServer,
} from '../go/dns/lookup-judgement.ts';
import { lookupOptionsOf } from '../go/dns/lookup-options.ts';
import type { ResolveOptions } from '../go/dns/resolver.ts';
import { completeLookup, resolveLikeGo } from '../go/dns/resolver.ts';
import { findRouteObstacle, findClosedRoute } from '../host/net/routes.ts';

/**
 * Two attempts at one server with the default timeout. It leaves time to complete a longer lookup before the deadline, so
 * that the probe itself can report "timed out".
 */
const LOOKUP_SECONDS = 10.5;

const REASONS = {
  ...LOOKUP_REASONS,
  ...leadToCauses('sinkhole', 'slow'),
};

type DnsFinding = Finding<keyof typeof REASONS, 'lookup_seconds' | 'addresses'>;

export const dns = defineProbe({
  id: 'dns',
  title: 'DNS lookup',
  question: 'Does the host name in `url` resolve, by the rules of Go?',
  kind: 'endpoint',
  changedBy: [...CHANGES_OF_NAME, ...CHANGES_OF_ROUTE, 'resolver', 'name-services'],
  needs: [],
  intervalSeconds: 15,
  timeoutSeconds: 13,
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
      measurement: 'responseTime',
      help: 'Duration of the DNS lookup.',
      as: { metric: 'path_phase_seconds', labels: { phase: 'dns' } },
    },
    addresses: { help: 'Number of addresses the name resolved to.' },
  },

  async run(target, options, tools): Promise<DnsFinding> {
    const { clock, signal, walk } = tools;
    const { host: name, of } = firstHopOf(target);
    using deadline = deadlineOf(LOOKUP_SECONDS, signal);
    const start = clock.seconds();
    const deps = { ...lookupOptionsOf(tools), signal: deadline.signal };
    const first = await resolveLikeGo(name, deps);
    const isCut = first.addresses.length === 0 && deadline.signal.aborted;
    const found = isCut ? await completeLookup(first, { ...deps, signal }) : first;
    walk.resolution = found;
    const lookup_seconds = clock.seconds() - start;
    const measures = { lookup_seconds, addresses: found.addresses.length };
    const asked = found.source === 'literal' ? { address: name } : { name };
    const facts = { ...asked, of, ...factsOf(found) };
    const seen = { measures, facts };
    const attachments = { answers: answersText(found.queries) };
    if (found.addresses.length === 0) {
      return { ...(await judgeMissed(found, deps, seen)), attachments };
    }
    walk.addresses = found.addresses;
    const isSlow = lookup_seconds > options.slow_seconds;
    return { ...judgeResolved(found, isSlow, seen), ...seen, attachments };
  },
});

type ObservedEvent = Required<Pick<DnsFinding, 'measures' | 'facts'>>;

function judgeResolved(found: Resolution, isSlow: boolean, seen: ObservedEvent): DnsFinding {
  const { name, addresses, queries } = found;
  if (isSinkhole(found)) {
    const detail = `${name} is ${addresses[0]?.address ?? ''} in DNS (${outcomesByServer(queries)}), which is not another host`;
    return { status: 'warn', reason: 'sinkhole', detail, ...seen };
  }
  if (!isSlow) return { status: 'pass', ...seen };
  const seconds = (seen.measures.lookup_seconds ?? 0).toFixed(1);
  const detail = `${name} resolved only after ${seconds} s (${outcomesByServer(queries)})`;
  return { status: 'warn', reason: 'slow', detail, ...seen };
}

/** A lookup without an address: why? */
async function judgeMissed(
  found: Resolution,
  deps: ResolveOptions,
  seen: ObservedEvent,
): Promise<DnsFinding> {
  const fault = lookupFaultOf(found);
  const detail = lookupText(found);
  if (fault === 'not-found') {
    const facts = { ...seen.facts, outcomes: outcomesByServer(decisiveQueries(found)) };
    return { status: 'fail', reason: fault, detail, measures: seen.measures, facts };
  }
  if (fault === 'source-disabled') {
    const facts = { ...seen.facts, missing_source: found.disabled ?? '' };
    return { status: 'fail', reason: fault, detail, measures: seen.measures, facts };
  }
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
