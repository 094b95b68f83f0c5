/**
 * What can be said of a runner token without asking GitLab: docs/reference/runner-config.md#tokens. Takes the
 * secret, says nothing that gives it away.
 */
import { crc32 } from 'node:zlib';

import type { Secret } from '../core/secret.ts';

const SHORT_LENGTH = 9;

/** The 9 characters that the runner itself prints: `runner=` in its log and metrics. */
export function shortToken(token: Secret): string {
  return token
    .reveal()
    .replace(/^(?:glrt-(?:t[123]_)?|t[123]_|glrtr-)/, '')
    .replace(/^glcbt-/, '')
    .replace(/^GR[0-9A-Fa-f]{7}/, '')
    .slice(0, SHORT_LENGTH);
}

export type TokenKind = 'blank' | 'runner' | 'registration' | 'other-kind' | 'placeholder';

const OTHER_KINDS =
  /^(?:glcbt|glpat|gldt|glptt|glagent|gloas|glft|glimt|glsoat|glffct|gltok|github_pat|ghp)[-_]/;
const PLACEHOLDER =
  /^(?:<.*>|\[MASKED\]|__REDACTED__|TOKEN|DEFAULT TOKEN|x{3,}|your[-_ ].*|change[-_ ]?me)$/i;

export function tokenKind(token: Secret): TokenKind {
  const text = token.reveal().trim();
  if (text === '') return 'blank';
  if (/^GR[0-9A-Fa-f]{7}/.test(text)) return 'registration';
  if (OTHER_KINDS.test(text)) return 'other-kind';
  return PLACEHOLDER.test(text) ? 'placeholder' : 'runner';
}

const ROUTABLE = /[0-9A-Za-z_-]{27,}(?:\.[0-9a-z]{2})?\.[0-9a-z]{9}$/;
const CHECKSUM_LENGTH = 7;

/** False when a routable token was truncated or mistyped; true also for tokens without a checksum. */
export function hasValidChecksum(token: Secret): boolean {
  const text = token.reveal();
  if (!ROUTABLE.test(text)) return true;
  const body = text.slice(0, -CHECKSUM_LENGTH);
  return crc32(body).toString(36).padStart(CHECKSUM_LENGTH, '0') === text.slice(-CHECKSUM_LENGTH);
}

/** True for the content of a `.runner_system_id` that the runner accepts. */
export function isSystemId(text: string): boolean {
  return /^[sr]_[0-9a-zA-Z]{12}$/.test(text);
}

/** False for a token that Go refuses to put into a header: control characters, or other than ASCII. */
export function isSendable(token: Secret): boolean {
  return /^[\x20-\x7e]*$/.test(token.reveal());
}
