/** A server's certificate that is signed by its own key, and is no authority. */
import type { CertificateOptions, IssuedCertificate } from '../../src/demo/certificates.ts';
import { createAuthority } from '../../src/demo/certificates.ts';

export function selfSigned(options: CertificateOptions): IssuedCertificate {
  return createAuthority({ ...options, isAuthority: false });
}
