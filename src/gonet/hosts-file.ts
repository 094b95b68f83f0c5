/** /etc/hosts and /etc/nsswitch.conf as Go reads them (Go: net/hosts.go, net/conf.go). */
import { isIP } from 'node:net';

/** Addresses that a hosts file gives for a name; any letter case, a trailing dot does not matter. */
export function lookupHosts(text: string, name: string): readonly string[] {
  const wanted = canonical(name);
  return text.split('\n').flatMap((line) => {
    const [address = '', ...names] = (line.split('#')[0] ?? '').trim().split(/\s+/);
    const plain = address.split('%')[0] ?? '';
    return isIP(plain) !== 0 && names.some((alias) => canonical(alias) === wanted) ? [plain] : [];
  });
}

function canonical(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}

export type Source = 'files' | 'dns';

/**
 * The order of `files` and `dns` in nsswitch.conf. Other modules are skipped by the runner, although libc
 * asks them; when no `dns` is listed, the first unknown module stands for it.
 */
export function lookupOrder(nsswitch: string | undefined): readonly Source[] {
  const line = (nsswitch ?? '')
    .split('\n')
    .map((text) => (text.split('#')[0] ?? '').trim())
    .find((text) => text.startsWith('hosts:'));
  if (line === undefined) return ['files', 'dns'];
  const modules = line
    .slice('hosts:'.length)
    .replaceAll(/\[[^\]]*\]/g, ' ')
    .split(/\s+/)
    .filter((word) => word !== '');
  if (modules.length === 0) return ['files', 'dns'];
  const hasDns = modules.includes('dns');
  const order = modules.flatMap((word): readonly Source[] => {
    if (word === 'files' || word === 'dns') return [word];
    return hasDns ? [] : ['dns'];
  });
  return [...new Set(order)];
}
