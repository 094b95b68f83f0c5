/** Values of a handshake for evidence, fix commands and the expiry metrics. */
import type { X509Certificate } from 'node:crypto';

import { dateAndAge } from '../../core/date-text.ts';
import type { Instant } from '../../core/clock.ts';
import type { Fact } from '../../core/finding.ts';
import type { FindingData } from '../../core/finding-data.ts';
import { dataKey, dataWith } from '../../core/finding-data.ts';
import type { TrustSource } from '../../core/target.ts';
import type { ServerHandshake } from './handshake.ts';
import { namesOf } from './hostname.ts';
import { isPublicRoot } from './public-roots.ts';
import type { Trust } from './trust.ts';
import { certsFile } from './trust.ts';
import { issuerOf, subjectOf } from './certificate-text.ts';
import { verifyLikeGo } from './verify.ts';

const MAX_NAMES = 5;

/** When the certificate of the server is valid. */
export const VALIDITY = dataKey<{ readonly notBefore: Instant; readonly notAfter: Instant }>(
  'validity',
);
/** When a trust file was last changed. */
export const TRUST_CHANGED_AT = dataKey<Instant>('trust-changed-at');

/** The authority that only the system of runnerwatch is known to trust, where that is not the system of the runner. */
export const TRUSTED_HERE = dataKey<string>('trusted-here');

/** By a file that the runner has too, or because every system trusts it. */
export function trustedHere(
  { sent }: ServerHandshake,
  path: readonly X509Certificate[],
  { caFile, anchors, go }: Trust,
  { host, now }: { readonly host: string; readonly now: Instant },
): FindingData {
  const shared = [...caFile.certificates, ...anchors.filter((one) => isPublicRoot(one))];
  const { problems } = verifyLikeGo({ sent, anchors: shared, host, now, go });
  const [anchor] = path.toReversed();
  const isShared = problems.length === 0 || anchor === undefined;
  return isShared ? {} : dataWith(TRUSTED_HERE, subjectOf(anchor));
}

/** What rules read of a handshake. */
export function handshakeData(trust: Trust, shown: ServerHandshake | undefined): FindingData {
  const leaf = shown?.sent[0];
  return {
    ...(trust.changedAt === undefined ? {} : dataWith(TRUST_CHANGED_AT, trust.changedAt)),
    ...(leaf === undefined
      ? {}
      : dataWith(VALIDITY, {
          notBefore: leaf.validFromDate.getTime(),
          notAfter: leaf.validToDate.getTime(),
        })),
  };
}

/** The files that were read for trust and identity; known before the handshake. */
export function trustFacts(trust: Trust, source: TrustSource, host: string): Record<string, Fact> {
  return {
    host,
    ca_file: trust.caFile.path,
    ca_file_state: trust.caFile.state,
    ca_file_configured: trust.caFile.isConfigured,
    certs_file: certsFile(source, host, 'crt'),
    client_file: trust.clientFile,
    client_state: clientState(trust),
    anchors: trust.anchors.length,
    ...(trust.changedAt === undefined
      ? {}
      : { trust_changed_at: new Date(trust.changedAt).toISOString() }),
  };
}

/** Whether the runner shows a certificate of its own. */
function clientState({ client }: Trust): 'none' | 'used' | 'unusable' {
  if (client === undefined) return 'none';
  return 'problem' in client ? 'unusable' : 'used';
}

/** What the server showed. */
export function serverFacts({ sent, protocol, cipher }: ServerHandshake): Record<string, Fact> {
  const [leaf] = sent;
  if (leaf === undefined) return { protocol, cipher, chain_length: 0 };
  const { dns, ip } = namesOf(leaf);
  return {
    protocol,
    cipher,
    chain_length: sent.length,
    subject: subjectOf(leaf),
    issuer: issuerOf(leaf),
    root: issuerOf(sent.at(-1) ?? leaf),
    names: [...dns, ...ip].slice(0, MAX_NAMES).join(', '),
    not_before: leaf.validFromDate.toISOString(),
    not_after: leaf.validToDate.toISOString(),
    fingerprint_sha256: leaf.fingerprint256,
    serial: leaf.serialNumber,
  };
}

