/**
 * Why the runner's own polls fail while our requests pass: old trust files, an old proxy, a firewall rule for its user,
 * idle connections that are closed, or rejections that only affect its kind of request.
 */
import { isIP } from 'node:net';

import { withoutBrackets } from '../../core/address.ts';
import type { CheckState } from '../../core/check.ts';
import type { Cause } from '../../core/diagnosis.ts';
import type { Fact } from '../../core/finding.ts';
import type { RunnerEvent } from '../../core/runner-event.ts';
import type { Sightings } from '../../core/sightings.ts';
import { gapSecondsOf } from '../../core/sightings.ts';
import type { EndpointTarget, RunnerTarget } from '../../core/target.ts';
import { dataOf } from '../../core/finding-data.ts';
import { TRUST_CHANGED_AT } from '../../go/tls/handshake-facts.ts';
import { CERTIFICATE_REJECTED, DIALLED_PROXY, POLL_RESPONSE } from '../../runner/log/line-data.ts';
import { isOfFamily } from '../catalogue/index.ts';
import type { SnapshotIndex, ObservedEvent } from '../snapshot-index.ts';
import { factsOf, hasReason } from '../snapshot-index.ts';
import { specOfFinding } from './default.ts';
import { isDoubt } from './name-doubts.ts';
import { ASKED_TO_WAIT } from './runner-limits.ts';

export const MIN_FAILURES = 3;
/** How the log line is read: GitLab's own 403, which does not contain its reason. */
export const OWN_REFUSAL = 'token-rejected';
/** No response at all. */
const CUT = 'connection-reset-midstream';
/** Also GitLab's own response, with its reason. */
const ORPHANED = 'runner-orphaned';
/** Much longer than a short request. */
const MIN_HELD_SECONDS = 7;
/** GitLab holds a poll for 50 s, and the next one starts some seconds later: a longer delay is GitLab's own. */
const MAX_HELD_SECONDS = 58;
/** What a load balancer in HTTP mode returns if its timeout is shorter than the poll. */
const GATEWAY_TIMEOUT = 504;
const UNAVAILABLE = 503;

export interface Failing {
  readonly runner: RunnerTarget;
  readonly seen: ObservedEvent;
  /** Failures since the path is open. */
  readonly failures: Sightings;
  readonly endpoint: EndpointTarget;
  readonly links: readonly CheckState[];
}

interface Explanation {
  readonly id: string;
  readonly facts?: Readonly<Record<string, Fact>>;
  readonly states?: readonly CheckState[];
  readonly ruledOut?: Cause['ruledOut'];
}

type Examination = (failing: Failing, indexed: SnapshotIndex) => Explanation | undefined;

const EXAMINATIONS: readonly Examination[] = [
  byAddress,
  byOldTrust,
  byOldProxy,
  byRuleForItsUser,
  byCutConnections,
  byOwnRefusal,
  byAnswer,
];

/** The first that explains it; undefined when none does. */
export function explainFailure(failing: Failing, indexed: SnapshotIndex): Explanation | undefined {
  return EXAMINATIONS.map((examine) => examine(failing, indexed)).find((one) => one !== undefined);
}

/** One of several addresses is known to be wrong, and we met the right one. */
function byAddress({ links }: Failing): Explanation | undefined {
  const dns = links.find((link) => isDoubt(link) && hasReason(link, 'mixed-addresses'));
  const spec = dns && specOfFinding(dns);
  return spec && dns && { id: spec.id, states: [dns], facts: factsOf(dns) };
}

/** The files are right now but were not when the process read them: system roots are read once. */
function byOldTrust({ seen, links }: Failing, indexed: SnapshotIndex): Explanation | undefined {
  const { cause = '' } = seen.event;
  if (dataOf(seen.event, CERTIFICATE_REJECTED) === undefined) return undefined;
  const tls = links.find(({ check }) => check.probe.id === 'tls');
  const { process: main } = indexed.context;
  const changedAt = tls === undefined ? undefined : dataOf(tls.finding, TRUST_CHANGED_AT);
  if (tls === undefined || main === undefined || changedAt === undefined) return undefined;
  if (changedAt <= main.startedAt) return undefined;
  return {
    id: 'tls-trust-not-reloaded',
    states: [tls],
    facts: {
      changed_at: new Date(changedAt).toISOString(),
      started_at: new Date(main.startedAt).toISOString(),
    },
    ruledOut: [{ id: cause, because: 'the certificate is valid with the current files' }],
  };
}

