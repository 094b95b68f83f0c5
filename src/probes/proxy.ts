/**
 * Does the proxy of the runner open a tunnel to GitLab?
 *
 * Source    go/proxy/tunnel.ts: CONNECT, or SOCKS5, as Go sends them. For an
 *           `http://` URL an HTTP proxy opens no tunnel: only the connection to it is checked.
 * Measures  tunnel_seconds (seconds, monotonic).
 * Reasons   refused-by-go, bad-address, name-not-found, unreachable, certificate-refused, auth-required, auth-rejected, denied,
 *           upstream-failed, silent, closed, not-a-proxy.
 * Unknown   silent: the runner waits for longer. proxy-error: a TLS error that this file does not know, at an https:// proxy.
 *
 * It needs no earlier link on purpose: a proxy that cannot be resolved or reached is a fault of this link.
 */
import { CHANGES_OF_NAME, CHANGES_OF_ROUTE } from '../core/change.ts';
import { isOddAddress } from '../core/address.ts';
import { deadlineOf } from '../core/abort.ts';
import type { Finding } from '../core/finding.ts';
import type { LinkTools } from '../core/probe.ts';
import { defineProbe } from '../core/probe.ts';
import { leadToCauses } from '../core/reason.ts';
import { RUNNER_WAITS_SECONDS } from '../core/runner-patience.ts';
import type { EndpointTarget, ProxyDecision } from '../core/target.ts';
import { hostPortOf } from '../go/dial/first-hop.ts';
import { handshakeLikeGo } from '../go/tls/handshake.ts';
import { serverFacts, trustFacts } from '../go/tls/handshake-facts.ts';
import { judgeHandshake } from '../go/tls/handshake-judgement.ts';
import { SHARED_TRUST, trustReaderOf } from '../go/tls/trust.ts';
import type { TrustStore } from '../go/tls/trust.ts';
import type { Tunnel } from '../go/proxy/tunnel.ts';
import { openTunnel } from '../go/proxy/tunnel.ts';
import { judgeProxyHandshake, judgeTunnel } from '../go/proxy/tunnel-judgement.ts';

type Proxy = Extract<ProxyDecision, { kind: 'proxy' }>;

/** Less than the deadline, so that the probe itself can report "silent". */
const TUNNEL_SECONDS = 9;
const HANDSHAKE_SECONDS = 5;

const REASONS = {
  ...leadToCauses(
    'refused-by-go',
    'bad-address',
    'name-not-found',
    'unreachable',
    'auth-required',
    'auth-rejected',
    'denied',
    'upstream-failed',
    'silent',
    'closed',
    'not-a-proxy',
  ),
  'certificate-refused': {
    kind: 'cause',
    observed: 'The runner does not trust the certificate of an https:// proxy.',
  },
  'proxy-error': {
    kind: 'unseen',
    meaning:
      'The connection through the proxy failed with an error that runnerwatch does not know.',
    action: 'Test it with curl --proxy, and report the detail shown as a bug of runnerwatch.',
  },
} as const;

/** The store keeps what was read of the trust files between the runs; a test has its own. */
export function createProxy(store: TrustStore) {
  return defineProbe({
    id: 'proxy',
    title: 'Proxy',
    question: "Does the runner's proxy connect to GitLab?",
    kind: 'endpoint',
    changedBy: [...CHANGES_OF_NAME, ...CHANGES_OF_ROUTE],
    needs: [],
    intervalSeconds: 15,
    timeoutSeconds: 15,
    patience: {
      reasons: ['silent'],
      ownSeconds: TUNNEL_SECONDS,
      runnerSeconds: RUNNER_WAITS_SECONDS.tunnel,
    },
    options: {},
    reasons: REASONS,
    measures: {
      tunnel_seconds: {
        measurement: 'responseTime',
        help: 'Time until the proxy was connected to GitLab.',
        as: { metric: 'path_phase_seconds', labels: { phase: 'proxy' } },
      },
    },
    applies: ({ proxy: decision }) => decision.kind === 'proxy' || decision.refused !== undefined,

    run: async (target, _options, tools) => await passThrough(store, target, tools),
  });
}

export const proxy = createProxy(SHARED_TRUST);

type ProxyFinding = Finding<keyof typeof REASONS, 'tunnel_seconds'>;

