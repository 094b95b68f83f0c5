/**
 * Does one match of an nftables rule apply to a packet of a new connection of the runner: the first packet, or the
 * answer to it? Yes, no, or unknown.
 */
import { isIP } from 'node:net';

import { isLoopbackAddress } from '../../../core/address.ts';
import { isInAddressRange, isInNetwork } from './address-match.ts';
import type { Packet, Truth } from './ruleset.ts';

type Lookup = (set: string) => readonly unknown[] | undefined;

interface Match {
  readonly op: string;
  readonly left: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly right: unknown;
}

export function matches(match: unknown, packet: Packet, lookup: Lookup): Truth {
  const { op, left, right } = match as Match;
  if (right === LOOPBACK && isOfInterface(left) && packet.leavesHost === true) {
    return op === '!=' ? 'yes' : 'no';
  }
  const value = valueOf(left, packet);
  if (value === undefined) return 'perhaps';
  if (value === 'not-there') return 'no';
  const holds = isAmong(value, right, lookup);
  if (holds === undefined) return 'perhaps';
  if (op !== '==' && op !== 'in' && op !== '!=') return 'perhaps';
  return holds === (op !== '!=') ? 'yes' : 'no';
}

const LOOPBACK = 'lo';

function isOfInterface({ meta }: Match['left']): boolean {
  return ['oif', 'oifname', 'iif', 'iifname'].includes(String(meta?.['key']));
}

/** What the packet has there; undefined when it cannot be known, `not-there` when it has no such part. */
function valueOf(left: Match['left'], packet: Packet): string | number | undefined {
  const { payload, meta, ct } = left;
  if (payload !== undefined)
    return payloadOf(String(payload['protocol']), String(payload['field']), packet);
  if (ct !== undefined) return ct['key'] === 'state' ? stateOf(packet) : undefined;
  return meta === undefined ? undefined : metaOf(String(meta['key']), packet);
}

function stateOf({ isAnswer }: Packet): string {
  return isAnswer === true ? 'established' : 'new';
}

function fieldsOfPeer({ isAnswer }: Packet): readonly [address: string, port: string] {
  return isAnswer === true ? ['saddr', 'sport'] : ['daddr', 'dport'];
}

function payloadOf(protocol: string, field: string, packet: Packet): string | number | undefined {
  const { address, port } = packet;
  const [, ofPort] = fieldsOfPeer(packet);
  const family = isIP(address) === 6 ? 'ip6' : 'ip';
  if (protocol === 'ip' || protocol === 'ip6') {
    return protocol === family ? networkFieldOf(field, packet) : 'not-there';
  }
  if (protocol !== packet.protocol && protocol !== 'th') {
    return ['tcp', 'udp', 'icmp', 'icmpv6', 'sctp'].includes(protocol) ? 'not-there' : undefined;
  }
  return field === ofPort ? port : undefined;
}

function networkFieldOf(field: string, packet: Packet): string | undefined {
  const [ofAddress] = fieldsOfPeer(packet);
  if (field === ofAddress) return packet.address;
  if (field === 'saddr' || field === 'daddr') return packet.own?.address;
  return field === 'protocol' || field === 'nexthdr' ? packet.protocol : undefined;
}

function metaOf(key: string, packet: Packet): string | number | undefined {
  const { protocol, address } = packet;
  if (isOfInterface({ meta: { key } })) return interfaceOf(key, packet);
  if (key === 'l4proto') return protocol;
  if (key === 'skuid' || key === 'skgid') return ownerOf(key, packet);
  if (key === 'nfproto') return isIP(address) === 6 ? 'ipv6' : 'ipv4';
  return undefined;
}

/** A packet that no process here sends has none; of an answer the kernel does not always know it. */
function ownerOf(
  key: 'skuid' | 'skgid',
  { uid, groups, isAnswer, passage }: Packet,
): string | number | undefined {
  if (isAnswer === true) return undefined;
  if (passage !== undefined) return 'not-there';
  return key === 'skuid' ? uid : groups?.[0];
}

/** The loopback interface carries loopback addresses and no others; the way out has no incoming one. */
function interfaceOf(key: string, packet: Packet): string | undefined {
  const { address, own, leavesHost, isAnswer, passage } = packet;
  if (passage !== undefined) return key.startsWith('i') ? passage.in : passage.out;
  if (isLoopbackAddress(address)) return LOOPBACK;
  const isItsOwn = key.startsWith(isAnswer === true ? 'i' : 'o');
  return isItsOwn && leavesHost === true ? own?.interface : undefined;
}

function isAmong(value: string | number, right: unknown, lookup: Lookup): boolean | undefined {
  if (typeof right === 'string' && right.startsWith('@')) {
    const elements = lookup(right.slice(1));
    return elements === undefined ? undefined : isOneOf(value, elements, lookup);
  }
  if (Array.isArray(right)) return isOneOf(value, right, lookup);
  if (typeof right === 'object' && right !== null) return isInside(value, right, lookup);
  // Of interfaces: every name that begins so.
  if (typeof right === 'string' && right.endsWith('*')) {
    return String(value).startsWith(right.slice(0, -1));
  }
  if (typeof right === 'string' && isIP(right) !== 0) return isInNetwork(String(value), right, 128);
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
  return isInNetwork(String(value), addr, len);
}

function isInRange(value: string | number, [from, to]: readonly unknown[]): boolean | undefined {
  if (typeof value === 'number') return value >= Number(from) && value <= Number(to);
  return isInAddressRange(value, String(from), String(to));
}
