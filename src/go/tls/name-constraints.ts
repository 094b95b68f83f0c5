/**
 * Do the authorities of a path permit the names below them? Go's rules (crypto/x509/constraints.go): each constraint
 * applies to the alternative names of every certificate below it; a common name never counts.
 */
import type { X509Certificate } from 'node:crypto';

import type { CertificateFields, GeneralNames } from './certificate-fields.ts';
import { fieldsOf } from './certificate-fields.ts';

type Constraints = NonNullable<CertificateFields['constraints']>;

/** One clause for the first name that is not permitted, without who forbids it. `path` is leaf first. */
export function nameViolation(path: readonly X509Certificate[]): string | undefined {
  for (const [index, certificate] of path.entries()) {
    const { names } = fieldsOf(certificate);
    for (const authority of path.slice(index + 1)) {
      const { constraints } = fieldsOf(authority);
      const violation = constraints === undefined ? undefined : violationOf(names, constraints);
      if (violation !== undefined) return violation;
    }
  }
  return undefined;
}

function violationOf(names: GeneralNames, { permitted, excluded }: Constraints) {
  const kinds = [
    ...names.ip.map((ip) => createCheck(`the address ${addressText(ip)}`, ip, 'ip', coversAddress)),
    ...names.dns.map((name) => createCheck(`the name ${name}`, name, 'dns', coversName)),
    ...names.uri.map((uri) => createCheck(`the URI ${uri}`, hostOf(uri), 'uri', coversName)),
    ...names.email.map((email) => createCheck(`the address ${email}`, email, 'email', coversEmail)),
  ];
  return kinds.map((judged) => judged(permitted, excluded)).find((text) => text !== undefined);
}

type ConstraintCheck = (permitted: GeneralNames, excluded: GeneralNames) => string | undefined;

function createCheck<K extends keyof GeneralNames>(
  who: string,
  name: GeneralNames[K][number] | undefined,
  kind: K,
  covers: (constraint: GeneralNames[K][number], name: GeneralNames[K][number]) => boolean,
): ConstraintCheck {
  return (permitted, excluded) => {
    const allowed: readonly GeneralNames[K][number][] = permitted[kind];
    const forbidden: readonly GeneralNames[K][number][] = excluded[kind];
    if (name === undefined) return `${who} cannot be compared with a name constraint`;
    if (allowed.length > 0 && !allowed.some((constraint) => covers(constraint, name))) {
      return `${who} is not permitted by any name constraint`;
    }
    const isForbidden = forbidden.some(
      (constraint) => covers(constraint, name) || isWildcardOver(constraint, name),
    );
    return isForbidden ? `${who} is excluded by a name constraint` : undefined;
  };
}

/** A dot in front: only what lies below. Else the name itself as well. Empty: everything. */
function coversName(constraint: string, name: string): boolean {
  const [suffix, whole] = [constraint.toLowerCase(), name.toLowerCase()];
  if (suffix === '' || whole === suffix) return true;
  return whole.endsWith(suffix.startsWith('.') ? suffix : `.${suffix}`);
}

/** `*.example.com` could match the excluded `secret.example.com`. */
function isWildcardOver(constraint: string | Buffer, name: string | Buffer): boolean {
  if (typeof constraint !== 'string' || typeof name !== 'string') return false;
  if (!name.startsWith('*')) return false;
  const [dot, nameDot] = [constraint.indexOf('.'), name.indexOf('.')];
  if (dot < 0 || nameDot < 0) return false;
  return constraint.slice(dot).toLowerCase() === name.slice(nameDot).toLowerCase();
}

function coversEmail(constraint: string, email: string): boolean {
  if (constraint.includes('@')) return constraint.toLowerCase() === email.toLowerCase();
  return coversName(constraint, email.slice(email.lastIndexOf('@') + 1));
}

/** A constraint is an address followed by a mask of the same length. */
function coversAddress(constraint: Buffer, address: Buffer): boolean {
  if (constraint.length !== 2 * address.length) return false;
  return address.every((byte, index) => {
    const mask = constraint[address.length + index] ?? 0;
    return (byte & mask) === ((constraint[index] ?? 0) & mask);
  });
}

function hostOf(uri: string): string | undefined {
  const host = URL.parse(uri)?.hostname;
  return host === '' ? undefined : host;
}

function addressText(ip: Buffer): string {
  return ip.length === 4 ? [...ip].join('.') : (ip.toString('hex').match(/.{4}/g) ?? []).join(':');
}
