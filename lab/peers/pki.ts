/** The authorities of the lab and their certificates: valid for a healthy GitLab, faulty for the rows of TLS. */
import type { IssuedCertificate } from '../../src/demo/certificates.ts';
import type { MadeCertificate, Shape } from '../../test/support/certificates.ts';
import { make, makeRoot } from '../../test/support/certificates.ts';

export const GITLAB_HOST = 'gitlab.test';

/** A valid certificate of GitLab, with changes. */
export function leafShape(over: Partial<Shape> = {}): Shape {
  const dns = [GITLAB_HOST, 'alias.test', 'gitlab'];
  return { name: GITLAB_HOST, dns, isAuthority: false, extendedUsages: ['server'], ...over };
}

/** Public authorities and their intermediates bear the same name. */
export const LAB_TRUST = 'Lab Trust Services';

/** In the bundle of every host of the lab. */
export const PUBLIC_ROOT: MadeCertificate = makeRoot({
  name: 'Lab Public Root',
  organisation: LAB_TRUST,
});
/** In no bundle. */
export const PRIVATE_ROOT: MadeCertificate = makeRoot({
  name: 'Lab Private Root',
  organisation: 'Example Corporation',
});

export const GOOD = withChain(make(leafShape(), PUBLIC_ROOT));
export const FROM_PRIVATE_ROOT = withChain(make(leafShape(), PRIVATE_ROOT));

/** A certificate of the public root that differs from the good one. */
export function publicLeaf(over: Partial<Shape>): IssuedCertificate {
  return withChain(make(leafShape(over), PUBLIC_ROOT));
}

/** As a server is configured: the certificate, what it sends with it, and the key. */
export function withChain(
  leaf: MadeCertificate,
  ...chain: readonly MadeCertificate[]
): IssuedCertificate {
  const certificatePem = [leaf, ...chain].map(({ pem }) => pem).join('');
  return { certificatePem, privateKeyPem: leaf.keyPem };
}
