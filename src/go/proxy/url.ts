/**
 * Parses a proxy's URL as Go does (Go 1.26: net/url, Parse). The platform's URL class repairs what Go rejects (`^`,
 * blanks and `%` in a password) and rejects what Go accepts (an unescaped `#`), so it cannot tell which proxy the
 * runner uses.
 */
import { isIPv6 } from 'node:net';

export interface GoUrl {
  /** In lower case; empty when there is none. */
  readonly scheme: string;
  /** Without brackets; empty when there is none. */
  readonly host: string;
  /** Empty when there is none. */
  readonly port: string;
  readonly user?: { readonly name: string; readonly password: string };
}

// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const CONTROL = /[\x00-\x1f\x7f]/;
const SCHEME = /^(?<scheme>[a-z][a-z0-9+.-]*):(?<rest>[^]*)$/i;
const USER_INFO = /^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/;
const HOST = /^(?:[A-Za-z0-9\-._~!$&'()*+,;=:[\]<>"]|[\u0080-\uffff])*$/;
const OPTIONAL_PORT = /^(?::\d*)?$/;

/** `undefined` where Go's parser gives an error. */
export function parseLikeGo(text: string): GoUrl | undefined {
  const [main, fragment] = splitAt(text, '#');
  if (CONTROL.test(text) || main.startsWith(':') || !hasValidEscapes(fragment)) return undefined;
  const { scheme = '', rest = main } = SCHEME.exec(main)?.groups ?? {};
  const [location] = splitAt(rest, '?');
  const nothing = { scheme: scheme.toLowerCase(), host: '', port: '' };
  if (location.startsWith('/')) return parseAuthorityPart(location, nothing);
  const isPath = hasValidEscapes(location) && !splitAt(location, '/')[0].includes(':');
  return scheme !== '' || isPath ? nothing : undefined;
}

function parseAuthorityPart(location: string, nothing: GoUrl): GoUrl | undefined {
  const hasAuthority =
    location.startsWith('//') && (nothing.scheme !== '' || !location.startsWith('///'));
  const [authority, path] = hasAuthority ? splitAt(location.slice(2), '/') : ['', location];
  const parts = hasValidEscapes(path) ? parseAuthority(authority, nothing.scheme) : undefined;
  return parts === undefined ? undefined : { ...nothing, ...parts };
}

type Authority = Pick<GoUrl, 'host' | 'port' | 'user'>;

function parseAuthority(authority: string, scheme: string): Authority | undefined {
  const at = authority.lastIndexOf('@');
  const parsed = parseHost(authority.slice(at + 1), scheme);
  if (parsed === undefined || at === -1) return parsed;
  const info = authority.slice(0, at);
  if (!USER_INFO.test(info) || !hasValidEscapes(info)) return undefined;
  const [name, password] = splitAt(info, ':');
  return { ...parsed, user: { name: unescape(name), password: unescape(password) } };
}

function parseHost(text: string, scheme: string): Authority | undefined {
  if (!HOST.test(text) || text.lastIndexOf('[') > 0) return undefined;
  if (text.startsWith('[')) {
    const end = text.lastIndexOf(']');
    const host = text.slice(1, end);
    return end !== -1 && isIPv6(host) ? withPort(host, text.slice(end + 1)) : undefined;
  }
  // Several colons are rejected for http and https only; other schemes use the last one.
  const isStrict = scheme === 'http' || scheme === 'https';
  const colon = isStrict ? text.indexOf(':') : text.lastIndexOf(':');
  return colon === -1 ? withPort(text, '') : withPort(text.slice(0, colon), text.slice(colon));
}

function withPort(host: string, colonPort: string): Authority | undefined {
  return OPTIONAL_PORT.test(colonPort) ? { host, port: colonPort.slice(1) } : undefined;
}

/** The text before and after the first separator; the second part is empty when there is none. */
function splitAt(text: string, separator: string): readonly [string, string] {
  const index = text.indexOf(separator);
  return index === -1 ? [text, ''] : [text.slice(0, index), text.slice(index + separator.length)];
}

/** Every `%` is followed by two hexadecimal digits. */
function hasValidEscapes(text: string): boolean {
  return !/%(?![0-9a-f]{2})/i.test(text);
}

function unescape(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
