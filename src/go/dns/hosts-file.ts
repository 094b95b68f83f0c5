/** /etc/hosts and /etc/nsswitch.conf as Go reads them (Go: net/hosts.go, net/conf.go). */
import { isIP } from 'node:net';

/** Addresses of all lines for a name, with their zone; any letter case, a trailing dot does not matter. */
export function lookUpHosts(text: string, name: string): readonly string[] {
  const wanted = canonicalName(name);
  return text.split('\n').flatMap((line) => {
    const [address = '', ...names] = (line.split('#')[0] ?? '').trim().split(/\s+/);
    return isIP(address) !== 0 && names.some((alias) => canonicalName(alias) === wanted)
      ? [address]
      : [];
  });
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
