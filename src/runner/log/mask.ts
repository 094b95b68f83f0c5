/**
 * Masks secrets in a line: tokens, passwords in addresses, keys. Promise:
 * docs/reference/promises.md#what-it-never-does.
 */
import { printable } from '../../core/printable.ts';

const HIDDEN = '[hidden]';

/** Each with what stays visible before the secret. */
const SECRETS: readonly RegExp[] = [
  /(?<kept>)\b(?:gl[a-z]{2,8}-|GR1348941)[\w.-]{6,}/g,
  /(?<kept>:\/\/)[^\s/@"']+(?=@)/g,
  /(?<kept>\b(?:authorization|private-token|job-token|runner-token|cookie)["']?\s*[:=]\s*["']?(?:(?:bearer|basic)\s+)?)[^\s"',;]+/gi,
  /(?<kept>\b[\w-]*(?:token|password|passwd|secret|api_?key)["']?\s*[:=]\s*["']?)[^\s"',;&]+/gi,
  /(?<kept>)\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g,
];

/** A token of before GitLab 15: twenty characters of all kinds, and nothing else that long has them. */
const LEGACY = /(?<![\w/.-])(?=[\w-]*[a-z])(?=[\w-]*[A-Z])(?=[\w-]*\d)[\w-]{20}(?![\w/-])/g;

export function maskSecrets(text: string): string {
  const hidden = SECRETS.reduce((done, pattern) => done.replace(pattern, `$<kept>${HIDDEN}`), text);
  return printable(hidden.replace(LEGACY, HIDDEN));
}
