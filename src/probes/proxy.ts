/**
 * Does the proxy of the runner open the way to GitLab?
 *
 * Source    gonet/tunnel.ts: CONNECT, or SOCKS5, as Go speaks them (network reference 4). For an
 *           `http://` URL an HTTP proxy opens no tunnel: the connection to it is all there is to ask.
 * Measures  tunnel_seconds (seconds, monotonic).
 * Reasons   name-not-found, unreachable, auth-required, auth-rejected, denied, upstream-failed, silent, closed,
 *           not-a-proxy.
 * Unknown   unsupported: a proxy that is spoken to over TLS.
 *
 * It needs no earlier link on purpose: a proxy that cannot be resolved or reached is a fault of this link.
 */
import { deadlineOf } from '../core/abort.ts';
import type { LinkTools } from '../core/probe.ts';
import { defineProbe } from '../core/probe.ts';
import type { EndpointTarget, ProxyDecision } from '../core/target.ts';
import type { Tunnel } from '../gonet/tunnel.ts';
import { openTunnel } from '../gonet/tunnel.ts';

type Proxy = Extract<ProxyDecision, { kind: 'proxy' }>;

/** Less than the deadline, so that the probe itself can say "silent". */
const ANSWER_SECONDS = 5;

export const proxy = defineProbe({
  id: 'proxy',
  title: 'Proxy',
  question: 'Does the proxy of the runner open the way to GitLab?',
  kind: 'endpoint',
  needs: [],
  intervalSeconds: 15,
  timeoutSeconds: 6,
  options: {},
  reasons: {
    'name-not-found': {
      meaning: 'The name of the proxy does not resolve.',
      action: 'Correct the proxy variable of the runner.',
    },
    unreachable: {
      meaning: 'The proxy cannot be connected to.',
      action: 'Start the proxy, open the way to it, or correct the proxy variable of the runner.',
    },
    'auth-required': {
      meaning: 'The proxy wants credentials, and the runner has none.',
      action: 'Put user and password into the proxy variable of the runner.',
    },
    'auth-rejected': {
      meaning: 'The proxy refuses the credentials of the runner.',
      action: 'Renew the account; percent-encode what is not a letter or digit.',
    },
    denied: {
      meaning: 'The proxy forbids the connection to GitLab.',
      action: 'Allow the host and the port in the proxy’s rules.',
    },
    'upstream-failed': {
      meaning: 'The proxy itself cannot reach GitLab.',
      action: 'Check the proxy’s own name resolution and way out.',
    },
    silent: {
      meaning: 'The proxy accepts the connection and does not answer.',
      action: 'Restart the proxy.',
    },
    closed: {
      meaning: 'The proxy closes the connection without an answer.',
      action: 'Look at the proxy’s log; check its scheme and port.',
    },
    'not-a-proxy': {
      meaning: 'What answers there does not speak the protocol of a proxy.',
      action: 'Check scheme and port of the proxy variable of the runner.',
    },
    unsupported: {
      meaning: 'The proxy is spoken to over TLS, which this version cannot test.',
      action: 'Test it by hand with curl --proxy.',
    },
  },
  measures: {
    tunnel_seconds: {
      help: 'Time until the proxy opened the way.',
      as: { metric: 'path_phase_seconds', labels: { phase: 'proxy' } },
    },
  },
  applies: (target) => target.proxy.kind === 'proxy',

  async run(target, _options, tools) {
    const { proxy: decision, url } = target;
    if (decision.kind !== 'proxy') return { status: 'pass' };
    const missing = beforeTunnel(decision, tools);
    if (missing !== undefined) return missing;
    if (url.protocol === 'http:' && !isSocks(decision))
      return { status: 'pass', facts: factsOf(decision) };
    const { walk, clock } = tools;
    const start = clock.seconds();
    const tunnel = await tunnelOf(target, decision, tools);
    const measures = { tunnel_seconds: clock.seconds() - start };
    if (tunnel.kind !== 'open') return { ...judged(tunnel, decision, url.host), measures };
    const open = walk.open;
    walk.open = async (signal) => {
      const socket = await (open?.(signal) ?? Promise.reject(new Error('nothing to open')));
      const again = await openTunnel(socket, decision, destinationOf(url), signal);
      if (again.kind === 'open') return socket;
      socket.destroy();
      throw new Error(`the proxy did not open the way again: ${again.kind}`);
    };
    return { status: 'pass', measures, facts: factsOf(decision) };
  },
});

