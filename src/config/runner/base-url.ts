/**
 * Builds the base URL that the runner uses from an entry's `url`, or says what is wrong with it. The only place that
 * decides this (docs/reference/runner-config.md#keys-of-an-entry: trailing slashes and one `/ci` are cut, then
 * `/api/v4/` is appended; http and https only).
 */
import { isLoopbackHost } from '../../core/address.ts';
import type { HttpUrl } from '../../core/http-url.ts';
import { redactArgument } from '../../core/redact-argument.ts';
import type { HttpUrlFault } from '../../go/http-url.ts';
import { httpUrlOf } from '../../go/http-url.ts';

/** Why the runner can do nothing with a url. */
export type UrlFault = 'empty' | 'query' | 'blank' | HttpUrlFault;

/** What is wrong with a url that the runner can use. */
export type UrlWarning = 'api-path' | 'ci-path' | 'page-path' | 'http' | 'credentials';

export type BaseUrl =
  | {
      readonly ok: true;
      /** With a trailing slash. */
      readonly url: HttpUrl;
      /** Each with the url that should be written; a correction may hold no credentials. */
      readonly warnings: ReadonlyMap<UrlWarning, string>;
    }
  | {
      readonly ok: false;
      readonly fault: UrlFault;
      /** Completes "the url …". */
      readonly why: string;
    };

const WHY: Readonly<Record<UrlFault, string>> = {
  empty: 'is empty',
  query: 'contains ? or #',
  blank: 'contains a space or a control character',
  scheme: 'does not start with http:// or https://',
  unparsable: 'cannot be parsed',
  host: 'names no host',
  port: 'has a port above 65535',
};

const API_PATH = /\/api(?:\/v\d+)?\/*$/;
const CI_PATH = /\/ci\/*$/;
/** Pages of GitLab, which are no prefix that it may be installed below. */
const PAGE = /\.git$|^(?:admin|dashboard|groups|users|projects|-)$/;

/** `text` is expanded already. `severalColons`: this runner's Go reads a host with several of them. */
export function baseUrlOf(text: string, severalColons = false): BaseUrl {
  const url = httpUrlOf(`${text.replace(/\/+$/, '').replace(/\/ci$/, '')}/`, severalColons);
  const fault = textFaultOf(text) ?? (typeof url === 'string' ? url : undefined);
  if (fault === undefined && typeof url === 'object') {
    return { ok: true, url, warnings: warningsOf(text, url) };
  }
  const kind = fault ?? 'unparsable';
  return { ok: false, fault: kind, why: WHY[kind] };
}

/** What Go accepts in part, and no GitLab is ever reached with. */
function textFaultOf(text: string): UrlFault | undefined {
  if (text.trim() === '') return 'empty';
  // The runner appends its path to the text: behind ? or # it would never arrive.
  if (/^https?:\/\/\S*[?#]/i.test(text)) return 'query';
  if (/[\s\p{Cc}]/u.test(text)) return 'blank';
  return /^https?:\/\//i.test(text) ? undefined : 'scheme';
}

function warningsOf(text: string, url: HttpUrl): ReadonlyMap<UrlWarning, string> {
  const found = new Map<UrlWarning, string>();
  const shown = redactUrl(text);
  if (API_PATH.test(text)) found.set('api-path', text.replace(API_PATH, '/'));
  if (CI_PATH.test(text)) found.set('ci-path', text.replace(CI_PATH, '/'));
  if (isPage(url) && !API_PATH.test(text)) found.set('page-path', `${url.origin}/`);
  if (url.protocol === 'http:' && !isLoopbackHost(url.hostname)) {
    found.set('http', shown.replace(/^http:/i, 'https:'));
  }
  if (shown !== text) found.set('credentials', shown);
  return found;
}

/** The page of a project or a group. */
function isPage({ pathname }: HttpUrl): boolean {
  const parts = pathname.split('/').filter((part) => part !== '' && part !== 'ci');
  return parts.length > 1 || PAGE.test(parts[0] ?? '');
}

/** A url as it may be shown: without the text before `@` or after `?`, and hidden when it is a token. */
export function redactUrl(text: string): string {
  const plain = text.replace(/(?<=^|\/\/)[^/]*@/, '').replace(/(?<=[?#]).*$/s, '…');
  return /^https?:\/\//i.test(plain) ? plain : redactArgument(plain);
}
