/** Whether an address is inside a network or a range. */
import { BlockList, isIP } from 'node:net';

export function isInNetwork(address: string, network: string, bits: number): boolean {
  if (isIP(address) !== isIP(network)) return false;
  const list = new BlockList();
  list.addSubnet(network, Math.min(bits, isIP(network) === 4 ? 32 : 128), familyOf(network));
  return list.check(address, familyOf(address));
}

/** Undefined for what is no range of addresses. */
export function isInAddressRange(address: string, from: string, to: string): boolean | undefined {
  if (isIP(from) === 0 || isIP(to) !== isIP(from)) return undefined;
  const list = new BlockList();
  list.addRange(from, to, familyOf(from));
  return list.check(address, familyOf(address));
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}
