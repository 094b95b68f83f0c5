/** Explains why no path leads from a certificate to an anchor, and whether the server or the runner must be changed. */
import type { X509Certificate } from 'node:crypto';

import type { Rejection } from './certificate-path.ts';
import { rsaBitsOf } from './certificate-path.ts';
import type { CertificateProblem } from './certificate-problem.ts';
import { notAcceptableProblem } from './certificate-problem.ts';
import { isSelfSigned, issuerOf, subjectOf } from './certificate-text.ts';

export function trustProblem(
  leaf: X509Certificate,
  others: readonly X509Certificate[],
  anchors: readonly X509Certificate[],
  rejections: readonly Rejection[],
): CertificateProblem {
  if (isSelfSigned(leaf)) {
    return { code: 'self-signed', text: `the certificate ${subjectOf(leaf)} is self-signed` };
  }
  // An issuer that is present and not valid cannot be repaired by another CA file.
  const refused = rejections.find(({ why }) => why !== 'other-key');
  if (refused !== undefined) return notAcceptableProblem(rejectionText(refused));
  const top = topOf(leaf, others);
  const issuer = issuerOf(top);
  // The chain ends before any root: the issuer of its last member was not sent and is not trusted here.
  const knowsRoot = anchors.some((anchor) => anchor.subject === top.issuer);
  if (others.length === 0 && !knowsRoot && mayHaveKnownRoot(leaf, anchors)) {
    return {
      code: 'missing-intermediate',
      text: `the server sent only its own certificate; its issuer ${issuer} was not sent and is not known on this host`,
    };
  }
  const root = isSelfSigned(top) ? subjectOf(top) : issuer;
  const where = knowsRoot
    ? 'of which this host trusts only one with another key'
    : "which is in neither the system bundle nor the runner's CA file";
  const text = `chain of ${others.length + 1}, signed by ${root}, ${where}`;
  return { code: 'unknown-authority', text };
}

function rejectionText({ child, parent, why }: Rejection): string {
  const issuer = `the issuer ${subjectOf(parent)}`;
  switch (why) {
    case 'no-authority':
      return `${issuer} is not a certificate authority (no CA:TRUE)`;
    case 'key-usage':
      return `${issuer} may not sign certificates (key usage)`;
    case 'weak-signature':
      return `${subjectOf(child)} is signed with ${child.signatureAlgorithm ?? 'a weak algorithm'}, which Go rejects`;
    case 'weak-key':
      return `${issuer} has an RSA key of only ${rsaBitsOf(parent) ?? 0} bits`;
    case 'other-key':
      return `${issuer} has a different key than the one that signed ${subjectOf(child)}`;
  }
}

/**
 * Whether the missing issuer is probably an intermediate of a known root: the certificate has a URL of its issuer, or
 * the issuer has the organisation of a known root. Without either, a single certificate counts as one of a private
 * root.
 */
function mayHaveKnownRoot(leaf: X509Certificate, anchors: readonly X509Certificate[]): boolean {
  const organisation = organisationOf(leaf.issuer);
  return (
    /CA Issuers - URI:/.test(leaf.infoAccess ?? '') ||
    (organisation !== undefined &&
      anchors.some((anchor) => organisationOf(anchor.subject) === organisation))
  );
}

function organisationOf(name: string): string | undefined {
  return name.split('\n').find((line) => line.startsWith('O='));
}

/** The last member that the sent certificates lead to. */
function topOf(leaf: X509Certificate, others: readonly X509Certificate[]): X509Certificate {
  let top = leaf;
  for (const _ of others) {
    const next = others.find((other) => other !== top && top.checkIssued(other));
    if (next === undefined || isSelfSigned(top)) return top;
    top = next;
  }
  return top;
}