async function passThrough(
  store: TrustStore,
  target: EndpointTarget,
  tools: LinkTools,
): Promise<ProxyFinding> {
  const { proxy: decision, url } = target;
  if (decision.kind !== 'proxy') return judgeDirect(decision);
  const missing =
    beforeTunnel(decision, tools) ?? (await secureProxy(decision, target, store, tools));
  if (missing !== undefined) return missing;
  if (url.protocol === 'http:' && decision.scheme !== 'socks5')
    return { status: 'pass', facts: factsOf(decision) };
  const { walk, clock } = tools;
  const start = clock.seconds();
  const tunnel = await tunnelOf(target, decision, tools);
  const measures = { tunnel_seconds: clock.seconds() - start };
  if (tunnel.kind !== 'open') return { ...judgeTunnel(tunnel, decision, url.host), measures };
  const open = walk.open;
  walk.open = async (signal) => {
    const socket = await (open?.(signal) ??
      Promise.reject(new Error('there is no open connection')));
    const again = await openTunnel(socket, decision, hostPortOf(url), signal);
    if (again.kind === 'open') return socket;
    socket.destroy();
    throw new Error(`the proxy did not reconnect: ${again.kind}`);
  };
  return { status: 'pass', measures, facts: factsOf(decision) };
}

/** Without a proxy the link is open, unless Go refuses the variable and sends nothing. */
function judgeDirect({ refused, because }: Exclude<ProxyDecision, Proxy>): ProxyFinding {
  if (refused === undefined) return { status: 'pass' };
  const facts = { variable: refused };
  return { status: 'fail', reason: 'refused-by-go', detail: because, facts };
}

/** The fault that already prevents a tunnel, if there is one. */
function beforeTunnel({ host, port, variable }: Proxy, { walk }: LinkTools) {
  const where = { proxy: `${host}:${port}`, variable };
  if (walk.addresses === undefined && isOddAddress(host)) {
    const detail = `the proxy ${host} (from ${variable}) is not an IP address that Go reads`;
    return { status: 'fail', reason: 'bad-address', detail, facts: where } as const;
  }
  if (walk.addresses === undefined) {
    const detail = `the proxy ${host} (from ${variable}) does not resolve`;
    return { status: 'fail', reason: 'name-not-found', detail, facts: where } as const;
  }
  if (walk.socket === undefined) {
    const detail = `the proxy ${host}:${port} (from ${variable}) does not accept connections`;
    return { status: 'fail', reason: 'unreachable', detail, facts: where } as const;
  }
  return undefined;
}

/** Go uses the same trust for an https:// proxy as for GitLab. Undefined when nothing is wrong. */
async function secureProxy(
  decision: Proxy,
  target: EndpointTarget,
  store: TrustStore,
  tools: LinkTools,
): Promise<ProxyFinding | undefined> {
  const { walk, signal, clock, paths } = tools;
  const { socket, open } = walk;
  if (decision.scheme !== 'https' || socket === undefined || open === undefined) return undefined;
  const trust = await store.load(
    target.trust,
    hostPortOf(target.url).host,
    paths,
    trustReaderOf(tools),
  );
  using deadline = deadlineOf(HANDSHAKE_SECONDS, signal);
  const request = { host: decision.host, trust, now: clock.wall(), signal: deadline.signal };
  const shaken = await handshakeLikeGo(socket, request);
  if (shaken.kind !== 'secured') {
    const judged = judgeProxyHandshake(judgeHandshake(shaken, trust, clock.wall()), decision);
    const shown = 'shown' in shaken ? shaken.shown : undefined;
    if (shown === undefined) return judged;
    // The cause of a refused certificate names them.
    const facts = { ...trustFacts(trust, target.trust, decision.host), ...serverFacts(shown) };
    return { ...judged, facts: { ...facts, ...judged.facts } };
  }
  walk.socket = shaken.socket;
  walk.open = async (again) => {
    const next = await handshakeLikeGo(await open(again), { ...request, signal: again });
    if (next.kind !== 'secured')
      throw new Error(`the TLS connection to the proxy cannot be reopened: ${next.kind}`);
    return next.socket;
  };
  return undefined;
}

async function tunnelOf(
  { url }: EndpointTarget,
  decision: Proxy,
  tools: LinkTools,
): Promise<Tunnel> {
  const { walk, signal } = tools;
  if (walk.socket === undefined) return { kind: 'silent' };
  using deadline = deadlineOf(TUNNEL_SECONDS, signal);
  return await openTunnel(walk.socket, decision, hostPortOf(url), deadline.signal);
}

function factsOf({ host, port, variable }: Proxy): Record<string, string> {
  return { proxy: `${host}:${port}`, variable };
}