/** Which issuer has expired, and where it lies: what the runner's own CA file has counts before what was sent. */
export function expiredIssuer(
  { caFile }: Trust,
  sent: readonly X509Certificate[],
  now: Instant,
): Readonly<Record<string, Fact>> {
  const isOver = ({ validToDate }: X509Certificate): boolean => validToDate.getTime() < now;
  const issues = (one: X509Certificate): boolean =>
    sent.some((other) => other.issuer === one.subject);
  const own = caFile.certificates.find((one) => isOver(one) && issues(one));
  if (own !== undefined) return { expired: subjectOf(own), expired_in: 'ca-file' };
  const [, ...issuers] = sent;
  const shown = issuers.find((one) => isOver(one));
  if (shown !== undefined) return { expired: subjectOf(shown), expired_in: 'server' };
  const last = sent.at(-1);
  return last === undefined ? {} : { expired: issuerOf(last), expired_in: 'host' };
}

/** The chain as it was sent, in PEM: public, and for the flight recorder alone. */
export function chainAttachment({ sent }: ServerHandshake): Readonly<Record<string, string>> {
  return sent.length === 0 ? {} : { certificate_chain: sent.map(String).join('') };
}

export type ExpiryMeasure =
  | 'leaf_not_after_timestamp_seconds'
  | 'chain_not_after_timestamp_seconds'
  | 'ca_file_not_after_timestamp_seconds'
  | 'client_not_after_timestamp_seconds';

/** When each kind of certificate ends, Unix seconds; the earliest where there are several. */
export function expiryMeasures(
  trust: Trust,
  shown?: ServerHandshake,
): Partial<Record<ExpiryMeasure, number>> {
  const [leaf, ...issuers] = shown?.sent ?? [];
  const ends: readonly (readonly [ExpiryMeasure, readonly X509Certificate[]])[] = [
    ['leaf_not_after_timestamp_seconds', leaf === undefined ? [] : [leaf]],
    ['chain_not_after_timestamp_seconds', issuers],
    ['ca_file_not_after_timestamp_seconds', trust.caFile.certificates],
    ['client_not_after_timestamp_seconds', clientCertificates(trust)],
  ];
  return Object.fromEntries(
    ends
      .filter(([, certificates]) => certificates.length > 0)
      .map(([measure, certificates]) => [
        measure,
        Math.min(...certificates.map(({ validToDate }) => validToDate.getTime() / 1000)),
      ]),
  );
}

/**
 * The first certificate that expires within `soonSeconds`, as a sentence: of the accepted path and the client
 * certificate. Other certificates that were sent or are in the CA file may expire without harm.
 */
export function nextExpiryText(
  path: readonly X509Certificate[],
  trust: Trust,
  now: Instant,
  soonSeconds: number,
): string | undefined {
  const inFile = new Set(trust.caFile.certificates.map(({ fingerprint256 }) => fingerprint256));
  const [leaf, ...issuers] = path;
  const next = [
    ...(leaf === undefined ? [] : [{ who: 'the certificate', of: leaf }]),
    ...issuers.map((of) => ({
      who: `the issuer ${subjectOf(of)}${inFile.has(of.fingerprint256) ? ' in the CA file' : ''}`,
      of,
    })),
    ...clientCertificates(trust).map((of) => ({ who: 'the client certificate', of })),
  ]
    .map(({ who, of }) => ({ who, end: of.validToDate }))
    .toSorted((a, b) => a.end.getTime() - b.end.getTime())
    .find(({ end }) => end.getTime() - now < soonSeconds * 1000);
  return next === undefined
    ? undefined
    : `${next.who} expires on ${dateAndAge(next.end.getTime(), now)}`;
}

function clientCertificates({ client }: Trust): readonly X509Certificate[] {
  return client !== undefined && 'certificate' in client ? [client.certificate] : [];
}
