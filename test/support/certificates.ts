/**
 * Certificates with any valid or faulty field that a test wants: any key, any serial, any extension, dates. Written as
 * DER, since neither Node nor node-forge can make most of these; signed by Node.
 */
import type { KeyObject } from 'node:crypto';
import { generateKeyPairSync, sign } from 'node:crypto';

export interface Keys {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** Constraints take `example.com` and `10.0.0.0/255.0.0.0`. */
export interface NameTree {
  readonly dns?: readonly string[];
  readonly ip?: readonly string[];
  readonly uri?: readonly string[];
  readonly email?: readonly string[];
}

export interface Shape extends NameTree {
  readonly name: string;
  readonly organisation?: string;
  readonly from?: Date;
  readonly until?: Date;
  readonly serial?: bigint;
  readonly keys?: Keys;
  readonly version?: 1 | 3;
  readonly digest?: 'sha256' | 'sha1';
  /** CA:TRUE or CA:FALSE; no basic constraints at all when absent. */
  readonly isAuthority?: boolean;
  readonly pathLength?: number;
  readonly keyUsage?: 'sign-certificates' | 'sign-data';
  readonly extendedUsages?: readonly ('server' | 'client' | 'any')[];
  readonly permitted?: NameTree;
  readonly excluded?: NameTree;
  /** An unknown critical extension. */
  readonly hasUnknownCritical?: boolean;
  /** `CA Issuers` of the authority information access. */
  readonly issuerUrl?: string;
}

export interface MadeCertificate {
  readonly pem: string;
  readonly der: Buffer;
  readonly keyPem: string;
  readonly keys: Keys;
  readonly subject: Buffer;
}

const DAY = 86_400_000;

export function daysFromNow(days: number): Date {
  return new Date(Date.now() + days * DAY);
}

export function ecKeys(namedCurve = 'prime256v1'): Keys {
  return generateKeyPairSync('ec', { namedCurve });
}

export function rsaKeys(modulusLength: number): Keys {
  return generateKeyPairSync('rsa', { modulusLength });
}

/** An authority signed by itself. */
export function makeRoot(shape: Shape): MadeCertificate {
  return make({ isAuthority: true, ...shape });
}

/** Signed by `by`; self-signed without it. */
export function make(shape: Shape, by?: MadeCertificate): MadeCertificate {
  const keys = shape.keys ?? ecKeys();
  const subject = nameOf(shape);
  const signer = by?.keys.privateKey ?? keys.privateKey;
  const digest = shape.digest ?? 'sha256';
  const algorithm = algorithmOf(signer, digest);
  const tbs = unsignedPart(shape, keys, [algorithm, by?.subject ?? subject, subject]);
  const isPlain = signer.asymmetricKeyType === 'ed25519';
  const der = sequence(tbs, algorithm, bits(sign(isPlain ? null : digest, tbs, signer)));
  const keyPem = keys.privateKey.export({ type: 'pkcs8', format: 'pem' });
  return { pem: pemOf(der), der, keyPem, keys, subject };
}

function unsignedPart(
  { version = 3, serial = nextSerial(), from, until, ...shape }: Shape,
  keys: Keys,
  [algorithm, issuer, subject]: readonly [Buffer, Buffer, Buffer],
): Buffer {
  const [marked, extensions] =
    version === 1
      ? [[], []]
      : [[tlv(0xa0, integer(2n))], [tlv(0xa3, sequence(...extensionsOf(shape)))]];
  return sequence(
    ...marked,
    integer(serial),
    algorithm,
    issuer,
    sequence(time(from ?? daysFromNow(-1)), time(until ?? daysFromNow(365))),
    subject,
    keys.publicKey.export({ type: 'spki', format: 'der' }),
    ...extensions,
  );
}

export function pemOf(der: Buffer, label = 'CERTIFICATE'): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

let lastSerial = 0x1000n;

function nextSerial(): bigint {
  lastSerial += 1n;
  return lastSerial;
}

function tlv(tag: number, ...bodies: readonly Buffer[]): Buffer {
  const body = Buffer.concat(bodies);
  if (body.length < 0x80) return Buffer.concat([Buffer.from([tag, body.length]), body]);
  const length = Buffer.from(
    body.length
      .toString(16)
      .padStart(8, '0')
      .replace(/^(00)+/, ''),
    'hex',
  );
  return Buffer.concat([Buffer.from([tag, 0x80 + length.length]), length, body]);
}

function sequence(...items: readonly Buffer[]): Buffer {
  return tlv(0x30, ...items);
}

/** Two's complement in as few octets as do. */
function integer(value: bigint): Buffer {
  let size = 1;
  while (BigInt.asIntN(size * 8, value) !== value) size += 1;
  const hex = BigInt.asUintN(size * 8, value).toString(16);
  return tlv(0x02, Buffer.from(hex.padStart(size * 2, '0'), 'hex'));
}

function bits(body: Buffer, unused = 0): Buffer {
  return tlv(0x03, Buffer.from([unused]), body);
}

function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  const bytes = [first * 40 + second, ...rest].flatMap((part) => {
    const groups = [part % 128];
    for (let left = Math.floor(part / 128); left > 0; left = Math.floor(left / 128)) {
      groups.unshift(0x80 + (left % 128));
    }
    return groups;
  });
  return tlv(0x06, Buffer.from(bytes));
}

