/** Does one match of an nftables rule hold for a new connection of the runner? Yes, no, or it cannot be known. */
import { BlockList, isIP } from 'node:net';

/** The first packet of a connection. */
export interface Packet {
  readonly address: string;
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
  /** User of the process that sends it. */
  readonly uid: number;
}

export type Truth = 'yes' | 'no' | 'perhaps';
type Lookup = (set: string) => readonly unknown[] | undefined;

interface Match {
  readonly op: string;
  readonly left: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly right: unknown;
}

export function matches(match: unknown, packet: Packet, lookup: Lookup): Truth {
  const { op, left, right } = match as Match;
  const value = valueOf(left, packet);
  if (value === undefined) return 'perhaps';
  if (value === 'not-there') return 'no';
  const holds = isAmong(value, right, lookup);
  if (holds === undefined) return 'perhaps';
  if (op !== '==' && op !== 'in' && op !== '!=') return 'perhaps';
  return holds === (op !== '!=') ? 'yes' : 'no';
}

/** What the packet has there; undefined when it cannot be known, `not-there` when it has no such part. */
function valueOf(left: Match['left'], packet: Packet): string | number | undefined {
  const { payload, meta, ct } = left;
  if (payload !== undefined)
    return payloadOf(String(payload['protocol']), String(payload['field']), packet);
  if (ct !== undefined) return ct['key'] === 'state' ? 'new' : undefined;
  return meta === undefined ? undefined : metaOf(String(meta['key']), packet);
}

function payloadOf(protocol: string, field: string, packet: Packet): string | number | undefined {
  const { address, port } = packet;
  const family = isIP(address) === 6 ? 'ip6' : 'ip';
  if (protocol === 'ip' || protocol === 'ip6') {
    if (protocol !== family) return 'not-there';
    if (field === 'daddr') return address;
    return field === 'protocol' || field === 'nexthdr' ? packet.protocol : undefined;
  }
  if (protocol !== packet.protocol && protocol !== 'th') {
    return ['tcp', 'udp', 'icmp', 'icmpv6', 'sctp'].includes(protocol) ? 'not-there' : undefined;
  }
  return field === 'dport' ? port : undefined;
}

function metaOf(key: string, { protocol, uid, address }: Packet): string | number | undefined {
  if (key === 'l4proto') return protocol;
  if (key === 'skuid') return uid;
  if (key === 'nfproto') return isIP(address) === 6 ? 'ipv6' : 'ipv4';
  const isLoopback = /^127\.|^::1$/.test(address);
  // Only this much is known of the interface: the loopback one carries loopback addresses and no others.
  return (key === 'oifname' || key === 'oif') && isLoopback ? 'lo' : undefined;
}

function isAmong(value: string | number, right: unknown, lookup: Lookup): boolean | undefined {
  if (typeof right === 'string' && right.startsWith('@')) {
    const elements = lookup(right.slice(1));
    return elements === undefined ? undefined : isOneOf(value, elements, lookup);
  }
  if (Array.isArray(right)) return isOneOf(value, right, lookup);
  if (typeof right === 'object' && right !== null) return isInside(value, right, lookup);
  if (typeof right === 'string' && isIP(right) !== 0) return isInNetwork(value, right, 128);
  return String(right) === String(value);
}

function isOneOf(
  value: string | number,
  items: readonly unknown[],
  lookup: Lookup,
): boolean | undefined {
  const found = items.map((item) => isAmong(value, item, lookup));
  if (found.includes(true)) return true;
  return found.includes(undefined) ? undefined : false;
}

function isInside(value: string | number, right: object, lookup: Lookup): boolean | undefined {
  if ('set' in right && Array.isArray(right.set)) return isOneOf(value, right.set, lookup);
  if ('elem' in right) return isAmong(value, (right.elem as { val: unknown }).val, lookup);
  if ('range' in right) return isInRange(value, right.range as readonly unknown[]);
  if (!('prefix' in right)) return undefined;
  const { addr, len } = right.prefix as { addr: string; len: number };
  return isInNetwork(value, addr, len);
}

function isInRange(value: string | number, [from, to]: readonly unknown[]): boolean | undefined {
  if (typeof value === 'number') return value >= Number(from) && value <= Number(to);
  if (isIP(String(from)) === 0) return undefined;
  const list = new BlockList();
  list.addRange(String(from), String(to), familyOf(String(from)));
  return list.check(value, familyOf(value));
}

function isInNetwork(value: string | number, network: string, bits: number): boolean {
  const text = String(value);
  if (isIP(text) !== isIP(network)) return false;
  const list = new BlockList();
  list.addSubnet(network, Math.min(bits, isIP(network) === 4 ? 32 : 128), familyOf(network));
  return list.check(text, familyOf(text));
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}
