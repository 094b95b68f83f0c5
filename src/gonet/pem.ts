/** Certificates out of PEM text as Go's `AppendCertsFromPEM` takes them (network reference, section 3.1). */
import { X509Certificate } from 'node:crypto';

const BLOCK =
  /^-----BEGIN CERTIFICATE-----\s*?\n(?<body>[A-Za-z0-9+/=\s]+?)\n-----END CERTIFICATE-----/gm;

/**
 * The certificates that can be parsed; text around blocks, other blocks and broken ones are skipped. A
 * byte order mark in front of the first BEGIN line costs that block, as it does in Go. DER gives none.
 */
export function certificatesOf(pem: string): readonly X509Certificate[] {
  return [...pem.replaceAll('\r\n', '\n').matchAll(BLOCK)].flatMap(([block]) => {
    try {
      return [new X509Certificate(block)];
    } catch {
      return [];
    }
  });
}
