/** Is a certificate valid for this host? Go's `VerifyHostname`: subject alternative names only. */
import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';

import { fieldsOf } from './certificate-fields.ts';

export type HostCheck = 'ok' | 'no-san' | 'mismatch' | 'no-ip-san';

/** Names of the certificate by kind. */
export function namesOf(certificate: X509Certificate): {
  readonly dns: readonly string[];
  readonly ip: readonly string[];
} {
  const items = (certificate.subjectAltName ?? '').split(/, (?=[A-Za-z ]+:)/);
  const ip = items.filter((item) => item.startsWith('IP Address:'));
  return {
    dns: fieldsOf(certificate).names.dns,
    ip: ip.map((item) => item.slice('IP Address:'.length)),
  };
}

export function checkHost(certificate: X509Certificate, host: string): HostCheck {
  const { dns, ip } = fieldsOf(certificate).names;
  const hasNames = dns.length > 0 || ip.length > 0;
  if (isIP(host) !== 0) {
    if (certificate.checkIP(host) !== undefined) return 'ok';
    return hasNames ? 'no-ip-san' : 'no-san';
  }
  if (!hasNames) return 'no-san';
  return dns.some((pattern) => isMatch(pattern.toLowerCase(), host.toLowerCase()))
    ? 'ok'
    : 'mismatch';
}

/** A wildcard, and a dot at the end of the host, count only in well-formed names. */
function isMatch(pattern: string, host: string): boolean {
  const name = host.replace(/\.$/, '');
  if (!isWellFormed(name) || !isWellFormed(pattern.replace(/^\*\./, ''))) {
    return pattern === host && host !== '' && host !== '.';
  }
  if (!pattern.startsWith('*.')) return pattern === name;
  // `*` matches exactly one label, and only as the whole first one.
  const dot = name.indexOf('.');
  return dot > 0 && name.slice(dot) === pattern.slice(1);
}

function isWellFormed(name: string): boolean {
  return name.split('.').every((label) => /^[a-z0-9_][a-z0-9_-]*$/.test(label));
}
