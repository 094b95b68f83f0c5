/** The rules of a firewall in one form, whichever program wrote and shows them. */
import type { OwnEnd } from '../own-end.ts';

export interface Packet {
  /** Of the peer, and its port. */
  readonly address: string;
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
  /** User of the process that sends it. */
  readonly uid: number;
  /** Its group and its further groups; absent where they are not known. */
  readonly groups?: readonly number[];
  /** This host's end; absent where it is not known. */
  readonly own?: OwnEnd;
  /** The peer is another host, so its packets do not take the loopback interface. */
  readonly leavesHost?: boolean;
  /** It is the answer that comes back. */
  readonly isAnswer?: boolean;
  /** A host passes it on, or takes it from a network behind it: no process there sends it. */
  readonly passage?: Passage;
}

/** The interfaces by which a packet comes into a host and leaves it, as far as they are known. */
export interface Passage {
  readonly in?: string;
  readonly out?: string;
}

/** `perhaps`: it cannot be judged. */
export type Truth = 'yes' | 'no' | 'perhaps';

export type Condition = (packet: Packet) => Truth;

export type Action =
  | { readonly kind: 'drop' | 'accept' | 'return' | 'continue' }
  /** With "network unreachable", where another error is not known. */
  | { readonly kind: 'reject'; readonly saysNoRoute: boolean }
  | { readonly kind: 'jump' | 'goto'; readonly chain: string }
  /** The packet gets the address of the host. */
  | { readonly kind: 'translate' }
  /** A map of verdicts, a queue to a program: it may accept. */
  | { readonly kind: 'undecided' }
  /** The packet has another address, port or state from here on. */
  | { readonly kind: 'rewrite' };

export interface Rule {
  /** As its program names it: `inet filter output handle 12`, `iptables-legacy -A OUTPUT -p tcp -j DROP`. */
  readonly location: string;
  readonly conditions: readonly Condition[];
  readonly action: Action;
  readonly comment?: string;
  /** It names the user or the group of the process, so others may well pass. */
  readonly isByUser: boolean;
  /** nft names it so. */
  readonly handle?: number;
  /** Arguments for a shell after the name of the chain, with which iptables deletes it. */
  readonly specification?: string;
}

export interface Chain {
  readonly program: Program;
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly hook?: string;
  readonly priority?: number;
  readonly policy?: string;
  /** The kernel asks it about the first packet of a connection alone. */
  readonly isNat: boolean;
  readonly rules: readonly Rule[];
}

/** What shows the chain, and changes it. */
export type Program =
  | 'nft'
  | 'iptables'
  | 'iptables-nft'
  | 'iptables-legacy'
  | 'ip6tables'
  | 'ip6tables-nft'
  | 'ip6tables-legacy';

export function negate(truth: Truth): Truth {
  if (truth === 'perhaps') return truth;
  return truth === 'yes' ? 'no' : 'yes';
}

/** What a target of iptables does; undefined for one that is not known, or a chain. */
export function actionOfTarget(target: string, words: readonly string[] = []): Action | undefined {
  if (target === 'REJECT') {
    return { kind: 'reject', saysNoRoute: words.some((word) => NO_ROUTE.test(word)) };
  }
  if (target === 'CT') return { kind: words.includes('--notrack') ? 'rewrite' : 'continue' };
  return ACTIONS.find(([, names]) => names.includes(target))?.[0];
}

/** The kinds of REJECT that the sender sees as "network unreachable". */
export const NO_ROUTE = /^(?:icmp6?-)?(?:net-unreachable|net-prohibited|no-route)$/;

const ACTIONS: readonly (readonly [Action, readonly string[]])[] = [
  [{ kind: 'drop' }, ['DROP']],
  [{ kind: 'accept' }, ['ACCEPT']],
  [{ kind: 'translate' }, ['MASQUERADE', 'SNAT']],
  [{ kind: 'return' }, ['RETURN']],
  [{ kind: 'rewrite' }, ['DNAT', 'REDIRECT', 'NETMAP', 'TPROXY', 'NOTRACK']],
  [
    { kind: 'continue' },
    [
      'AUDIT',
      'CHECKSUM',
      'CLASSIFY',
      'CONNMARK',
      'CONNSECMARK',
      'DSCP',
      'HL',
      'LOG',
      'MARK',
      'NFLOG',
      'SECMARK',
      'SET',
      'TCPMSS',
      'TOS',
      'TRACE',
      'TTL',
      'ULOG',
    ],
  ],
];