/** It uses a proxy that a process started now would not use. */
function byOldProxy({ seen, endpoint }: Failing): Explanation | undefined {
  const { cause = '' } = seen.event;
  if (!isOfFamily(cause, 'proxy')) return undefined;
  const used = dataOf(seen.event, DIALLED_PROXY);
  const inForce = endpoint.proxy.kind === 'proxy' ? endpoint.proxy : undefined;
  if (inForce !== undefined && (used === undefined || isSameProxy(used, inForce))) {
    return undefined;
  }
  return {
    id: 'proxy-setting-not-applied',
    facts: { is_old: true, ...(used === undefined ? {} : { proxy: used.authority }) },
    ruledOut: [{ id: cause, because: 'GitLab is reachable with the current settings' }],
  };
}

/** The log names an address; where the settings name a host, only the ports can be compared. */
function isSameProxy(
  dialled: { readonly address: string; readonly port: number },
  { host, port }: { readonly host: string; readonly port: number },
): boolean {
  const plain = withoutBrackets(host);
  return dialled.port === port && (isIP(plain) === 0 || plain === dialled.address);
}

/** The rule matches its user; our requests pass. */
function byRuleForItsUser(
  { seen, endpoint }: Failing,
  indexed: SnapshotIndex,
): Explanation | undefined {
  if (!isOfFamily(seen.event.cause, 'network', 'dns')) return undefined;
  const rule = indexed.statesOf('firewall').find(({ check }) => check.target.id === endpoint.id);
  if (rule === undefined || !hasReason(rule, 'rule-blocks')) return undefined;
  return { id: 'firewall-local-block', states: [rule], facts: factsOf(rule) };
}

/**
 * Each poll was held about as long as the others, and much longer than a short request: a device closes idle connections,
 * or returns a timeout instead of GitLab.
 */
function byCutConnections({ seen, failures }: Failing): Explanation | undefined {
  const isCut = seen.event.cause === CUT;
  const isTimeout = dataOf(seen.event, POLL_RESPONSE)?.status === GATEWAY_TIMEOUT;
  if (!isCut && !isTimeout) return undefined;
  const held = gapSecondsOf(failures);
  const shortest = Math.min(...held);
  const longest = Math.max(...held);
  if (held.length < MIN_FAILURES - 1 || shortest < MIN_HELD_SECONDS) return undefined;
  if (longest - shortest > Math.max(3, shortest * 0.15)) return undefined;
  if (!isCut && longest > MAX_HELD_SECONDS) return undefined;
  return { id: 'idle-connection-killed', facts: { held_seconds: Math.round(shortest) } };
}

/** GitLab accepts the token for reads, but rejects the runner's POST again and again: it may not write. */
function byOwnRefusal(
  { runner, seen, failures }: Failing,
  indexed: SnapshotIndex,
): Explanation | undefined {
  const token = indexed.tokenOf(runner);
  const askedAt = token?.last?.startedAt ?? 0;
  const isTaken = token?.finding.status === 'pass' && askedAt > failures.firstAt;
  // A counter does not tell whose 403 it was.
  const isOwn = seen.event.kind === 'poll-failed' && seen.event.cause === OWN_REFUSAL;
  if (!isOwn || token === undefined || !isTaken) return undefined;
  const because = 'GitLab accepts the token for a request that only reads';
  return {
    id: 'gitlab-read-only-site',
    states: [token],
    ruledOut: [{ id: OWN_REFUSAL, because }],
  };
}

/** The response to the runner's POST differs from the response to our GET: the runner's log counts. */
function byAnswer({ seen, links }: Failing): Explanation | undefined {
  const { cause = '' } = seen.event;
  const isAnswer =
    (isOfFamily(cause, 'edge', 'gitlab') || cause === ORPHANED) &&
    cause !== CUT &&
    !ASKED_TO_WAIT.has(cause);
  if (!isAnswer) return undefined;
  const isApiOpen = links.some(
    ({ check, finding }) => check.probe.id === 'api' && finding.status === 'pass',
  );
  return { id: (isApiOpen ? narrowCause(seen.event) : undefined) ?? cause };
}

/** GitLab's API answers and lets us read: its rejection of the runner's request means something else. */
function narrowCause(event: RunnerEvent): string | undefined {
  const response = dataOf(event, POLL_RESPONSE);
  if (event.cause === 'url-path-wrong') {
    return response?.isJson === true ? 'gitlab-version-skew' : undefined;
  }
  if (event.cause !== 'gitlab-unavailable' || response?.status !== UNAVAILABLE) return undefined;
  return response.isFromGitLab || response.isMaintenance ? 'gitlab-maintenance-mode' : undefined;
}
