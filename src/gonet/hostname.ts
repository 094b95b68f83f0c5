/** Does a certificate speak for this host? Go's `VerifyHostname`: subject alternative names only. */
import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';

export type HostCheck = 'ok' | 'no-san' | 'mismatch' | 'no-ip-san';

/** Names of the certificate by kind. */
export function namesOf(certificate: X509Certificate): {
  readonly dns: readonly string[];
  readonly ip: readonly string[];
} {
  const items = (certificate.subjectAltName ?? '').split(/, (?=[A-Za-z ]+:)/);
  const pick = (kind: string): readonly string[] =>
    items.filter((item) => item.startsWith(kind)).map((item) => item.slice(kind.length));
  return { dns: pick('DNS:'), ip: pick('IP Address:') };
}

export function checkHost(certificate: X509Certificate, host: string): HostCheck {
  const name = host.replace(/\.$/, '').toLowerCase();
  const { dns, ip } = namesOf(certificate);
  if (isIP(name) !== 0) {
    if (certificate.checkIP(name) !== undefined) return 'ok';
    return dns.length === 0 && ip.length === 0 ? 'no-san' : 'no-ip-san';
  }
  if (dns.length === 0 && ip.length === 0) return 'no-san';
  return dns.some((pattern) => isNameMatch(pattern.toLowerCase().replace(/\.$/, ''), name))
    ? 'ok'
    : 'mismatch';
}

/** `*` stands for exactly one label, and only as the whole first one. */
function isNameMatch(pattern: string, name: string): boolean {
  if (!pattern.startsWith('*.')) return pattern === name;
  const dot = name.indexOf('.');
  return dot > 0 && name.slice(dot) === pattern.slice(1);
}
