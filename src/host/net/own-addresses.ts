/** The addresses of this host's interfaces. */
import type { NetworkInterfaceInfo } from 'node:os';
import { networkInterfaces } from 'node:os';

import { inNetworkAtHand } from './network.ts';

/** By the interface's name; undefined when the kernel gives none, as to a process that may open no more files. */
export function addressesByInterface():
  | Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>
  | undefined {
  try {
    return inNetworkAtHand(() => networkInterfaces());
  } catch {
    return undefined;
  }
}

/** Undefined when they cannot be read. */
function ownAddresses(): readonly NetworkInterfaceInfo[] | undefined {
  const known = addressesByInterface();
  return known && Object.values(known).flatMap((addresses) => addresses ?? []);
}

/** False also when it is not known. */
export function isForeignAddress(address: string): boolean {
  return ownAddresses()?.every((own) => own.address !== address) ?? false;
}

/** Families in which an address of this host leads out of it; undefined when it is not known. */
export function ownFamilies(): ReadonlySet<number> | undefined {
  const leading = ownAddresses()?.filter(
    ({ internal, scopeid }) => !internal && (scopeid ?? 0) === 0,
  );
  return leading && new Set(leading.map(({ family }) => (family === 'IPv6' ? 6 : 4)));
}