/** UTCTime until 2049, GeneralizedTime after that, as the standard requires. */
function time(date: Date): Buffer {
  const text = `${date.toISOString().replace(/\D/g, '').slice(0, 14)}Z`;
  return date.getUTCFullYear() < 2050
    ? tlv(0x17, Buffer.from(text.slice(2)))
    : tlv(0x18, Buffer.from(text));
}

function nameOf({ name, organisation }: Shape): Buffer {
  const part = (id: string, text: string): Buffer =>
    tlv(0x31, sequence(oid(id), tlv(0x0c, Buffer.from(text))));
  return sequence(
    ...(organisation === undefined ? [] : [part('2.5.4.10', organisation)]),
    part('2.5.4.3', name),
  );
}

function algorithmOf(signer: KeyObject, digest: 'sha256' | 'sha1'): Buffer {
  if (signer.asymmetricKeyType === 'ed25519') return sequence(oid('1.3.101.112'));
  if (signer.asymmetricKeyType === 'ec') {
    return sequence(oid(digest === 'sha1' ? '1.2.840.10045.4.1' : '1.2.840.10045.4.3.2'));
  }
  const id = digest === 'sha1' ? '1.2.840.113549.1.1.5' : '1.2.840.113549.1.1.11';
  return sequence(oid(id), tlv(0x05));
}

const USAGES = {
  server: '1.3.6.1.5.5.7.3.1',
  client: '1.3.6.1.5.5.7.3.2',
  any: '2.5.29.37.0',
} as const;
const TRUE = tlv(0x01, Buffer.from([0xff]));

function extensionsOf(shape: Shape): readonly Buffer[] {
  const { isAuthority, pathLength, keyUsage, extendedUsages, permitted, excluded } = shape;
  const made: Buffer[] = [];
  const add = (id: string, value: Buffer, isCritical = false): void => {
    made.push(sequence(oid(id), ...(isCritical ? [TRUE] : []), tlv(0x04, value)));
  };
  if (isAuthority !== undefined) {
    const length = pathLength === undefined ? [] : [integer(BigInt(pathLength))];
    add('2.5.29.19', sequence(...(isAuthority ? [TRUE] : []), ...length), true);
  }
  if (keyUsage !== undefined) {
    const [octet, unused] = keyUsage === 'sign-certificates' ? [0x04, 2] : [0x80, 7];
    add('2.5.29.15', bits(Buffer.from([octet]), unused), true);
  }
  const names = generalNames(shape);
  if (names.length > 0) add('2.5.29.17', sequence(...names));
  if (extendedUsages !== undefined) {
    add('2.5.29.37', sequence(...extendedUsages.map((usage) => oid(USAGES[usage]))));
  }
  if (permitted !== undefined || excluded !== undefined) {
    add('2.5.29.30', sequence(...tree(0xa0, permitted), ...tree(0xa1, excluded)), true);
  }
  if (shape.hasUnknownCritical === true) add('1.2.3.4', sequence(), true);
  if (shape.issuerUrl !== undefined) {
    const place = tlv(0x86, Buffer.from(shape.issuerUrl));
    add('1.3.6.1.5.5.7.1.1', sequence(sequence(oid('1.3.6.1.5.5.7.48.2'), place)));
  }
  return made;
}

function tree(tag: number, names: NameTree | undefined): readonly Buffer[] {
  if (names === undefined) return [];
  return [tlv(tag, ...generalNames(names).map((name) => sequence(name)))];
}

function texts(tag: number, list: readonly string[]): readonly Buffer[] {
  return list.map((text) => tlv(tag, Buffer.from(text, 'latin1')));
}

function generalNames({ dns = [], ip = [], uri = [], email = [] }: NameTree): readonly Buffer[] {
  return [
    ...texts(0x81, email),
    ...texts(0x82, dns),
    ...texts(0x86, uri),
    ...ip.map((text) => tlv(0x87, ...text.split('/').map((part) => addressBytes(part)))),
  ];
}

/** `::` counts only in front, which is all that tests need. */
function addressBytes(text: string): Buffer {
  if (!text.includes(':')) return Buffer.from(text.split('.').map(Number));
  const groups = text.split(':').filter((group) => group !== '');
  return Buffer.from(
    groups
      .map((group) => group.padStart(4, '0'))
      .join('')
      .padStart(32, '0'),
    'hex',
  );
}
