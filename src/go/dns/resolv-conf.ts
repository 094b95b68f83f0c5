/** /etc/resolv.conf as Go's pure resolver reads it (Go: net/dnsconfig_unix.go), and the names that it queries. */
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
  /** Each question starts one server further on. */
  readonly rotate: boolean;
  /** A first, and AAAA only after its end. */
  readonly singleRequest: boolean;
  /** TCP from the start. */
  readonly useTcp: boolean;
}

const FALLBACK_SERVERS = ['127.0.0.1', '::1'];
const MAX_SERVERS = 3;
const MAX_NDOTS = 15;
/** Of a name with its trailing dot. */
const MAX_NAME_LENGTH = 254;
const MAX_LABEL_LENGTH = 63;

/** `text` is undefined when the file cannot be read; `domain` is the domain part of the host's name. */
export function parseResolvConf(text: string | undefined, domain = ''): ResolvConf {
  const lines = (text ?? '').split('\n').filter((line) => !/^[;#]/.test(line));
  const words = lines.map((line) => line.trim().split(/\s+/));
  const servers = words
    .filter(([key, value = '']) => key === 'nameserver' && isIP(value) !== 0)
    .map(([, value = '']) => value)
    .slice(0, MAX_SERVERS);
  const searchLine = words.findLast(
    ([key, value]) => key === 'search' || (key === 'domain' && value !== undefined),
  );
  const options = words.filter(([key]) => key === 'options').flatMap((line) => line.slice(1));
  const has = (...names: readonly string[]): boolean =>
    names.some((name) => options.includes(name));
  return {
    servers: servers.length === 0 ? FALLBACK_SERVERS : servers,
    isFallback: servers.length === 0,
    search: searchOf(searchLine, domain),
    ndots: Math.min(MAX_NDOTS, numberOption(options, 'ndots', 1, 0)),
    timeoutSeconds: numberOption(options, 'timeout', 5, 1),
    attempts: numberOption(options, 'attempts', 2, 1),
    rotate: has('rotate'),
    singleRequest: has('single-request', 'single-request-reopen'),
    useTcp: has('use-vc', 'usevc', 'tcp'),
  };
}

/** An empty list means the host's own domain, also where a line is there and names none. */
function searchOf(line: readonly string[] | undefined, domain: string): readonly string[] {
  const named = (line?.[0] === 'domain' ? line.slice(1, 2) : (line?.slice(1) ?? []))
    .map((suffix) => suffix.replace(/\.$/, ''))
    .filter((suffix) => suffix !== '');
  if (named.length > 0) return named;
  return domain === '' ? [] : [domain];
}

/** What is no number counts as 0, as in Go. */
function numberOption(
  options: readonly string[],
  name: string,
  fallback: number,
  least: number,
): number {
  const text = options.findLast((option) => option.startsWith(`${name}:`))?.slice(name.length + 1);
  if (text === undefined) return fallback;
  return Math.max(least, /^\d+/.test(text) ? Number.parseInt(text, 10) : 0);
}

/**
 * The names to query, in order: the name as written first when it has enough dots, then with each suffix (also after
 * NXDOMAIN), and as written last otherwise. A trailing dot ends the search. Empty for a name that Go never queries:
 * one that is not a host name, or is below `.onion`.
 */
export function namesToTry(name: string, { search, ndots }: ResolvConf): readonly string[] {
  if (!isDomainName(name)) return [];
  if (name.endsWith('.')) return [name.slice(0, -1)].filter(isQueryable);
  const dots = name.split('.').length - 1;
  const expanded = search.map((suffix) => `${name}.${suffix}`);
  return (dots >= ndots ? [name, ...expanded] : [...expanded, name]).filter(isQueryable);
}

function isQueryable(name: string): boolean {
  return name.length < MAX_NAME_LENGTH && !name.toLowerCase().endsWith('.onion');
}

/** Go's `isDomainName`: letters, digits, `-` and `_`, and not digits alone. No international names. */
function isDomainName(name: string): boolean {
  const bare = name.replace(/\.$/, '');
  const labels = bare.split('.');
  return (
    bare.length < MAX_NAME_LENGTH &&
    /[a-z_-]/i.test(bare) &&
    labels.every((label) => label.length <= MAX_LABEL_LENGTH && /^\w(?:[\w-]*\w)?$/.test(label))
  );
}
