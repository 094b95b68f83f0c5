/** The parts of the rows of the acceptance table: a root, its leaf and variations of both. */
import type { TlsOptions } from 'node:tls';

import type { MadeCertificate, Shape } from './certificates.ts';
import { make, makeRoot } from './certificates.ts';

export interface AcceptanceCase {
  readonly row: string;
  readonly chain: readonly [MadeCertificate, ...MadeCertificate[]];
  readonly trusted: readonly MadeCertificate[];
  /** In place of `gitlab.test`. */
  readonly host?: string;
  readonly server?: TlsOptions;
  readonly want: 'accepted' | RefusedAs;
  /** Part of the detail. */
  readonly detail?: string;
}

type RefusedAs =
  | 'unknown-authority'
  | 'self-signed'
  | 'missing-intermediate'
  | 'expired'
  | 'intermediate-expired'
  | 'not-yet-valid'
  | 'name-mismatch'
  | 'no-san'
  | 'not-acceptable'
  | 'protocol-unsupported';
export const LEAF: Shape = { name: 'gitlab.test', dns: ['gitlab.test'], isAuthority: false };
export const root = makeRoot({ name: 'Test Root' });
export const trusted: readonly MadeCertificate[] = [root];
export const leaf = make(LEAF, root);

/** Signed by the root, with this in place of the usual. */
export function leafWith(over: Partial<Shape>): readonly [MadeCertificate] {
  return [make({ ...LEAF, ...over }, root)];
}

/** A leaf under an intermediate that is made like this, both sent. */
export function under(
  over: Partial<Shape>,
  by: MadeCertificate = root,
  leafOver: Partial<Shape> = {},
): readonly [MadeCertificate, MadeCertificate] {
  const issuer = make({ name: 'Odd Issuing', isAuthority: true, ...over }, by);
  return [make({ ...LEAF, ...leafOver }, issuer), issuer];
}

/** A root made like this is trusted, and its leaf sent. */
export function rootWith(over: Partial<Shape>): Pick<AcceptanceCase, 'chain' | 'trusted'> {
  const odd = make({ name: 'Odd Root', ...over });
  return { chain: [make(LEAF, odd)], trusted: [odd] };
}
