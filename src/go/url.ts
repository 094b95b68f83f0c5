/**
 * Parses a URL as Go does (Go 1.26: net/url, Parse). The platform's URL class repairs what Go rejects (`^`, blanks and
 * `%` in a password), rejects what Go accepts (an unescaped `#`, a zone) and rewrites hosts (`0x7f.1`, letters, names
 * that are not ASCII), so it cannot tell which server the runner means.
 */
import { isIPv6 } from 'node:net';

export interface GoUrl {
  /** In lower case; empty when there is none. */
  readonly scheme: string;
  /** As written, without brackets and unescaped; empty when there is none. */
  readonly host: string;
  /** Empty when there is none. */
  readonly port: string;
  readonly user?: { readonly name: string; readonly password: string };
  /** Host and port as the header has them, where the host has colons and no brackets. */
  readonly bareHost?: string;
  /** Escaped as Go sends it. */
  readonly path: string;
}

// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const CONTROL = /[\x00-\x1f\x7f]/;
const SCHEME = /^(?<scheme>[a-z][a-z0-9+.-]*):(?<rest>[^]*)$/i;
const USER_INFO = /^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/;
const HOST = /^(?:[A-Za-z0-9\-._~!$&'()*+,;=:[\]<>"]|[\u0080-\uffff])*$/;
/** What a host may hold in escaped form: bytes that are not ASCII. */
const HOST_ESCAPE = /%[89a-f][0-9a-f]/gi;
const ZONE = /%25(?<zone>[^\]]+)$/;
const OPTIONAL_PORT = /^(?::\d*)?$/;

/** `undefined` where Go's parser gives an error. `severalColons`: the last of several begins the port, as before Go 1.26. */
export function parseLikeGo(text: string, severalColons?: boolean): GoUrl | undefined {
  const [main, fragment] = splitAt(text, '#');
  if (CONTROL.test(text) || main.startsWith(':') || !hasValidEscapes(fragment)) return undefined;
  const { scheme = '', rest = main } = SCHEME.exec(main)?.groups ?? {};
  const [place] = splitAt(rest, '?');
  const nothing = { scheme: scheme.toLowerCase(), host: '', port: '', path: '' };
  if (place.startsWith('/')) return parseAuthorityPart(place, nothing, severalColons);
  if (scheme !== '') return nothing;
  const isPath = hasValidEscapes(place) && !splitAt(place, '/')[0].includes(':');
  return isPath ? { ...nothing, path: escapePath(place) } : undefined;
}

function parseAuthorityPart(
  place: string,
  nothing: GoUrl,
  severalColons = false,
): GoUrl | undefined {
  const hasAuthority =
    place.startsWith('//') && (nothing.scheme !== '' || !place.startsWith('///'));
  const slash = place.indexOf('/', hasAuthority ? 2 : 0);
  const end = slash === -1 ? place.length : slash;
  const path = place.slice(end);
  const authority = hasAuthority ? place.slice(2, end) : '';
  // Several colons are rejected for http and https only; other schemes use the last one.
  const isStrict = !severalColons && ['http', 'https'].includes(nothing.scheme);
  const parts = hasValidEscapes(path) ? parseAuthority(authority, isStrict) : undefined;
  return parts === undefined ? undefined : { ...nothing, ...parts, path: escapePath(path) };
}

type Authority = Pick<GoUrl, 'host' | 'port' | 'user' | 'bareHost'>;

function parseAuthority(authority: string, isStrict: boolean): Authority | undefined {
  const at = authority.lastIndexOf('@');
  const place = parseHost(authority.slice(at + 1), isStrict);
  if (place === undefined || at === -1) return place;
  const info = authority.slice(0, at);
  if (!USER_INFO.test(info) || !hasValidEscapes(info)) return undefined;
  const [name, password] = splitAt(info, ':');
  return { ...place, user: { name: unescape(name), password: unescape(password) } };
}

function parseHost(text: string, isStrict: boolean): Authority | undefined {
  if (text.startsWith('[')) return parseAddress(text);
  if (!HOST.test(text.replaceAll(HOST_ESCAPE, '')) || text.includes('[')) return undefined;
  const colon = isStrict ? text.indexOf(':') : text.lastIndexOf(':');
  const host = unescape(colon === -1 ? text : text.slice(0, colon));
  const found = withPort(host, colon === -1 ? '' : text.slice(colon));
  return found !== undefined && host.includes(':') ? { ...found, bareHost: text } : found;
}

/** `[fe80::1%25eth0]:443`; the zone is the only part that may be escaped. */
function parseAddress(text: string): Authority | undefined {
  const end = text.lastIndexOf(']');
  const inside = text.slice(1, end);
  const { zone = '' } = ZONE.exec(inside)?.groups ?? {};
  const address = zone === '' ? inside : inside.replace(ZONE, '');
  if (end === -1 || !isIPv6(address) || address.includes('%') || !hasValidEscapes(zone)) {
    return undefined;
  }
  return withPort(zone === '' ? address : `${address}%${unescape(zone)}`, text.slice(end + 1));
}

function withPort(host: string, colonPort: string): Authority | undefined {
  return OPTIONAL_PORT.test(colonPort) ? { host, port: colonPort.slice(1) } : undefined;
}

const PATH_AS_WRITTEN = /^[A-Za-z0-9\-._~!$&'()*+,;=:@[\]/%]*$/;
const PATH_BYTE = /[A-Za-z0-9\-._~$&+,/:;=@]/;

/** A path that is in order stays as it is; of another one every byte is escaped anew. */
function escapePath(path: string): string {
  if (PATH_AS_WRITTEN.test(path)) return path;
  return [...Buffer.from(unescape(path))]
    .map((byte) => String.fromCodePoint(byte))
    .map((letter) => (PATH_BYTE.test(letter) ? letter : escapeByte(letter)))
    .join('');
}

function escapeByte(letter: string): string {
  const code = letter.codePointAt(0) ?? 0;
  return `%${code.toString(16).toUpperCase().padStart(2, '0')}`;
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
