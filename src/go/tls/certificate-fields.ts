/**
 * Fields of a certificate that Go's rules need and Node does not expose: raw names, path length, key usage,
 * alternative names by kind, name constraints, critical extensions. Parsed once per certificate.
 */
import type { X509Certificate } from 'node:crypto';

import type { GoSettings } from '../settings.ts';
import type { DerItem } from './der.ts';
import { contextTag, derItems, oidText, TAG } from './der.ts';

/** By kind; addresses as bytes, in a constraint followed by their mask. */
export interface GeneralNames {
  readonly dns: readonly string[];
  readonly email: readonly string[];
  readonly uri: readonly string[];
  readonly ip: readonly Buffer[];
}

export interface CertificateFields {
  /** 1 to 3. */
  readonly version: number;
  readonly isSerialNegative: boolean;
  readonly issuer: Buffer;
  readonly subject: Buffer;
  readonly publicKeyInfo: Buffer;
  /** Basic constraints; absent when the certificate has none. */
  readonly authority: { readonly isCa: boolean; readonly pathLength?: number } | undefined;
  /** False when there is a key usage and signing certificates is not among it. */
  readonly maySignCertificates: boolean;
  readonly extendedUsages: readonly string[];
  /** The raw extension, to compare two certificates. */
  readonly rawNames: Buffer | undefined;
  readonly names: GeneralNames;
  readonly constraints:
    | { readonly permitted: GeneralNames; readonly excluded: GeneralNames }
    | undefined;
  /** Critical extensions that Go does not know, or whose content it does not. */
  readonly unknownCritical: readonly string[];
}

const ID = {
  keyUsage: '2.5.29.15',
  names: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  extendedUsage: '2.5.29.37',
} as const;

/** What Go's parser handles, `2.5.29.` in front. */
const HANDLED = new Set([14, 15, 17, 19, 30, 31, 32, 33, 35, 36, 37, 54].map((n) => `2.5.29.${n}`));

const known = new WeakMap<X509Certificate, CertificateFields>();

export function fieldsOf(certificate: X509Certificate): CertificateFields {
  const cached = known.get(certificate);
  if (cached !== undefined) return cached;
  const fields = readFields(certificate.raw);
  known.set(certificate, fields);
  return fields;
}

/** Curves of Go's standard library, as Node calls them. */
const GO_CURVES: readonly unknown[] = ['prime256v1', 'secp224r1', 'secp384r1', 'secp521r1'];

/** Why Go's parser rejects a certificate that Node's accepts; undefined when it does not. */
export function whyUnreadable(
  certificate: X509Certificate,
  { negativeSerials }: GoSettings,
): string | undefined {
  if (fieldsOf(certificate).isSerialNegative && !negativeSerials)
    return 'its serial number is negative';
  const { asymmetricKeyType, asymmetricKeyDetails } = certificate.publicKey;
  const curve = asymmetricKeyDetails?.namedCurve;
  if (asymmetricKeyType !== 'ec' || GO_CURVES.includes(curve)) return undefined;
  return `its key is on the curve ${curve ?? 'without a name'}`;
}

const EMPTY = Buffer.alloc(0);

const NOTHING: DerItem = { tag: 0, body: EMPTY, whole: EMPTY };

/** The order of RFC 5280: version (when it is not 1), serial, algorithm, issuer, validity, subject, key. */
function readFields(raw: Buffer): CertificateFields {
  const items = membersOf(membersOf(raw)[0]?.whole);
  const shift = items[0]?.tag === contextTag(0, true) ? 1 : 0;
  const item = (index: number): DerItem => items[index + shift] ?? NOTHING;
  const version = shift === 0 ? 0 : (items[0]?.body.at(-1) ?? 0);
  return {
    version: version + 1,
    isSerialNegative: (item(0).body[0] ?? 0) > 0x7f,
    issuer: item(2).whole,
    subject: item(4).whole,
    publicKeyInfo: item(5).whole,
    ...readKnown(readExtensions(items)),
  };
}

