/**
 * Which URL does the runner make of an entry's `url`? (docs/reference/runner-config.md#keys-of-an-entry: trailing
 * slashes and one `/ci` are cut, then `/api/v4/` is appended; http and https only.)
 */
import { redactArgument } from '../../core/redact-argument.ts';

export type BaseUrl =
  | { readonly ok: true; readonly url: URL }
  /** `why` completes "the url …". */
  | { readonly ok: false; readonly why: string };

/** The base URL with a trailing slash and without credentials. `text` is expanded already. */
export function baseUrlOf(text: string): BaseUrl {
  if (text.trim() === '') return { ok: false, why: 'is empty' };
  if (/[\s\p{Cc}]/u.test(text))
    return { ok: false, why: 'contains a space or a control character' };
  if (!/^https?:\/\//i.test(text))
    return { ok: false, why: 'does not start with http:// or https://' };
  // The runner appends its path to the text: after ? or # it would never arrive.
  if (/[?#]/.test(text)) return { ok: false, why: 'contains ? or #' };
  const url = URL.parse(`${text.replace(/\/+$/, '').replace(/\/ci$/, '')}/`);
  // The URL class takes `https:///path` for a host; Go does not.
  if (url === null || /^https?:\/\/\//i.test(text)) return { ok: false, why: 'cannot be parsed' };
  url.username = '';
  url.password = '';
  return { ok: true, url };
}

/** A url as it may be shown: without what stands before `@` or after `?`, and not at all when it is a token. */
export function redactUrl(text: string): string {
  const plain = text.replace(/(?<=^|\/\/)[^/@]*@/, '').replace(/(?<=[?#]).*$/s, '…');
  return /^https?:\/\//i.test(plain) ? plain : redactArgument(plain);
}
