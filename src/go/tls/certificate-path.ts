/**
 * Finds the paths from a leaf to a trusted certificate. In Go every certificate of the pool is an anchor, so a path
 * may end in an intermediate or in the leaf itself.
 */
import type { X509Certificate } from 'node:crypto';

import type { GoSettings } from '../settings.ts';
import { NEWEST_GO } from '../settings.ts';
import { fieldsOf } from './certificate-fields.ts';

/** Go's own limit against chains that are built to cost time. */
const MAX_SIGNATURE_CHECKS = 100;
/** Go's RSA verification refuses less. */
const MIN_RSA_BITS = 1024;

/** `child` names `parent` as its issuer, and Go rejects the signature for this reason. */
export interface Rejection {
  readonly child: X509Certificate;
  readonly parent: X509Certificate;
  readonly why: 'no-authority' | 'key-usage' | 'weak-signature' | 'weak-key' | 'other-key';
}

export interface PathSearch {
  /** All that signatures and CA flags allow; dates and names are judged by the caller. */
  readonly paths: readonly (readonly X509Certificate[])[];
  /** In the order of the search, to explain why there is no path. */
  readonly rejections: readonly Rejection[];
}

export function findPaths(
  leaf: X509Certificate,
  others: readonly X509Certificate[],
  anchors: readonly X509Certificate[],
  go: GoSettings = NEWEST_GO,
): PathSearch {
  if (anchors.some((anchor) => anchor.fingerprint256 === leaf.fingerprint256)) {
    return { paths: [[leaf]], rejections: [] };
  }
  const search: Search = {
    others,
    anchors,
    go,
    budget: { checks: MAX_SIGNATURE_CHECKS },
    rejections: [],
  };
  return { paths: extendPath([leaf], search), rejections: search.rejections };
}

interface Search {
  readonly others: readonly X509Certificate[];
  readonly anchors: readonly X509Certificate[];
  readonly go: GoSettings;
  readonly budget: { checks: number };
  readonly rejections: Rejection[];
}

function extendPath(
  path: readonly X509Certificate[],
  search: Search,
): readonly (readonly X509Certificate[])[] {
  const parents = (pool: readonly X509Certificate[], isAnchor: boolean) =>
    pool.filter((parent) => canExtendWith(path, parent, isAnchor, search));
  const ended = parents(search.anchors, true).map((anchor) => [...path, anchor]);
  const longer = parents(search.others, false).flatMap((other) =>
    extendPath([...path, other], search),
  );
  return [...ended, ...longer];
}

function canExtendWith(
  path: readonly X509Certificate[],
  parent: X509Certificate,
  isAnchor: boolean,
  { budget: left, rejections: seen, go }: Search,
): boolean {
  const child = path.at(-1);
  if (child === undefined || !fieldsOf(child).issuer.equals(fieldsOf(parent).subject)) return false;
  if (path.some((member) => isSameEntity(member, parent)) || left.checks === 0) return false;
  left.checks -= 1;
  const why = rejectionOf(child, parent, isAnchor, go);
  if (why !== undefined) seen.push({ child, parent, why });
  return why === undefined;
}

function rejectionOf(
  child: X509Certificate,
  parent: X509Certificate,
  isAnchor: boolean,
  go: GoSettings,
): Rejection['why'] | undefined {
  const { authority, version, maySignCertificates } = fieldsOf(parent);
  // A version 1 anchor cannot state that it is an authority; Go accepts it because it is an anchor.
  const isOldAnchor = isAnchor && version < 3 && authority === undefined;
  if (authority?.isCa !== true && !isOldAnchor) return 'no-authority';
  if (!maySignCertificates) return 'key-usage';
  if (isWeaklySigned(child, go)) return 'weak-signature';
  const bits = rsaBitsOf(parent);
  if (bits !== undefined && bits < MIN_RSA_BITS && !go.smallRsaKeys) return 'weak-key';
  return child.verify(parent.publicKey) ? undefined : 'other-key';
}

/** Go's "already in chain": the same name, key and alternative names; other fields do not matter. */
function isSameEntity(a: X509Certificate, b: X509Certificate): boolean {
  const [one, other] = [fieldsOf(a), fieldsOf(b)];
  if (!one.subject.equals(other.subject)) return false;
  if (!one.publicKeyInfo.equals(other.publicKeyInfo)) return false;
  if (one.rawNames === undefined || other.rawNames === undefined) {
    return one.rawNames === other.rawNames;
  }
  return one.rawNames.equals(other.rawNames);
}

/** Signature algorithms that Go refuses in a certificate. */
function isWeaklySigned(certificate: X509Certificate, { sha1Certificates }: GoSettings): boolean {
  const weak = sha1Certificates ? /md5|md2/i : /sha1|md5|md2/i;
  return weak.test(certificate.signatureAlgorithm ?? '');
}

/** Undefined for keys of another kind. */
export function rsaBitsOf(certificate: X509Certificate): number | undefined {
  return certificate.publicKey.asymmetricKeyDetails?.modulusLength;
}
