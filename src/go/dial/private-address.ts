/** Is this a private host? By its addresses (RFC 1918, RFC 4193, RFC 6598, link-local) or by an internal name. */
import { BlockList, isIP } from 'node:net';

import { withoutBrackets } from '../../core/address.ts';

const PRIVATE = new BlockList();
for (const [network, bits] of [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['100.64.0.0', 10],
  ['169.254.0.0', 16],
] as const) {
  PRIVATE.addSubnet(network, bits, 'ipv4');
}
PRIVATE.addSubnet('fc00::', 7, 'ipv6');
PRIVATE.addSubnet('fe80::', 10, 'ipv6');

/** RFC 6761 and RFC 9476 names, and what sites commonly use inside. */
const INSIDE_NAMES = /(?:^[^.]+|\.(?:internal|intranet|local|lan|corp|home|private|test))\.?$/i;

export function isPrivateHost(hostname: string, addresses: readonly string[]): boolean {
  const host = withoutBrackets(hostname);
  if (isIP(host) !== 0) return isPrivateAddress(host);
  return (
    INSIDE_NAMES.test(host) ||
    (addresses.length > 0 && addresses.every((one) => isPrivateAddress(one)))
  );
}

export function isPrivateAddress(address: string): boolean {
  const family = isIP(address);
  return family !== 0 && PRIVATE.check(address, family === 4 ? 'ipv4' : 'ipv6');
}
