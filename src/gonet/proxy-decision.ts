/**
 * Which way does a request leave this host? Go's `http.ProxyFromEnvironment` over the environment of the
 * runner's process (network reference, section 4), which is read once per process.
 *
 * Differs from curl and from most libraries: upper case wins over lower case, ALL_PROXY is not known,
 * `.example.com` does not match `example.com`, and a CIDR matches only addresses written as such.
 */
import { BlockList, isIP } from 'node:net';

import { Secret } from '../core/secret.ts';
import type { ProxyDecision } from '../core/target.ts';

type Environment = Readonly<Record<string, string>>;

const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  'http:': 80,
  'https:': 443,
  'socks5:': 1080,
  'socks5h:': 1080,
};

/** The decision for one URL. Never throws; a value that Go cannot parse means direct, as in Go. */
export function decideProxy(url: URL, environment: Environment): ProxyDecision {
  const scheme = url.protocol === 'https:' ? 'HTTPS' : 'HTTP';
  const variable = firstSet(environment, `${scheme}_PROXY`);
  if (variable === undefined) return direct(`${scheme}_PROXY is not set`);
  // Go refuses HTTP_PROXY in a CGI environment, where a client could have set it by a header.
  if (scheme === 'HTTP' && (environment['REQUEST_METHOD'] ?? '') !== '') {
    return direct('HTTP_PROXY is refused, because REQUEST_METHOD is set (CGI)');
  }
  const proxy = parseProxy(environment[variable] ?? '');
  if (proxy === undefined) return direct(`${variable} cannot be parsed as a URL and is ignored`);
  const exempt = exemption(url, environment);
  return exempt === undefined ? decisionOf(proxy, variable) : direct(exempt);
}

function direct(because: string): ProxyDecision {
  return { kind: 'direct', because };
}

/** Upper case first, then lower case; an empty value counts as not set. */
function firstSet(environment: Environment, name: string): string | undefined {
  return [name, name.toLowerCase()].find((key) => (environment[key] ?? '') !== '');
}

/** A value without a scheme gets `http://`; anything with one of the known schemes is taken as it is. */
function parseProxy(value: string): URL | undefined {
  const hasScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(value);
  const text = hasScheme ? value : `http://${value}`;
  // Only http, https and ws are "special" to the URL class; the others keep an unparsed host.
  const url = URL.parse(text);
  return url === null || url.hostname === '' ? undefined : url;
}

function decisionOf(proxy: URL, variable: string): ProxyDecision {
  const { username, password, hostname } = proxy;
  const credentials =
    username === ''
      ? undefined
      : { user: decoded(username), password: new Secret(decoded(password)) };
  return {
    kind: 'proxy',
    scheme: schemeOf(proxy.protocol),
    host: withoutBrackets(hostname),
    port: proxy.port === '' ? (DEFAULT_PORTS[proxy.protocol] ?? 80) : Number(proxy.port),
    ...(credentials === undefined ? {} : { credentials }),
    variable,
  };
}

/** An unknown scheme is used as if it were http. */
function schemeOf(protocol: string): 'http' | 'https' | 'socks5' {
  if (protocol === 'https:') return 'https';
  return protocol === 'socks5:' || protocol === 'socks5h:' ? 'socks5' : 'http';
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Why this URL is exempt from the proxy, or `undefined` when it is not. */
function exemption(url: URL, environment: Environment): string | undefined {
  const host = withoutBrackets(url.hostname);
  if (host === 'localhost' || isLoopback(host)) return `${host} is never proxied`;
  const variable = firstSet(environment, 'NO_PROXY');
  if (variable === undefined) return undefined;
  const port = url.port === '' ? (DEFAULT_PORTS[url.protocol] ?? 80) : Number(url.port);
  const entries = (environment[variable] ?? '')
    .split(',')
    .map((entry) => entry.trim().toLowerCase());
  const match = entries.find((entry) => entry !== '' && isMatch(entry, host, port));
  return match === undefined ? undefined : `${variable} has "${match}", which matches ${host}`;
}

function isLoopback(host: string): boolean {
  return (isIP(host) === 4 && host.startsWith('127.')) || (isIP(host) === 6 && host === '::1');
}

function isMatch(entry: string, host: string, port: number): boolean {
  if (entry === '*') return true;
  if (isIP(host) !== 0 && isCidrMatch(entry, host)) return true;
  const { name, port: wanted } = splitPort(entry);
  if (wanted !== undefined && wanted !== port) return false;
  if (isIP(name) !== 0) return isIP(host) !== 0 && isSameAddress(name, host);
  return isNameMatch(name, host.toLowerCase());
}

/** `foo.com` matches itself and what is below it; `.foo.com` and `*.foo.com` only what is below. */
function isNameMatch(name: string, host: string): boolean {
  const suffix = name.startsWith('*.') ? name.slice(1) : name;
  if (suffix.startsWith('.')) return host.endsWith(suffix);
  return host === suffix || host.endsWith(`.${suffix}`);
}

function splitPort(entry: string): { readonly name: string; readonly port: number | undefined } {
  const bracketed = /^\[(?<name>[^\]]+)\](?::(?<port>\d+))?$/.exec(entry);
  const plain = isIP(entry) === 6 ? null : /^(?<name>[^:]+):(?<port>\d+)$/.exec(entry);
  const groups = (bracketed ?? plain)?.groups;
  const { name = entry, port } = groups ?? {};
  return { name, port: port === undefined ? undefined : Number(port) };
}

function isCidrMatch(entry: string, host: string): boolean {
  const [network = '', prefix = ''] = entry.split('/', 2);
  const family = isIP(network);
  if (family === 0 || family !== isIP(host) || !/^\d{1,3}$/.test(prefix)) return false;
  if (Number(prefix) > (family === 4 ? 32 : 128)) return false;
  // Node's class compares addresses by value, not as text: `::1` and `0:0::1` are the same.
  const list = new BlockList();
  list.addSubnet(network, Number(prefix), familyName(family));
  return list.check(host, familyName(family));
}

function isSameAddress(a: string, b: string): boolean {
  const family = isIP(a);
  if (family !== isIP(b)) return false;
  const list = new BlockList();
  list.addAddress(a, familyName(family));
  return list.check(b, familyName(family));
}

function familyName(family: number): 'ipv4' | 'ipv6' {
  return family === 4 ? 'ipv4' : 'ipv6';
}

function withoutBrackets(host: string): string {
  return host.startsWith('[') ? host.slice(1, -1) : host;
}
