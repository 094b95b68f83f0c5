/** /etc/hosts and /etc/nsswitch.conf as Go reads them (Go: net/hosts.go, net/conf.go). */
import { isIP } from 'node:net';

export interface HostsLine {
  /** With its zone. */
  readonly address: string;
  /** From 1. */
  readonly line: number;
}

/** All lines for a name; any letter case, a trailing dot does not matter. */
export function hostsLines(text: string, name: string): readonly HostsLine[] {
  const wanted = canonicalName(name);
  return text.split('\n').flatMap((line, index) => {
    const [address = '', ...names] = (line.split('#')[0] ?? '').trim().split(/\s+/);
    return isIP(address) !== 0 && names.some((alias) => canonicalName(alias) === wanted)
      ? [{ address, line: index + 1 }]
      : [];
  });
}

/** Addresses of all lines for a name. */
export function lookUpHosts(text: string, name: string): readonly string[] {
  return hostsLines(text, name).map(({ address }) => address);
}

function canonicalName(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}

export type Source = 'files' | 'dns';

const DEFAULT_ORDER: readonly Source[] = ['files', 'dns'];

/**
 * The order of `files` and `dns` in nsswitch.conf. The runner skips other modules, although libc asks them; without
 * `dns`, the first unknown module is read as `dns`. A file that Go cannot parse counts as none.
 */
export function lookupOrder(nsswitch: string | undefined): readonly Source[] {
  const lines = (nsswitch ?? '')
    .split('\n')
    .map((text) => (text.split('#')[0] ?? '').trim())
    .filter((text) => text !== '');
  if (lines.some((text) => !text.includes(':') || /\[[^\]]*$/.test(text))) return DEFAULT_ORDER;
  const modules = lines
    .filter((text) => /^hosts\s*:/.test(text))
    .flatMap((text) =>
      text
        .slice(text.indexOf(':') + 1)
        .replaceAll(/\[[^\]]*\]/g, ' ')
        .split(/\s+/),
    )
    .filter((word) => word !== '');
  if (modules.length === 0) return DEFAULT_ORDER;
  const hasDns = modules.includes('dns');
  const order = modules.flatMap((word): readonly Source[] => {
    if (word === 'files' || word === 'dns') return [word];
    return hasDns ? [] : ['dns'];
  });
  return [...new Set(order)];
}
