/**
 * What a runner token shows without a request to GitLab: docs/reference/runner-config.md#tokens. Results never contain
 * the secret.
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

/** What is wrong with a token, and the words for it: each completes "the token of … ". */
export const TOKEN_FORMAT_FAULTS = {
  blank: 'is empty',
  registration: 'starts with GR, as registration tokens do',
  'other-kind': 'has the prefix of another kind of token',
  placeholder: 'is a placeholder',
  characters: 'has characters that a token cannot have',
  checksum: 'has a wrong checksum',
} as const;
export type TokenFormatFault = keyof typeof TOKEN_FORMAT_FAULTS;

const OTHER_KINDS =
  /^(?:glcbt|glpat|gldt|glptt|glagent|gloas|glft|glimt|glsoat|glffct|gltok|github_pat|ghp)[-_]/;
const PLACEHOLDER =
  /^(?:<.*>|\[MASKED\]|__REDACTED__|TOKEN|DEFAULT TOKEN|x{3,}|your[-_ ].*|change[-_ ]?me)$/i;
/** Blanks, quotes, control characters and everything but ASCII. */
const OTHER_CHARACTERS = /[^\x21-\x7e]|["']/;

/** `undefined` for a token that only GitLab can judge. The only place that decides this. */
export function tokenFormatFault(token: Secret): TokenFormatFault | undefined {
  const whole = token.reveal();
  const text = whole.trim();
  if (text === '') return 'blank';
  if (/^GR[0-9A-Fa-f]{7}/.test(text)) return 'registration';
  if (OTHER_KINDS.test(text)) return 'other-kind';
  if (PLACEHOLDER.test(text)) return 'placeholder';
  if (OTHER_CHARACTERS.test(whole)) return 'characters';
  return hasValidChecksum(text) ? undefined : 'checksum';
}

const ROUTABLE = /[0-9A-Za-z_-]{27,}(?:\.[0-9a-z]{2})?\.[0-9a-z]{9}$/;
const CHECKSUM_LENGTH = 7;

/** False when a routable token was truncated or mistyped; true also for tokens without a checksum. */
function hasValidChecksum(text: string): boolean {
  if (!ROUTABLE.test(text)) return true;
  const body = text.slice(0, -CHECKSUM_LENGTH);
  return crc32(body).toString(36).padStart(CHECKSUM_LENGTH, '0') === text.slice(-CHECKSUM_LENGTH);
}

/** True for the content of a `.runner_system_id` that the runner accepts. */
export function isSystemId(text: string): boolean {
  return /^[sr]_[0-9a-zA-Z]{12}$/.test(text);
}
