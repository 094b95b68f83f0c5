/**
 * The order in which Go dials the addresses of a name: RFC 6724 as Go's resolver has it (Go: net/addrselect.go). A UDP
 * connect, which sends nothing, shows whether there is a route and from which source address.
 */
import { once } from 'node:events';
import { SocketAddress, isIP, isIPv4 } from 'node:net';

import type { Address } from '../../core/probe.ts';
import { newUdpSocket } from '../../host/net/network.ts';

const LINK_LOCAL = 2;
const SITE_LOCAL = 5;
const GLOBAL = 14;

/** Longest prefix first: precedence and label of RFC 6724, section 2.1. */
const POLICY = [
  { prefix: '::1', bits: 128, precedence: 50, label: 0 },
  { prefix: '::ffff:0:0', bits: 96, precedence: 35, label: 4 },
  { prefix: '::', bits: 96, precedence: 1, label: 3 },
  { prefix: '2001::', bits: 32, precedence: 5, label: 5 },
  { prefix: '2002::', bits: 16, precedence: 30, label: 2 },
  { prefix: '3ffe::', bits: 16, precedence: 1, label: 12 },
  { prefix: 'fec0::', bits: 10, precedence: 1, label: 11 },
  { prefix: 'fc00::', bits: 7, precedence: 3, label: 13 },
  { prefix: '::', bits: 0, precedence: 40, label: 1 },
] as const;

/** The canonical form of an address: IPv6 in its short form, an IPv4-mapped one as the IPv4 address that Go dials. */
export function canonicalAddress(text: string): string {
  if (isIP(text) !== 6) return text;
  const [bare = '', zone] = text.split('%');
  const { address } = new SocketAddress({ address: bare, family: 'ipv6' });
  const mapped = /^::ffff:(?<ipv4>\d+\.\d+\.\d+\.\d+)$/.exec(address)?.groups?.['ipv4'];
  if (mapped !== undefined) return mapped;
  return zone === undefined ? address : `${address}%${zone}`;
}

/** Sorted as Go dials them; equal ones stay in the order in which they came. */
export async function sortLikeGo(texts: readonly string[]): Promise<readonly Address[]> {
  const addresses = texts.map((text): Address => {
    const address = canonicalAddress(text);
    return { address, family: isIP(address) === 6 ? 6 : 4 };
  });
  if (addresses.length < 2) return addresses;
  const sources = await Promise.all(addresses.map((address) => sourceOf(address)));
  return sortBySource(addresses, sources);
}

/** The source address that the kernel would use, or undefined without a route. Takes no thread-pool slot. */
async function sourceOf({ address, family }: Address): Promise<string | undefined> {
  let socket: ReturnType<typeof newUdpSocket> | undefined;
  try {
    socket = newUdpSocket(family);
    // Both events come in the same turn of the loop or the next: nothing is sent, so nothing is waited for.
    const connected = once(socket, 'connect');
    socket.connect(53, address);
    await connected;
    return socket.address().address;
  } catch {
    return undefined;
  } finally {
    socket?.close();
  }
}

/** Pure: `sources` has the source of each address at the same index. */
export function sortBySource(
  addresses: readonly Address[],
  sources: readonly (string | undefined)[],
): readonly Address[] {
  return addresses
    .map((address, index) => candidateOf(address, sources[index]))
    .toSorted(compareCandidates)
    .map(({ address }) => address);
}

interface Traits {
  readonly scope: number;
  readonly precedence: number;
  readonly label: number;
}

interface Candidate {
  readonly address: Address;
  readonly traits: Traits;
  readonly source: Traits | undefined;
  /** Leading bits that an IPv6 address and its source share, at most 64. */
  readonly prefixBits: number;
}

function candidateOf(address: Address, source: string | undefined): Candidate {
  return {
    address,
    traits: traitsOf(address.address),
    source: source === undefined ? undefined : traitsOf(source),
    prefixBits:
      address.family === 6 && source !== undefined ? sourcePrefixBits(address.address, source) : 0,
  };
}

/** Each rule gives a number; the first one that is not 0 decides (rules 1, 2, 5, 6, 8 and 9). */
function compareCandidates(a: Candidate, b: Candidate): number {
  if (a.source === undefined || b.source === undefined) {
    return Number(a.source === undefined) - Number(b.source === undefined);
  }
  const rules = [
    Number(b.traits.scope === b.source.scope) - Number(a.traits.scope === a.source.scope),
    Number(b.traits.label === b.source.label) - Number(a.traits.label === a.source.label),
    b.traits.precedence - a.traits.precedence,
    a.traits.scope - b.traits.scope,
    a.address.family === 6 && b.address.family === 6 ? b.prefixBits - a.prefixBits : 0,
  ];
  return rules.find((difference) => difference !== 0) ?? 0;
}

function traitsOf(text: string): Traits {
  const address = text.split('%')[0] ?? '';
  const wide = isIPv4(address) ? `::ffff:${address}` : address;
  const found = POLICY.find(({ prefix, bits }) => isWithin(wide, prefix, bits));
  return {
    scope: scopeOf(address),
    precedence: found?.precedence ?? 0,
    label: found?.label ?? 0,
  };
}

function scopeOf(address: string): number {
  if (isIPv4(address)) {
    return /^(?:127\.|169\.254\.)/.test(address) ? LINK_LOCAL : GLOBAL;
  }
  if (address === '::1' || isWithin(address, 'fe80::', 10)) return LINK_LOCAL;
  return isWithin(address, 'fec0::', 10) ? SITE_LOCAL : GLOBAL;
}

function isWithin(address: string, prefix: string, bits: number): boolean {
  return bits === 0 || commonPrefixBits(groupsOf(address), groupsOf(prefix)) >= bits;
}

function sourcePrefixBits(a: string, b: string): number {
  return Math.min(64, commonPrefixBits(groupsOf(a), groupsOf(b)));
}

function commonPrefixBits(a: readonly number[], b: readonly number[]): number {
  const index = a.findIndex((group, at) => group !== b[at]);
  if (index === -1) return 128;
  return index * 16 + Math.clz32((a[index] ?? 0) ^ (b[index] ?? 0)) - 16;
}

/** The eight groups of an IPv6 address. */
function groupsOf(text: string): readonly number[] {
  const address = (text.split('%')[0] ?? '').replace(
    /(?<a>\d+)\.(?<b>\d+)\.(?<c>\d+)\.(?<d>\d+)$/,
    (_whole, a: string, b: string, c: string, d: string) => `${hexOf(a, b)}:${hexOf(c, d)}`,
  );
  const [left = '', right] = address.split('::');
  const head = left === '' ? [] : left.split(':');
  const tail = right === undefined || right === '' ? [] : right.split(':');
  const middle = Array.from(
    { length: right === undefined ? 0 : 8 - head.length - tail.length },
    () => '0',
  );
  return [...head, ...middle, ...tail].map((group) => Number.parseInt(group, 16));
}

function hexOf(high: string, low: string): string {
  return (Number(high) * 256 + Number(low)).toString(16);
}
