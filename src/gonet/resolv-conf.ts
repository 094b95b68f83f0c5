/** /etc/resolv.conf as Go's pure resolver reads it (Go: net/dnsconfig_unix.go). */
import { isIP } from 'node:net';

export interface ResolvConf {
  /** At most three. */
  readonly servers: readonly string[];
  /** True when the file names no server and Go falls back to this host's own addresses. */
  readonly isFallback: boolean;
  readonly search: readonly string[];
  readonly ndots: number;
  readonly timeoutSeconds: number;
  readonly attempts: number;
}

const FALLBACK_SERVERS = ['127.0.0.1', '::1'];
const MOST_SERVERS = 3;

/** `text` is undefined when the file cannot be read; `domain` is the domain part of the host's name. */
export function parseResolvConf(text: string | undefined, domain = ''): ResolvConf {
  const lines = (text ?? '').split('\n').filter((line) => !/^[;#]/.test(line));
  const words = lines.map((line) => line.trim().split(/\s+/));
  const servers = words
    .filter(([key, value = '']) => key === 'nameserver' && isIP(value) !== 0)
    .map(([, value = '']) => value)
    .slice(0, MOST_SERVERS);
  const searchLine = words.findLast(([key]) => key === 'search' || key === 'domain');
  const options = words.filter(([key]) => key === 'options').flatMap((line) => line.slice(1));
  return {
    servers: servers.length === 0 ? FALLBACK_SERVERS : servers,
    isFallback: servers.length === 0,
    search: searchOf(searchLine, domain),
    ndots: Math.min(15, numberOption(options, 'ndots', 1, 0)),
    timeoutSeconds: numberOption(options, 'timeout', 5, 1),
    attempts: numberOption(options, 'attempts', 2, 1),
  };
}

function searchOf(line: readonly string[] | undefined, domain: string): readonly string[] {
  if (line === undefined) return domain === '' ? [] : [domain];
  // `search .` is how systemd-resolved writes "no search".
  return (line[0] === 'domain' ? line.slice(1, 2) : line.slice(1))
    .map((suffix) => suffix.replace(/\.$/, ''))
    .filter((suffix) => suffix !== '');
}

function numberOption(
  options: readonly string[],
  name: string,
  fallback: number,
  least: number,
): number {
  const text = options.findLast((option) => option.startsWith(`${name}:`))?.slice(name.length + 1);
  const value = Number.parseInt(text ?? '', 10);
  return Number.isNaN(value) ? fallback : Math.max(least, value);
}

/**
 * The names to ask for, in order: as it is first when it has enough dots, then with each suffix (also
 * after "no such name"), and as it is last otherwise. A trailing dot ends the search.
 */
export function namesToTry(name: string, { search, ndots }: ResolvConf): readonly string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)];
  const dots = name.split('.').length - 1;
  const expanded = search.map((suffix) => `${name}.${suffix}`);
  return dots >= ndots ? [name, ...expanded] : [...expanded, name];
}