/** What already stands in the way of a tunnel, if anything does. */
function beforeTunnel({ host, port, variable, scheme }: Proxy, { walk }: LinkTools) {
  const where = { proxy: `${host}:${port}`, variable };
  if (walk.addresses === undefined) {
    const detail = `the proxy ${host} (from ${variable}) does not resolve`;
    return { status: 'fail', reason: 'name-not-found', detail, facts: where } as const;
  }
  if (walk.socket === undefined) {
    const detail = `the proxy ${host}:${port} (from ${variable}) cannot be connected to`;
    return { status: 'fail', reason: 'unreachable', detail, facts: where } as const;
  }
  if (scheme !== 'https') return undefined;
  const detail = `${variable} names a proxy with https://, which this version cannot test`;
  return { status: 'unknown', reason: 'unsupported', detail, facts: where } as const;
}

async function tunnelOf(
  { url }: EndpointTarget,
  decision: Proxy,
  tools: LinkTools,
): Promise<Tunnel> {
  const { walk, signal } = tools;
  if (walk.socket === undefined) return { kind: 'silent' };
  using deadline = deadlineOf(ANSWER_SECONDS, signal);
  return await openTunnel(walk.socket, decision, destinationOf(url), deadline.signal);
}

function destinationOf(url: URL): { readonly host: string; readonly port: number } {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const usual = url.protocol === 'https:' ? 443 : 80;
  return { host, port: url.port === '' ? usual : Number(url.port) };
}

function factsOf({ host, port, variable }: Proxy): Record<string, string> {
  return { proxy: `${host}:${port}`, variable };
}

type Refusal = Exclude<Tunnel, { kind: 'open' }>;

/** What the proxy did instead of opening the way, as a finding. */
function judged(tunnel: Refusal, decision: Proxy, destination: string) {
  const where = `${decision.host}:${decision.port}`;
  const facts = { proxy: where, variable: decision.variable, destination };
  switch (tunnel.kind) {
    case 'silent': {
      const detail = `proxy ${where} did not answer CONNECT ${destination} within ${ANSWER_SECONDS} s`;
      return { status: 'fail', reason: 'silent', detail, facts } as const;
    }
    case 'closed': {
      const detail = `proxy ${where} closed the connection after CONNECT ${destination}`;
      return { status: 'fail', reason: 'closed', detail, facts } as const;
    }
    case 'not-a-proxy': {
      const detail = `proxy ${where} answered CONNECT with "${tunnel.firstBytes}"`;
      return { status: 'fail', reason: 'not-a-proxy', detail, facts } as const;
    }
    case 'refused': {
      const said = answerOf(tunnel, decision);
      const squid = tunnel.headers['x-squid-error'];
      const why = squid === undefined ? '' : ` (${squid})`;
      const detail = `proxy ${where} answered CONNECT ${destination} with ${said}${why}`;
      const reason = refusalReason(tunnel.status, decision);
      const status = isSocks(decision) ? tunnel.phrase : tunnel.status;
      return { status: 'fail', reason, detail, facts: { ...facts, status } } as const;
    }
  }
}

/** SOCKS has no status of its own to show. */
function answerOf(
  { status, phrase }: Extract<Tunnel, { kind: 'refused' }>,
  decision: Proxy,
): string {
  return isSocks(decision) ? `"${phrase}"` : `${status} ${phrase}`.trim();
}

function isSocks({ scheme }: Proxy): boolean {
  return scheme === 'socks5';
}

function refusalReason(status: number, { credentials }: Proxy) {
  if (status === 407) return credentials === undefined ? 'auth-required' : 'auth-rejected';
  return status >= 500 ? 'upstream-failed' : 'denied';
}
