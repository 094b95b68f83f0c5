/** Hosts as text: the host part of a URL, a name, or an IP address. */
import { BlockList, isIP } from 'node:net';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** A URL has brackets around an IPv6 address; a dial, a certificate and a lookup have none. */
export function withoutBrackets(host: string): string {
  return host.replace(/^\[|\]$/g, '');
}

export function isLoopbackAddress(address: string): boolean {
  const family = isIP(address);
  return family !== 0 && LOOPBACK.check(address, family === 4 ? 'ipv4' : 'ipv6');
}

/** Numbers that other programs read as an IPv4 address, and Go as a name: `010.0.0.1`, `10.1`, `0x7f.1`, `10.0.0.300`. */
export function isOddAddress(host: string): boolean {
  return isIP(host) === 0 && /^(?:(?:0x[\da-f]+|\d+)\.)*(?:0x[\da-f]+|\d+)$/i.test(host);
}

/** A loopback address, with or without brackets, or one of the names that RFC 6761 reserves for it. */
export function isLoopbackHost(host: string): boolean {
  return /^(?:.*\.)?localhost\.?$/i.test(host) || isLoopbackAddress(withoutBrackets(host));
}
