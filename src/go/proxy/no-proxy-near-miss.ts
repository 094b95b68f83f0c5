/**
 * Finds the entry of NO_PROXY that was meant for this host and does not match by Go's rules
 * (docs/reference/go-network.md#no_proxy). Called only when a proxy is used although the list is not empty.
 */
import { isIP } from 'node:net';

export interface NearMiss {
  readonly entry: string;
  /** A clause: why Go does not match it. */
  readonly because: string;
}

/** The first entry that seems to be meant for `host`, or undefined. */
export function nearMissOf(list: string, host: string): NearMiss | undefined {
  const name = host.toLowerCase();
  for (const entry of list.split(',').map((word) => word.trim())) {
    const because = entry === '' ? undefined : reasonOf(entry.toLowerCase(), name);
    if (because !== undefined) return { entry, because };
  }
  return undefined;
}

function reasonOf(entry: string, name: string): string | undefined {
  if (/[;\s]/.test(entry)) {
    return entry.split(/[;\s]+/).some((word) => isMeantFor(word, name))
      ? 'only commas separate entries'
      : undefined;
  }
  if (entry.includes('/') && isIP(entry.split('/')[0] ?? '') !== 0) {
    return isIP(name) === 0
      ? 'a network matches only a URL that contains an IP address'
      : undefined;
  }
  if (isIP(entry) !== 0 && isIP(name) === 0) {
    return 'an address matches only a URL that contains that address';
  }
  return isMeantFor(entry, name) ? mismatchReason(entry, name) : undefined;
}

/** The name inside an entry is the host, a parent or a part of it. */
function isMeantFor(entry: string, name: string): boolean {
  const core = entry
    .replace(/^[a-z]+:\/\//, '')
    .replace(/[:/].*$/, '')
    .replaceAll('*', '')
    .replace(/^\.+|\.+$/g, '');
  return core !== '' && (name === core || name.endsWith(`.${core}`) || name.startsWith(`${core}.`));
}

function mismatchReason(entry: string, name: string): string {
  if (entry.includes('://')) return 'an entry is a host, not a URL';
  if (/:\d+$/.test(entry)) return 'it is for another port';
  if (entry.endsWith('.')) return 'an entry that ends with a dot never matches';
  if (/^\*?\./.test(entry)) return 'an entry that starts with a dot matches only subdomains';
  if (entry.includes('*'))
    return 'a star works only as `*` alone or in front, as in `*.example.com`';
  return name.startsWith(entry)
    ? 'an entry that is only the start of a name does not match'
    : 'it does not match the name';
}
