/**
 * Does the address answer on its port, dialled as the runner dials it?
 *
 * Source    go/dial/dial.ts over the addresses of the dns link. Through a proxy it is the proxy's port.
 *           A late answer is followed by ten requests at once, which tell a bad link from a blocked way
 *           (go/dial/loss.ts); the addresses that the runner would not need are dialled once a minute.
 * Measures  connect_seconds (seconds, monotonic), failed_addresses (count), lost_ratio (0..1).
 * Reasons   refused, timeout, prohibited, host-unreachable, no-route, no-local-port, invalid-port,
 *           some-addresses-failed, packet-loss.
 * Unknown   too-many-files and connect-error: they say something about this process, not about the path.
 */
import type { Socket } from 'node:net';

import type { Fact, Finding } from '../core/finding.ts';
import type { Address, LinkTools, MeasureSpec, ReasonSpec, Walk } from '../core/probe.ts';
import { defineProbe } from '../core/probe.ts';
import type { EndpointTarget } from '../core/target.ts';
import type { Attempt, DialOptions } from '../go/dial/dial.ts';
import { dialLikeGo } from '../go/dial/dial.ts';
import { firstHopOf } from '../go/dial/first-hop.ts';
import type { DialMemory } from '../go/dial/dial-again.ts';
import { dialOthers, dialTwice } from '../go/dial/dial-again.ts';
import { attemptsText, dialFaultOf, isFailed } from '../go/dial/dial-judgement.ts';
import type { Loss } from '../go/dial/loss.ts';
import { ownFamilies } from '../host/net/own-addresses.ts';
import { findClosedRoute } from '../host/net/routes.ts';

/** Less than the deadline, so that the probe itself can say "timed out". */
const DIAL_SECONDS = 5;

const REASONS = {
  refused: {
    meaning: 'The host answers, and nothing listens on the port.',
    action: 'Check that GitLab runs there and that the port in `url` is right.',
  },
  timeout: {
    meaning: 'No answer came to the connection request: packets are dropped on the way.',
    action: 'Allow the way to this address and port in the firewalls between.',
  },
  prohibited: {
    meaning: 'A firewall answered that this connection is prohibited.',
    action: 'Open the rule for this address and port.',
  },
  'host-unreachable': {
    meaning: 'The neighbour that should take the packets does not answer.',
    action: 'Check that the host or the gateway is up.',
  },
  'no-route': {
    meaning: 'This host has no route to the address.',
    action: 'Bring the link or the route up.',
  },
  'no-local-port': {
    meaning: 'This host has no local port left for a new connection.',
    action: 'Find the process that holds them, or widen the range.',
  },
  'invalid-port': {
    meaning: 'The port is above 65535, where nobody can listen.',
    action: 'Correct the port of the proxy variable of the runner.',
  },
  'some-addresses-failed': {
    meaning: 'One address answers, others do not.',
    action: 'Repair the dead address or take it out of DNS.',
  },
  'too-many-files': {
    meaning: 'runnerwatch itself may open no more files.',
    action: 'Raise its LimitNOFILE.',
  },
  'connect-error': {
    meaning: 'The connection failed in a way that runnerwatch does not know.',
    action: 'Report it with the detail shown.',
  },
  'packet-loss': {
    meaning: 'Some connection requests get lost on the way, and others come through.',
    action: 'Look at the link, its provider, and what else uses it.',
  },
} as const satisfies Readonly<Record<string, ReasonSpec>>;

const MEASURES = {
  connect_seconds: {
    help: 'Time until the first address answered.',
    as: { metric: 'path_phase_seconds', labels: { phase: 'connect' } },
  },
  failed_addresses: { help: 'Number of addresses that were tried and did not answer.' },
  lost_ratio: {
    help: 'Share of ten connection requests at once that got lost; absent while nothing is suspected.',
  },
} satisfies Readonly<Record<string, MeasureSpec>>;

type ConnectFinding = Finding<keyof typeof REASONS, keyof typeof MEASURES>;

export function createConnect() {
  // Goes with its target.
  const kept = new WeakMap<EndpointTarget, DialMemory>();
  return defineProbe({
    id: 'connect',
    title: 'TCP connection',
    question: 'Does the address answer on its port, dialled as the runner dials it?',
    kind: 'endpoint',
    needs: ['dns'],
    intervalSeconds: 15,
    timeoutSeconds: 6,
    options: {},
    reasons: REASONS,
    measures: MEASURES,

    run: async (target, _options, tools) => {
      const own = kept.get(target) ?? {};
      kept.set(target, own);
      return await dialAndJudge(target, tools, own);
    },
  });
}

