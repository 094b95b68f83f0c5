/**
 * Does a request leave this host directly or through a proxy? Go's `http.ProxyFromEnvironment` over the environment of
 * the runner's process (docs/reference/go-network.md#proxy), which is read once per process.
 *
 * Differs from curl and from most libraries: upper case wins over lower case, ALL_PROXY is ignored, `.example.com`
 * does not match `example.com`, and a CIDR matches only addresses written as such.
 */
import { BlockList, isIP } from 'node:net';

import { isLoopbackAddress, withoutBrackets } from '../../core/address.ts';
import type { HttpUrl } from '../../core/http-url.ts';
import { portOf } from '../../core/http-url.ts';
import { Secret } from '../../core/secret.ts';
import type { ProxyDecision } from '../../core/target.ts';
import type { GoUrl } from '../url.ts';
import { parseLikeGo } from '../url.ts';
import { nearMissOf } from './no-proxy-near-miss.ts';

type Environment = Readonly<Record<string, string>>;
type Direct = Extract<ProxyDecision, { kind: 'direct' }>;
type Proxy = Extract<ProxyDecision, { kind: 'proxy' }>;

const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  'http:': 80,
  'https:': 443,
  'socks5:': 1080,
  'socks5h:': 1080,
};

const MAX_PORT = 65_535;

/** The decision for one URL. Never throws; a value that Go cannot parse means direct, as in Go. */
export function decideProxy(url: HttpUrl, environment: Environment): ProxyDecision {
  const scheme = url.protocol === 'https:' ? 'HTTPS' : 'HTTP';
  const variable = firstSetVariable(environment, `${scheme}_PROXY`);
  if (variable === undefined) return directDecision(`${scheme}_PROXY is not set`);
  const proxy = parseProxy(environment[variable] ?? '');
  if (proxy === undefined) {
    return {
      ...directDecision(`${variable} cannot be parsed as a URL and is ignored`),
      unparsable: variable,
    };
  }
  // Go takes the process for a CGI program, in which a client could have set HTTP_PROXY by a header.
  if (scheme === 'HTTP' && (environment['REQUEST_METHOD'] ?? '') !== '') {
    const because = `Go refuses ${variable}, because REQUEST_METHOD is set (CGI)`;
    return { ...directDecision(because), refused: variable };
  }
  const exempt = exemptionOf(url, environment);
  if (exempt !== undefined) return exempt;
  const isWrong = isMisread(environment[variable] ?? '', proxy);
  return {
    ...decisionOf(proxy, variable),
    ...nearMissFor(environment, url),
    ...(isWrong ? { isMisread: true } : {}),
  };
}

function nearMissFor(environment: Environment, url: HttpUrl): Pick<Proxy, 'nearMiss'> {
  const list = environment[firstSetVariable(environment, 'NO_PROXY') ?? ''] ?? '';
  const nearMiss = nearMissOf(list, withoutBrackets(url.hostname));
  return nearMiss === undefined ? {} : { nearMiss };
}

/** What Go makes of `http://user:p#ss@proxy`, `http:proxy`, `//proxy` or a value in quotes. */
const MISREAD_HOST = /^(?:|https?|socks5h?|["'].*)$/;

/** The value has a scheme but only the second parse accepted it, or it names no host, or its port is out of range. */
function isMisread(value: string, { host, port }: GoUrl): boolean {
  const isSecondTry = value.includes('://') && parseLikeGo(value) === undefined;
  return isSecondTry || MISREAD_HOST.test(host) || Number(port) > MAX_PORT;
}

function directDecision(because: string): Direct {
  return { kind: 'direct', because };
}

/** Upper case first, then lower case; an empty value counts as not set. */
function firstSetVariable(environment: Environment, name: string): string | undefined {
  return [name, name.toLowerCase()].find((key) => (environment[key] ?? '') !== '');
}

/** `host:port` is parsed with `http://` in front; so is, as a second attempt, any value that Go cannot parse. */
function parseProxy(value: string): GoUrl | undefined {
  const url = parseLikeGo(value);
  const isWhole = url !== undefined && url.scheme !== '' && (url.host !== '' || url.port !== '');
  // The second try turns `http://user:p#ss@proxy` into a proxy named `http`: strange, and what the runner does.
  return isWhole ? url : (parseLikeGo(`http://${value}`) ?? url);
}

function decisionOf(proxy: GoUrl, variable: string): Proxy {
  const { user, scheme, port } = proxy;
  return {
    kind: 'proxy',
    scheme: schemeOf(scheme),
    // Go dials this host itself when the name is empty.
    host: proxy.host === '' ? 'localhost' : proxy.host,
    port: port === '' ? (DEFAULT_PORTS[`${scheme}:`] ?? 0) : Number(port),
    ...(user === undefined
      ? {}
      : { credentials: { user: user.name, password: new Secret(user.password) } }),
    variable,
  };
}

/** An unknown scheme is used as if it were http, but has no default port. */
function schemeOf(scheme: string): 'http' | 'https' | 'socks5' {
  if (scheme === 'https') return 'https';
  return scheme === 'socks5' || scheme === 'socks5h' ? 'socks5' : 'http';
}

/** The direct decision for a URL that is exempt from the proxy, or `undefined` when it is not. */
function exemptionOf(url: HttpUrl, environment: Environment): Direct | undefined {
  const host = withoutBrackets(url.hostname);
  if (host === 'localhost' || isLoopbackAddress(host))
    return directDecision(`${host} is never proxied`);
  const variable = firstSetVariable(environment, 'NO_PROXY');
  if (variable === undefined) return undefined;
  const port = portOf(url);
  const entries = (environment[variable] ?? '')
    .split(',')
    .map((entry) => entry.trim().toLowerCase());
  const match = entries.find((entry) => entry !== '' && isMatch(entry, host, port));
  if (match === undefined) return undefined;
  return {
    ...directDecision(`${variable} has "${match}", which matches ${host}`),
    exemptBy: variable,
  };
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

/** A bracketed address without a port is no address for Go, and matches nothing. */
function splitPort(entry: string): { readonly name: string; readonly port: number | undefined } {
  const split =
    isIP(entry) === 6 ? null : /^(?:\[(?<address>.+)\]|(?<host>[^:]+)):(?<port>\d*)$/.exec(entry);
  const { address, host, port = '' } = split?.groups ?? {};
  return { name: address ?? host ?? entry, port: port === '' ? undefined : Number(port) };
}

function isCidrMatch(entry: string, host: string): boolean {
  const [, network = '', prefix = ''] = /^([^/]+)\/(\d{1,3})$/.exec(entry) ?? [];
  const family = isIP(network);
  if (family === 0 || Number(prefix) > (family === 4 ? 32 : 128)) return false;
  // Node's class compares addresses by value, not as text: `::1` and `0:0::1` are the same.
  const list = new BlockList();
  list.addSubnet(network, Number(prefix), familyName(family));
  return list.check(host, familyName(isIP(host)));
}

function isSameAddress(a: string, b: string): boolean {
  const list = new BlockList();
  list.addAddress(a, familyName(isIP(a)));
  return list.check(b, familyName(isIP(b)));
}

function familyName(family: number): 'ipv4' | 'ipv6' {
  return family === 4 ? 'ipv4' : 'ipv6';
}
