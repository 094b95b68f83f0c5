/** Short names of a certificate for use in a sentence, and whether it is self-signed. */
import type { X509Certificate } from 'node:crypto';

export function isSelfSigned(certificate: X509Certificate): boolean {
  return certificate.subject === certificate.issuer && certificate.verify(certificate.publicKey);
}

/** `CN=Example Root CA`: the common name, or the whole subject on one line. */
export function subjectOf(certificate: X509Certificate): string {
  return shortName(certificate.subject);
}

/** The issuer's name in the same form. */
export function issuerOf(certificate: X509Certificate): string {
  return shortName(certificate.issuer);
}

function shortName(name: string | undefined): string {
  const lines = (name ?? '').split('\n');
  return lines.find((line) => line.startsWith('CN=')) ?? lines.join(', ');
}
