/** Classifies a failed dial. As in Go, the error that counts is that of the first address. */
import { dataKey } from '../../core/finding-data.ts';
import type { Attempt } from '../../core/lookup.ts';
import { leadToCauses } from '../../core/reason.ts';

/** The addresses that were dialled, of connect's findings. */
export const ATTEMPTS = dataKey<readonly Attempt[]>('attempts');

/** A firewall's "prohibited" comes at once; a dead neighbour is given up after about three seconds. */
const FAST_SECONDS = 1;

const FAULTS = {
  ECONNREFUSED: 'refused',
  timeout: 'timeout',
  ETIMEDOUT: 'timeout',
  abandoned: 'timeout',
  ENETUNREACH: 'no-route',
  ENETDOWN: 'no-route',
  // Of a route of kind blackhole.
  EINVAL: 'no-route',
  EADDRNOTAVAIL: 'no-local-port',
  'invalid port': 'invalid-port',
  EACCES: 'prohibited',
  EPERM: 'prohibited',
  // An ICMP message "protocol unreachable".
  ENOPROTOOPT: 'prohibited',
  EMFILE: 'too-many-files',
  ENFILE: 'too-many-files',
} as const satisfies Readonly<Record<string, DialFault>>;

const BOTH: ReadonlySet<number> = new Set([4, 6]);

export const DIAL_REASONS = {
  ...leadToCauses(
    'refused',
    'timeout',
    'prohibited',
    'host-unreachable',
    'no-route',
    'no-local-port',
  ),
  'invalid-port': {
    kind: 'cause',
    observed: 'The port in the proxy variable is above 65535.',
  },
  'too-many-files': {
    kind: 'unseen',
    meaning: 'runnerwatch has reached its own limit of open files.',
    action: 'Raise LimitNOFILE of runnerwatch.',
  },
  'connect-error': {
    kind: 'unseen',
    meaning: 'The connection failed with an error that runnerwatch does not know.',
    action: 'Report the detail shown as a bug of runnerwatch.',
  },
} as const;

export type DialFault = keyof typeof DIAL_REASONS;

/** `families`: those of which this host has an address of its own that leads out. */
export function dialFaultOf(
  first: Attempt | undefined,
  families: ReadonlySet<number> = BOTH,
): DialFault {
  if (first === undefined) return 'connect-error';
  // The kernel finds no source address; free ports do not matter.
  if (first.outcome === 'EADDRNOTAVAIL' && !families.has(first.address.family)) return 'no-route';
  if (isSudden(first)) return 'prohibited';
  if (first.outcome === 'EHOSTUNREACH') return 'host-unreachable';
  const known: Readonly<Record<string, DialFault>> = FAULTS;
  return known[first.outcome] ?? 'connect-error';
}

/** An ICMP message; or the kernel gives up a neighbour just now that another program waited for. */
export function isSudden({ outcome, seconds }: Attempt): boolean {
  return outcome === 'EHOSTUNREACH' && seconds < FAST_SECONDS;
}

export function isFailed({ outcome }: Attempt): boolean {
  return outcome !== 'ok' && outcome !== 'abandoned';
}

/** `10.0.0.2 ECONNREFUSED after 0.00 s, 10.0.0.3 ok after 0.01 s`. */
export function attemptsText(attempts: readonly Attempt[]): string {
  return attempts
    .map(
      ({ address, outcome, seconds }) =>
        `${address.address} ${outcome} after ${seconds.toFixed(2)} s`,
    )
    .join(', ');
}
