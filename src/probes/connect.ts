/**
 * Does the address answer on its port, dialled as the runner dials it?
 *
 * Source    gonet/dial.ts over the addresses of the dns link. Through a proxy it is the proxy's port.
 * Measures  connect_seconds (seconds, monotonic), failed_addresses (count).
 * Reasons   refused, timeout, prohibited, host-unreachable, no-route, no-local-port, some-addresses-failed.
 * Unknown   too-many-files and connect-error: they say something about this process, not about the path.
 */
import { defineProbe } from '../core/probe.ts';
import type { EndpointTarget } from '../core/target.ts';
import type { Attempt } from '../gonet/dial.ts';
import { dialLikeGo } from '../gonet/dial.ts';

/** A firewall's "prohibited" comes at once; a dead neighbour is given up after about three seconds. */
const FAST_SECONDS = 1;
/** Less than the deadline, so that the probe itself can say "timed out". */
const DIAL_SECONDS = 5;

export const connect = defineProbe({
  id: 'connect',
  title: 'TCP connection',
  question: 'Does the address answer on its port, dialled as the runner dials it?',
  kind: 'endpoint',
  needs: ['dns'],
  intervalSeconds: 15,
  timeoutSeconds: 6,
  options: {},
  reasons: {
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
  },
  measures: {
    connect_seconds: {
      help: 'Time until the first address answered.',
      as: { metric: 'path_phase_seconds', labels: { phase: 'connect' } },
    },
    failed_addresses: { help: 'Number of addresses that were tried and did not answer.' },
  },

  async run(target, _options, { clock, signal, walk }) {
    const { host, port, of } = dialledPlace(target);
    const start = clock.seconds();
    const loan = { clock, signal, timeoutSeconds: DIAL_SECONDS };
    const { socket, address, attempts } = await dialLikeGo(walk.addresses ?? [], port, loan);
    const failed = attempts.filter(({ outcome }) => outcome !== 'ok' && outcome !== 'abandoned');
    const measures = { connect_seconds: clock.seconds() - start, failed_addresses: failed.length };
    const facts = { host, port, of, attempts: attemptsText(attempts) };
    if (socket === undefined || address === undefined) {
      const [first] = attempts;
      const reason = reasonOf(first);
      const status = reason === 'connect-error' || reason === 'too-many-files' ? 'unknown' : 'fail';
      const detail = `${host} port ${port}: ${facts.attempts || 'no address to dial'}`;
      return {
        status,
        reason,
        detail,
        measures,
        facts: { ...facts, address: first?.address.address ?? '' },
      };
    }
    walk.socket = socket;
    walk.open = async (again) => {
      const redialled = await dialLikeGo([address], port, { ...loan, signal: again });
      if (redialled.socket === undefined) throw new Error(`cannot dial ${address.address} again`);
      return redialled.socket;
    };
    const where = { ...facts, address: address.address };
    if (failed.length === 0) return { status: 'pass', measures, facts: where };
    const detail = `${host} port ${port}: ${facts.attempts}`;
    return { status: 'warn', reason: 'some-addresses-failed', detail, measures, facts: where };
  },
});

function dialledPlace({ url, proxy }: EndpointTarget): {
  host: string;
  port: number;
  of: 'proxy' | 'gitlab';
} {
  if (proxy.kind === 'proxy') return { host: proxy.host, port: proxy.port, of: 'proxy' };
  return { host: url.hostname, port: portOf(url), of: 'gitlab' };
}

/** The port of a URL, with the default of its scheme. */
function portOf(url: URL): number {
  if (url.port !== '') return Number(url.port);
  return url.protocol === 'https:' ? 443 : 80;
}

const REASONS = {
  ECONNREFUSED: 'refused',
  timeout: 'timeout',
  ETIMEDOUT: 'timeout',
  abandoned: 'timeout',
  ENETUNREACH: 'no-route',
  ENETDOWN: 'no-route',
  EADDRNOTAVAIL: 'no-local-port',
  EACCES: 'prohibited',
  EPERM: 'prohibited',
  EMFILE: 'too-many-files',
  ENFILE: 'too-many-files',
} as const;

/** The error that counts is that of the first address, as in Go. */
export function reasonOf(first: Attempt | undefined) {
  if (first === undefined) return 'connect-error';
  if (first.outcome === 'EHOSTUNREACH') {
    return first.seconds < FAST_SECONDS ? 'prohibited' : 'host-unreachable';
  }
  const known: Readonly<Record<string, (typeof REASONS)[keyof typeof REASONS]>> = REASONS;
  return known[first.outcome] ?? 'connect-error';
}

/** `10.0.0.2 ECONNREFUSED after 0.00 s, 10.0.0.3 ok after 0.01 s`. */
function attemptsText(attempts: readonly Attempt[]): string {
  return attempts
    .map(
      ({ address, outcome, seconds }) =>
        `${address.address} ${outcome} after ${seconds.toFixed(2)} s`,
    )
    .join(', ');
}
