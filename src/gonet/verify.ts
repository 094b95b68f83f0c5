/**
 * Would the runner accept this chain? Go 1.26's verification (network reference, section 3.4) over the
 * certificates as the server sent them: every path from the leaf to an anchor is tried, and when none is
 * good, all that is wrong with the best one is reported, not only the first thing.
 */
import type { X509Certificate } from 'node:crypto';

import type { Instant } from '../core/clock.ts';
import { findPaths, isWeaklySigned } from './certificate-path.ts';
import type { HostCheck } from './hostname.ts';
import { checkHost, namesOf } from './hostname.ts';

export type ProblemCode =
  | 'unknown-authority'
  | 'self-signed'
  | 'missing-intermediate'
  | 'expired'
  | 'intermediate-expired'
  | 'not-yet-valid'
  | 'name-mismatch'
  | 'no-san'
  | 'not-acceptable';

export interface CertificateProblem {
  readonly code: ProblemCode;
  /** One clause with the values: `the leaf expired on 2026-01-02`. */
  readonly text: string;
}

export interface VerifyRequest {
  /** As sent by the server, leaf first. */
  readonly sent: readonly X509Certificate[];
  readonly anchors: readonly X509Certificate[];
  readonly host: string;
  readonly now: Instant;
}

/** Empty when the runner would accept; in the order in which they should be repaired. */
export function verifyLikeGo({
  sent,
  anchors,
  host,
  now,
}: VerifyRequest): readonly CertificateProblem[] {
  const [leaf, ...others] = sent;
  if (leaf === undefined)
    return [{ code: 'not-acceptable', text: 'the server sent no certificate' }];
  const paths = findPaths(leaf, others, anchors);
  const judged = paths.map((path) => pathProblems(path, now));
  const best = judged.toSorted((a, b) => a.length - b.length)[0];
  const chain = best ?? trustProblems(leaf, others, anchors, now);
  return [...chain, ...leafProblems(leaf), ...hostProblems(leaf, host)];
}

function pathProblems(
  path: readonly X509Certificate[],
  now: Instant,
): readonly CertificateProblem[] {
  return path.flatMap((certificate, index) => dateProblems(certificate, index, now));
}

function dateProblems(
  certificate: X509Certificate,
  index: number,
  now: Instant,
): readonly CertificateProblem[] {
  const { validFromDate, validToDate } = certificate;
  const who = index === 0 ? 'the certificate' : `the issuer ${subjectOf(certificate)}`;
  if (validToDate.getTime() < now) {
    const code = index === 0 ? 'expired' : 'intermediate-expired';
    return [{ code, text: `${who} expired on ${validToDate.toISOString()}` }];
  }
  if (validFromDate.getTime() <= now) return [];
  return [
    { code: 'not-yet-valid', text: `${who} is valid only from ${validFromDate.toISOString()}` },
  ];
}

/** No path leads to an anchor: why not? */
function trustProblems(
  leaf: X509Certificate,
  others: readonly X509Certificate[],
  anchors: readonly X509Certificate[],
  now: Instant,
): readonly CertificateProblem[] {
  return [trustProblem(leaf, others, anchors), ...dateProblems(leaf, 0, now)];
}

function trustProblem(
  leaf: X509Certificate,
  others: readonly X509Certificate[],
  anchors: readonly X509Certificate[],
): CertificateProblem {
  if (isSelfSigned(leaf)) {
    return { code: 'self-signed', text: `the certificate ${subjectOf(leaf)} is signed by itself` };
  }
  const weak = [leaf, ...others].find((certificate) => isWeaklySigned(certificate));
  if (weak !== undefined) {
    const text = `${subjectOf(weak)} is signed with ${weak.signatureAlgorithm ?? 'a weak algorithm'}, which Go refuses`;
    return { code: 'not-acceptable', text };
  }
  const noAuthority = others.find((other) => leaf.issuer === other.subject && !other.ca);
  if (noAuthority !== undefined) {
    const text = `the issuer ${subjectOf(noAuthority)} is not a certificate authority (no CA:TRUE)`;
    return { code: 'not-acceptable', text };
  }
  const top = topOf(leaf, others);
  const issuer = issuerOf(top);
  // The chain breaks before any root: nobody sent, and nobody here has, the issuer of its last member.
  const knowsRoot = anchors.some((anchor) => anchor.subject === top.issuer);
  if (others.length === 0 && !knowsRoot && mayHaveKnownRoot(leaf, anchors)) {
    return {
      code: 'missing-intermediate',
      text: `the server sent only its own certificate, and its issuer ${issuer} is neither sent nor known here`,
    };
  }
  const root = isSelfSigned(top) ? subjectOf(top) : issuer;
  const text = `chain of ${others.length + 1}, signed by ${root}, which is in neither the system bundle nor the runner's CA file`;
  return { code: 'unknown-authority', text };
}

/**
 * Whether an unknown issuer is rather the intermediate of a root that is known: the certificate says where
 * to fetch its issuer, or the issuer carries the organisation of a known root. Without a hint, a lone
 * certificate is taken for one of a private root.
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

/** What Go refuses in the leaf itself, whoever signed it. */
function leafProblems(leaf: X509Certificate): readonly CertificateProblem[] {
  const bits = leaf.publicKey.asymmetricKeyDetails?.modulusLength;
  const usages = leaf.keyUsage as readonly string[] | undefined;
  const problems = [
    bits !== undefined && bits < 1024 ? `its RSA key has only ${bits} bits` : '',
    bits !== undefined && bits > 8192 ? `its RSA key has ${bits} bits, more than 8192` : '',
    leaf.serialNumber.startsWith('-') ? 'its serial number is negative' : '',
    isForServers(usages) ? '' : 'it is not meant for servers (extended key usage)',
  ];
  return problems
    .filter((text) => text !== '')
    .map((text) => ({ code: 'not-acceptable', text: `the certificate is refused: ${text}` }));
}

const SERVER_AUTHENTICATION = '1.3.6.1.5.5.7.3.1';
const ANY_USAGE = '2.5.29.37.0';

function isForServers(usages: readonly string[] | undefined): boolean {
  if (usages === undefined || usages.length === 0) return true;
  return usages.includes(SERVER_AUTHENTICATION) || usages.includes(ANY_USAGE);
}

const HOST_TEXTS: Readonly<Record<Exclude<HostCheck, 'ok'>, string>> = {
  'no-san':
    'the certificate names no host in its subject alternative names; its common name does not count',
  mismatch: 'the certificate is for other hosts',
  'no-ip-san': 'the certificate has no IP address among its subject alternative names',
};

function hostProblems(leaf: X509Certificate, host: string): readonly CertificateProblem[] {
  const check = checkHost(leaf, host);
  if (check === 'ok') return [];
  const { dns, ip } = namesOf(leaf);
  const names = [...dns, ...ip].slice(0, 5).join(', ');
  const text = names === '' ? HOST_TEXTS[check] : `${HOST_TEXTS[check]} (${names}), not ${host}`;
  return [{ code: check === 'no-san' ? 'no-san' : 'name-mismatch', text }];
}

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