export const connect = createConnect();

async function dialAndJudge(
  target: EndpointTarget,
  { clock, signal, walk, paths }: LinkTools,
  kept: DialMemory,
): Promise<ConnectFinding> {
  const { host, port, of } = firstHopOf(target);
  const start = clock.seconds();
  const deps = { clock, signal, timeoutSeconds: DIAL_SECONDS };
  const { socket, address, attempts, loss } = await dialTwice(
    walk.addresses ?? [],
    port,
    deps,
    kept,
  );
  const connect_seconds = clock.seconds() - start;
  const facts = { host, port, of };
  if (socket === undefined || address === undefined) {
    const closed = await findClosedRoute(
      attempts.map((attempt) => attempt.address.address),
      paths,
    );
    const failed = noAddress(attempts, facts, { connect_seconds, ...lostBy(loss) }, closed);
    return {
      ...failed,
      facts: { ...failed.facts, ...(isOfValue(failed) ? proxyFacts(target) : {}) },
    };
  }
  hand(walk, socket, address, port, deps);
  const all = [
    ...attempts,
    ...(await dialOthers(walk.addresses ?? [], attempts, port, deps, kept)),
  ];
  const failed_addresses = all.filter((attempt) => isFailed(attempt)).length;
  const measures = { connect_seconds, failed_addresses, ...lostBy(loss) };
  const said = { ...facts, attempts: attemptsText(all), address: address.address };
  const fault = faultOf(loss, failed_addresses, said);
  return { ...(fault ?? { status: 'pass' }), measures, facts: said };
}

/** A port that cannot exist is the fault of the proxy variable's value. */
function isOfValue(finding: ConnectFinding): boolean {
  return finding.status === 'fail' && finding.reason === 'invalid-port';
}

function proxyFacts({ proxy }: EndpointTarget): Readonly<Record<string, Fact>> {
  if (proxy.kind !== 'proxy') return {};
  return { proxy: `${proxy.host}:${proxy.port}`, variable: proxy.variable };
}

function lostBy(loss: Loss | undefined): { readonly lost_ratio?: number } {
  return loss === undefined ? {} : { lost_ratio: loss.ratio };
}

/** What is not as it should be on a way that is open. */
function faultOf(
  loss: Loss | undefined,
  failedAddresses: number,
  { host, port, address, attempts }: Readonly<Record<string, Fact>>,
) {
  if (loss?.isLossy === true) {
    const lost = Math.round(loss.ratio * 10);
    const detail = `${lost} of 10 connection requests to ${address} port ${port} got lost`;
    return { status: 'warn', reason: 'packet-loss', detail } as const;
  }
  if (failedAddresses === 0) return undefined;
  const detail = `${host} port ${port}: ${attempts}`;
  return { status: 'warn', reason: 'some-addresses-failed', detail } as const;
}

function noAddress(
  attempts: readonly Attempt[],
  place: Readonly<Record<string, Fact>>,
  times: ConnectFinding['measures'],
  /** Why this host itself lets nothing go there. */
  closed: string | undefined,
): ConnectFinding {
  const [first] = attempts;
  const reason = closed === undefined ? dialFaultOf(first, ownFamilies()) : 'no-route';
  const status = reason === 'connect-error' || reason === 'too-many-files' ? 'unknown' : 'fail';
  const said = attemptsText(attempts);
  const ends = [said === '' ? 'no address to dial' : said, closed].filter(Boolean).join('; ');
  const detail = `${place['host']} port ${place['port']}: ${ends}`;
  const measures = { ...times, failed_addresses: attempts.filter((one) => isFailed(one)).length };
  const facts = { ...place, attempts: said, address: first?.address.address ?? '' };
  return { status, reason, detail, measures, facts };
}

function hand(walk: Walk, socket: Socket, address: Address, port: number, deps: DialOptions): void {
  walk.socket = socket;
  walk.open = async (again) => {
    const redialled = await dialLikeGo([address], port, { ...deps, signal: again });
    if (redialled.socket === undefined) throw new Error(`cannot dial ${address.address} again`);
    return redialled.socket;
  };
}
