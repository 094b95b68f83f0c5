/** Failures of a link that another server than GitLab may cause, and so a wrong address. */
import type { Finding } from '../core/finding.ts';

/** Ends of a handshake that another server than GitLab may cause; the others speak of the path, or of the runner's files. */
const TLS_FAULTS = [
  'name-mismatch',
  'no-san',
  'unknown-authority',
  'self-signed',
  'plaintext-server',
  'expired',
  'intermediate-expired',
  'not-yet-valid',
  'missing-intermediate',
  'not-acceptable',
  'protocol-unsupported',
  'client-certificate-required',
  'handshake-blocked',
] as const;

/** Answers that another server than GitLab may give. A limit, or no answer yet, says nothing about the address. */
const WEB_FAULTS = [
  'bad-gateway',
  'booting',
  'unavailable',
  'maintenance',
  'server-error',
  'challenge',
  'origin-error',
  'forbidden',
  'login-gateway',
  'redirected',
  'client-certificate-required',
  'connection-reset',
  'closed',
  'not-http',
  'http2-only',
  'malformed',
] as const;

/** Refusals that come of another GitLab, too, or of another server. */
const TOKEN_FAULTS = [
  'rejected',
  'expired',
  'orphaned',
  'read-only',
  'forbidden-by-edge',
  'challenge',
  'login-gateway',
  'redirected',
  'endpoint-missing',
] as const;

/** What another server than GitLab may cause, and so a wrong address. */
export const FAULTS_OF_ADDRESS: readonly string[] = [
  ...TLS_FAULTS.map((reason) => `tls/${reason}`),
  ...WEB_FAULTS.map((reason) => `http/${reason}`),
  ...[...WEB_FAULTS, 'not-gitlab', 'wrong-path'].map((reason) => `api/${reason}`),
  ...TOKEN_FAULTS.map((reason) => `token/${reason}`),
];

/** Silence within a handshake is of the path: packets that are too large, or lost. */
export function mayBeOfAddress({ status, facts }: Finding): boolean {
  return status === 'fail' && facts?.['is_silent'] !== true;
}
