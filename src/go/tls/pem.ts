/** Reads certificates from PEM text as Go's `AppendCertsFromPEM` does: docs/reference/go-network.md#roots. */
import { X509Certificate } from 'node:crypto';

import type { GoSettings } from '../settings.ts';
import { NEWEST_GO } from '../settings.ts';
import { whyUnreadable } from './certificate-fields.ts';

const BLOCK =
  /^-----BEGIN CERTIFICATE-----\s*?\n(?<body>[A-Za-z0-9+/=\s]+?)\n-----END CERTIFICATE-----[ \t]*$/gm;

/**
 * The certificates that Go can parse; text around blocks, other blocks and broken ones are skipped. A byte
 * order mark in front of the first BEGIN line costs that block, as it does in Go, and so does a BEGIN line
 * that was glued to the END line before it. DER gives none.
 */
export function certificatesOf(
  pem: string,
  go: GoSettings = NEWEST_GO,
): readonly X509Certificate[] {
  const blocks = pem.replaceAll('\r\n', '\n').matchAll(BLOCK);
  return [...blocks].flatMap(({ groups }) => {
    const der = Buffer.from(groups?.['body'] ?? '', 'base64');
    try {
      const certificate = new X509Certificate(der);
      // Node accepts bytes after the certificate and some odd content that Go rejects.
      const isWhole = certificate.raw.length === der.length;
      return isWhole && whyUnreadable(certificate, go) === undefined ? [certificate] : [];
    } catch {
      return [];
    }
  });
}
