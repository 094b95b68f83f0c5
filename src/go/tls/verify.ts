/**
 * Would the runner accept this chain? Go 1.26's verification (docs/reference/go-network.md#verification) of the
 * certificates as the server sent them: every path from the leaf to an anchor is tried. When none is valid, all faults
 * of the best one are reported, not only the first.
 */
import type { X509Certificate } from 'node:crypto';

import type { Instant } from '../../core/clock.ts';
import type { GoSettings } from '../settings.ts';
import { NEWEST_GO } from '../settings.ts';
import { whyUnreadable } from './certificate-fields.ts';
import { findPaths, rsaBitsOf } from './certificate-path.ts';
import type { CertificateProblem } from './certificate-problem.ts';
import { notAcceptableProblem } from './certificate-problem.ts';
import { subjectOf } from './certificate-text.ts';
import type { HostCheck } from './hostname.ts';
import { checkHost, namesOf } from './hostname.ts';
import { dateProblems, pathProblems } from './path-rules.ts';
import { trustProblem } from './trust-problem.ts';

export interface VerifyRequest {
  /** As sent by the server, leaf first. */
  readonly sent: readonly X509Certificate[];
  readonly anchors: readonly X509Certificate[];
  readonly host: string;
  readonly now: Instant;
  readonly go?: GoSettings;
}

export interface Verification {
  /** Empty when the runner would accept; in the order in which they should be repaired. */
  readonly problems: readonly CertificateProblem[];
  /** Leaf to anchor: the accepted one that lasts longest, or the best of those refused, if there is any. */
  readonly path: readonly X509Certificate[];
}

export function verifyLikeGo({
  sent,
  anchors,
  host,
  now,
  go = NEWEST_GO,
}: VerifyRequest): Verification {
  const [leaf, ...others] = sent;
  if (leaf === undefined) {
    return { problems: [notAcceptableProblem('the server sent no certificate')], path: [] };
  }
  // Go stops at the first certificate that it cannot parse; a key that it cannot parse verifies no signature either.
  const unreadable = unreadableProblems(sent, go);
  if (unreadable.length > 0) {
    return { problems: [...unreadable, ...hostProblems(leaf, host)], path: [] };
  }
  const { problems, path } = verifyChain(leaf, { others, anchors, now, go });
  return { problems: [...problems, ...sizeProblems(sent, go), ...hostProblems(leaf, host)], path };
}

interface ChainRequest {
  readonly others: readonly X509Certificate[];
  readonly anchors: readonly X509Certificate[];
  readonly now: Instant;
  readonly go: GoSettings;
}

function verifyChain(
  leaf: X509Certificate,
  { others, anchors, now, go }: ChainRequest,
): Verification {
  const { paths, rejections } = findPaths(leaf, others, anchors, go);
  const [best] = paths
    .map((path) => ({ path, problems: pathProblems(path, now) }))
    .toSorted((a, b) => a.problems.length - b.problems.length || endOf(b.path) - endOf(a.path));
  if (best !== undefined) return best;
  const problem = trustProblem(leaf, others, anchors, rejections);
  return { problems: [problem, ...dateProblems(leaf, 0, now)], path: [] };
}

function endOf(path: readonly X509Certificate[]): number {
  return Math.min(...path.map(({ validToDate }) => validToDate.getTime()));
}

function unreadableProblems(
  sent: readonly X509Certificate[],
  go: GoSettings,
): readonly CertificateProblem[] {
  return sent.flatMap((certificate) => {
    const why = whyUnreadable(certificate, go);
    return why === undefined
      ? []
      : [notAcceptableProblem(`Go cannot parse the certificate ${subjectOf(certificate)}: ${why}`)];
  });
}

const MIN_RSA_BITS = 1024;

/** The upper limit counts for everything sent; the lower one of issuers is a matter of their signatures. */
function sizeProblems(
  sent: readonly X509Certificate[],
  { maxRsaBits, smallRsaKeys }: GoSettings,
): readonly CertificateProblem[] {
  return sent.flatMap((certificate, index) => {
    const bits = rsaBitsOf(certificate) ?? MIN_RSA_BITS;
    const who = index === 0 ? 'the certificate' : subjectOf(certificate);
    if (bits > maxRsaBits) {
      return [
        notAcceptableProblem(`${who} has an RSA key of ${bits} bits, more than ${maxRsaBits}`),
      ];
    }
    if (index > 0 || bits >= MIN_RSA_BITS || smallRsaKeys) return [];
    return [notAcceptableProblem(`${who} has an RSA key of only ${bits} bits`)];
  });
}

const HOST_TEXTS: Readonly<Record<Exclude<HostCheck, 'ok'>, string>> = {
  'no-san':
    'the certificate has no subject alternative name for a host; Go ignores its common name',
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
