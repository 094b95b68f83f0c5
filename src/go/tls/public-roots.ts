/**
 * The authorities that browsers trust, which the images of all distributions bring: those that Node was built with. Beside an
 * image that cannot be seen, only they and a file that both containers have are known to be trusted there.
 */
import { createHash } from 'node:crypto';
import type { X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';

let known: ReadonlySet<string> | undefined;

export function isPublicRoot({ fingerprint256 }: X509Certificate): boolean {
  known ??= new Set(rootCertificates.map((pem) => fingerprintOf(pem)));
  return known.has(fingerprint256);
}

/** Without parsing the certificate; as Node writes it. */
function fingerprintOf(pem: string): string {
  const base64 = pem.replaceAll(/-----[^-]+-----|\s/g, '');
  const digest = createHash('sha256').update(Buffer.from(base64, 'base64')).digest('hex');
  return digest.toUpperCase().match(/../g)?.join(':') ?? '';
}