function readKnown(extensions: ReadonlyMap<string, Extension>) {
  const value = (id: string): Buffer | undefined => extensions.get(id)?.value;
  const rawNames = value(ID.names);
  return {
    authority: readAuthority(value(ID.basicConstraints)),
    maySignCertificates: readMaySignCertificates(value(ID.keyUsage)),
    extendedUsages: membersOf(value(ID.extendedUsage)).map(({ body }) => oidText(body)),
    rawNames,
    names: namesIn(membersOf(rawNames)),
    constraints: readConstraints(value(ID.nameConstraints)),
    unknownCritical: [...extensions]
      .filter(([id, { isCritical, value }]) => isCritical && !isHandled(id, value))
      .map(([id]) => id),
  };
}

/** Of names and their constraints Go knows mail, DNS, URI and IP; a directory name, for one, it does not. */
function isHandled(id: string, value: Buffer): boolean {
  const known = [1, 2, 6, 7].map((number) => contextTag(number));
  if (id === ID.names) return membersOf(value).some(({ tag }) => known.includes(tag));
  if (id === ID.nameConstraints) {
    const trees = membersOf(value).flatMap(({ body }) => derItems(body));
    return trees.every(({ body }) => known.includes(derItems(body)[0]?.tag ?? 0));
  }
  return HANDLED.has(id);
}

interface Extension {
  readonly isCritical: boolean;
  readonly value: Buffer;
}

function readExtensions(items: readonly DerItem[]): ReadonlyMap<string, Extension> {
  const list = items.find(({ tag }) => tag === contextTag(3, true));
  const extensions = membersOf(list?.body).map(({ body }): readonly [string, Extension] => {
    const parts = derItems(body);
    const isCritical = parts.some((part) => part.tag === TAG.boolean && part.body[0] !== 0);
    const value = parts.find((part) => part.tag === TAG.octets)?.body ?? EMPTY;
    return [oidText(parts[0]?.body ?? EMPTY), { isCritical, value }];
  });
  return new Map(extensions);
}

/** The members of the sequence that `value` is. */
function membersOf(value: Buffer | undefined): readonly DerItem[] {
  return derItems(derItems(value ?? EMPTY)[0]?.body ?? EMPTY);
}

function readAuthority(value: Buffer | undefined): CertificateFields['authority'] {
  if (value === undefined) return undefined;
  const parts = membersOf(value);
  const isCa = parts.some((part) => part.tag === TAG.boolean && part.body[0] !== 0);
  const length = parts.find((part) => part.tag === TAG.integer)?.body;
  if (length === undefined) return { isCa };
  return { isCa, pathLength: Number.parseInt(length.toString('hex'), 16) };
}

/** Bit 5 of the bit string; its first octet counts unused bits. A usage without any bit restricts nothing. */
function readMaySignCertificates(value: Buffer | undefined): boolean {
  const bits = derItems(value ?? EMPTY)[0]?.body.subarray(1) ?? EMPTY;
  if (bits.every((byte) => byte === 0)) return true;
  return ((bits[0] ?? 0) & 0x04) !== 0;
}

function namesIn(items: readonly DerItem[]): GeneralNames {
  const bodies = (number: number): readonly Buffer[] =>
    items.filter(({ tag }) => tag === contextTag(number)).map(({ body }) => body);
  const texts = (number: number): readonly string[] =>
    bodies(number).map((body) => body.toString('latin1'));
  return { email: texts(1), dns: texts(2), uri: texts(6), ip: bodies(7) };
}

function readConstraints(value: Buffer | undefined): CertificateFields['constraints'] {
  if (value === undefined) return undefined;
  const trees = membersOf(value);
  const under = (number: number): GeneralNames => {
    const tree = trees.find(({ tag }) => tag === contextTag(number, true));
    return namesIn(derItems(tree?.body ?? EMPTY).flatMap(({ body }) => derItems(body).slice(0, 1)));
  };
  return { permitted: under(0), excluded: under(1) };
}
