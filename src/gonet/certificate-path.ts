/**
 * Paths from a leaf to a trusted certificate. In Go every certificate of the pool is an anchor, so a path
 * may end in an intermediate or in the leaf itself.
 */
import type { X509Certificate } from 'node:crypto';

/** More signature checks than this for one chain means somebody plays with us (Go's own limit). */
const MOST_SIGNATURE_CHECKS = 100;

/** All paths that signatures and CA flags allow; dates and names are judged by the caller. */
export function findPaths(
  leaf: X509Certificate,
  others: readonly X509Certificate[],
  anchors: readonly X509Certificate[],
): readonly (readonly X509Certificate[])[] {
  const search: Search = { others, anchors, left: { checks: MOST_SIGNATURE_CHECKS } };
  if (anchors.some((anchor) => isSame(anchor, leaf))) return [[leaf]];
  return extend([leaf], search);
}

interface Search {
  readonly others: readonly X509Certificate[];
  readonly anchors: readonly X509Certificate[];
  readonly left: { checks: number };
}

function extend(
  path: readonly X509Certificate[],
  search: Search,
): readonly (readonly X509Certificate[])[] {
  const last = path.at(-1);
  if (last === undefined) return [];
  const ended = search.anchors
    .filter((anchor) => isIssuedBy(last, anchor, search))
    .map((anchor) => [...path, anchor]);
  const longer = search.others
    .filter((other) => !path.some((member) => isSame(member, other)))
    .filter((other) => other.ca && isIssuedBy(last, other, search))
    .flatMap((other) => extend([...path, other], search));
  return [...ended, ...longer];
}

function isIssuedBy(child: X509Certificate, parent: X509Certificate, { left }: Search): boolean {
  if (child.issuer !== parent.subject || left.checks === 0) return false;
  if (isWeaklySigned(child)) return false;
  left.checks -= 1;
  return child.verify(parent.publicKey);
}

function isSame(a: X509Certificate, b: X509Certificate): boolean {
  return a.fingerprint256 === b.fingerprint256;
}

/** Signature algorithms that Go refuses in a certificate. */
export function isWeaklySigned(certificate: X509Certificate): boolean {
  return /sha1|md5|md2/i.test(certificate.signatureAlgorithm ?? '');
}
