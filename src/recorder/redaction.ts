/**
 * Removes secrets from texts before they are written: the known ones, and everything that has the form of one. The
 * recorder collects none itself; lines of the runner's log may contain some.
 */
import type { Snapshot } from '../core/check.ts';
import { allEndpoints, allRunners } from '../core/host-context.ts';

const HIDDEN = '[hidden]';
/** A shorter secret would match parts of ordinary text. */
const MIN_SECRET_LENGTH = 6;
/** What stays visible of a token: the runner's own short form of it. */
const SHORT_TOKEN = 9;

const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/\b(?<kind>gl[a-z]{1,8}-)[\w.+/=-]{6,}/g, `$<kind>${HIDDEN}`],
  [/\bGR1348941[\w-]+/g, `GR1348941${HIDDEN}`],
  [/(?<scheme>\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@"']+@/gi, `$<scheme>${HIDDEN}@`],
  [
    /(?<name>\b(?:private[_-]?token|job[_-]?token|runner[_-]?token|authorization|password|passwd|secret|token)["']?\s*[=:]\s*["']?(?:Basic |Bearer )?)[^\s"'&,;]{4,}/gi,
    `$<name>${HIDDEN}`,
  ],
];

export type Redact = (text: string) => string;

/** Knows the secrets of this moment. */
export function redactorOf({ hostContext }: Snapshot): Redact {
  const tokens = allRunners(hostContext).flatMap(({ token }) => tokenParts(token.reveal()));
  const logins = allEndpoints(hostContext).flatMap(({ proxy }) =>
    proxy.kind === 'proxy' && proxy.credentials !== undefined
      ? [proxy.credentials.user, proxy.credentials.password.reveal()]
      : [],
  );
  const known = [...tokens, ...logins, ...logins.map((text) => encodeURIComponent(text))];
  const worth = [...new Set(known)].filter((text) => text.length >= MIN_SECRET_LENGTH);
  return (text) => {
    const plain = worth.reduce((done, secret) => done.replaceAll(secret, HIDDEN), text);
    return PATTERNS.reduce((done, [pattern, by]) => done.replaceAll(pattern, by), plain);
  };
}

/** The whole token, and its part behind the short form. */
function tokenParts(token: string): readonly string[] {
  const prefix = /^(?:gl[a-z]+-(?:t\d_)?|GR1348941)?/.exec(token)?.[0].length ?? 0;
  return [token, token.slice(prefix + SHORT_TOKEN)];
}

/** `http://user:password@proxy:3128` without the login. */
export function withoutLogin(text: string): string {
  const at = text.lastIndexOf('@');
  if (at === -1) return text;
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(text)?.[0] ?? '';
  return `${scheme}${HIDDEN}@${text.slice(at + 1)}`;
}

/** A document as JSON, every text in it redacted. */
export function redactDocument(document: unknown, redact: Redact): string {
  return JSON.stringify(
    document,
    (_key, value: unknown) => (typeof value === 'string' ? redact(value) : value),
    1,
  );
}
