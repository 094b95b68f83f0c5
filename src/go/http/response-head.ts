/**
 * Reads the head of an HTTP answer as Go's client does (net/http and net/textproto of Go 1.26): what it accepts and what
 * it refuses were recorded from it in test/fixtures/go-http/answers.json. Texts name a header, and never quote a value.
 */

export interface Version {
  readonly major: number;
  readonly minor: number;
}

export interface StatusLine extends Version {
  readonly status: number;
}

/** A chunked body, one of so many bytes, or one that ends with the connection. */
export type BodyForm = 'chunked' | 'to-end' | number;

export interface ResponseHead {
  readonly status: number;
  /** Names in lower case; of a repeated header the first one, as the runner reads it. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: BodyForm;
  readonly keepsOpen: boolean;
}

export interface HeadFault {
  readonly fault: 'not-http' | 'malformed';
  readonly text: string;
}

export type HeaderLine = readonly [name: string, value: string];

function malformed(text: string): HeadFault {
  return { fault: 'malformed', text };
}

const VERSION = /^HTTP\/(?<major>\d)\.(?<minor>\d)$/;
const STATUS = /^\+?\d+$/;
const STATUS_LENGTH = 3;

export function readStatusLine(line: string): StatusLine | HeadFault {
  if (!/^\s*HTTP\//.test(line)) {
    return line === ''
      ? malformed('an empty line comes before the status line')
      : { fault: 'not-http', text: 'the response does not begin with an HTTP version' };
  }
  const [version = '', ...rest] = line.split(' ');
  const parts = VERSION.exec(version)?.groups;
  if (parts === undefined) return malformed('the HTTP version in the status line is invalid');
  const [status = ''] = rest.join(' ').replace(/^ +/, '').split(' ');
  if (status.length !== STATUS_LENGTH || !STATUS.test(status))
    return malformed('the status code in the status line is not a number of three digits');
  return {
    status: Number(status),
    major: Number(parts['major']),
    minor: Number(parts['minor']),
  };
}

/** Of a name. */
const MAX_SHOWN = 60;
const TOKEN = /^[A-Za-z0-9!#$%&'*+.^_`|~ -]+$/;
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const CONTROL = /[\x00-\x08\x0a-\x1f\x7f]/;

/** The lines between the status line, or the last chunk, and the empty line. */
export function readHeaderLines(lines: readonly string[]): readonly HeaderLine[] | HeadFault {
  if (/^[ \t]/.test(lines[0] ?? ''))
    return malformed('the first header line begins with a blank, as a continuation does');
  const read: HeaderLine[] = [];
  for (const line of joinContinuations(lines)) {
    const header = readHeader(line);
    if ('fault' in header) return header;
    read.push(header);
  }
  return read;
}

/** A line that begins with a blank continues the one before. */
function joinContinuations(lines: readonly string[]): readonly string[] {
  const joined: string[] = [];
  for (const line of lines) {
    const last = joined.at(-1);
    if (/^[ \t]/.test(line) && last?.includes(':') === true) {
      joined[joined.length - 1] = `${last} ${trimBlanks(line)}`;
    } else joined.push(trimBlanks(line));
  }
  return joined;
}

function trimBlanks(text: string): string {
  return text.replaceAll(/^[ \t]+|[ \t]+$/g, '');
}

function readHeader(line: string): HeaderLine | HeadFault {
  const colon = line.indexOf(':');
  if (colon === -1) return malformed('a header line has no colon');
  const name = line.slice(0, colon);
  if (name === '') return malformed('a header has no name');
  if (!TOKEN.test(name)) return malformed('a header name contains a character that is not allowed');
  const value = trimBlanks(line.slice(colon + 1));
  const control = CONTROL.exec(value)?.[0];
  if (control === undefined) return [name.toLowerCase(), value];
  const code = (control.codePointAt(0) ?? 0).toString(16).padStart(2, '0');
  return malformed(
    `the header ${name.slice(0, MAX_SHOWN)} contains the control character 0x${code}`,
  );
}

/** What the head says of the body, judged in Go's order: the encoding, the length, the trailer. */
export function readHead(
  line: StatusLine,
  lines: readonly HeaderLine[],
  emptyLengths = false,
): ResponseHead | HeadFault {
  const form = bodyForm(line, lines, emptyLengths);
  if (typeof form === 'object') return form;
  const { status } = line;
  const body = hasNoBody(status) ? 0 : form;
  const keepsOpen = body !== 'to-end' && status !== SWITCHING && !isLastAnswer(line, lines);
  return { status, headers: firstOfEach(lines), body, keepsOpen };
}

const SWITCHING = 101;

export function isInterim(status: number): boolean {
  return status >= 100 && status < 200 && status !== SWITCHING;
}

function hasNoBody(status: number): boolean {
  return (status >= 100 && status < 200) || status === 204 || status === 304;
}

function valuesOf(lines: readonly HeaderLine[], wanted: string): readonly string[] {
  return lines.flatMap(([name, value]) => (name === wanted ? [value] : []));
}

function firstOfEach(lines: readonly HeaderLine[]): Readonly<Record<string, string>> {
  return Object.fromEntries(lines.toReversed());
}

const MAX_LENGTH = 2n ** 63n;

function bodyForm(
  line: StatusLine,
  lines: readonly HeaderLine[],
  emptyLengths: boolean,
): BodyForm | HeadFault {
  const encodings = isBefore11(line) ? [] : valuesOf(lines, 'transfer-encoding');
  if (encodings.length > 1) return malformed('there are several headers Transfer-Encoding');
  const [encoding] = encodings;
  if (encoding !== undefined && encoding.toLowerCase() !== 'chunked')
    return malformed('Transfer-Encoding is not "chunked", which is all that the runner reads');
  const length = lengthIn(lines, emptyLengths);
  if (typeof length === 'object') return length;
  if (encoding !== undefined) return trailerFault(lines) ?? 'chunked';
  return length ?? 'to-end';
}

function lengthIn(
  lines: readonly HeaderLine[],
  emptyLengths: boolean,
): number | undefined | HeadFault {
  const lengths = new Set(valuesOf(lines, 'content-length'));
  if (lengths.size > 1) return malformed('there are headers Content-Length with different values');
  const [length] = lengths;
  if (length === undefined || (length === '' && emptyLengths)) return undefined;
  const isNumber = /^\d+$/.test(length) && BigInt(length) < MAX_LENGTH;
  return isNumber ? Number(length) : malformed('Content-Length is not a number');
}

/** Headers that a trailer must not announce. */
const NO_TRAILER = /^(?:transfer-encoding|trailer|content-length)$/i;

function trailerFault(lines: readonly HeaderLine[]): HeadFault | undefined {
  const announced = valuesOf(lines, 'trailer').flatMap((value) => value.split(',').map(trimBlanks));
  return announced.some((name) => NO_TRAILER.test(name))
    ? malformed('Trailer announces a header that a trailer must not have')
    : undefined;
}

function isBefore11({ major, minor }: Version): boolean {
  return major < 1 || (major === 1 && minor < 1);
}

function isLastAnswer(line: StatusLine, lines: readonly HeaderLine[]): boolean {
  const options = valuesOf(lines, 'connection')
    .flatMap((value) => value.split(','))
    .map((option) => trimBlanks(option).toLowerCase());
  if (options.includes('close')) return true;
  return isBefore11(line) && !options.includes('keep-alive');
}
