/** The fault between the runner and GitLab's Rails, from one answer or from a failed exchange. */
import type { ExchangeError, ExchangeFault } from '../core/exchange-error.ts';
import type { HttpUrl } from '../core/http-url.ts';
import { leadToCauses } from '../core/reason.ts';
import type { HttpAnswer } from '../core/probe.ts';
import { fingerprint, isJson, isReadOnlyText, messageOf } from './fingerprint.ts';

export const WEB_REASONS = leadToCauses(
  'bad-gateway',
  'booting',
  'unavailable',
  'maintenance',
  'server-error',
  'too-many-requests',
  'challenge',
  'origin-error',
  'forbidden',
  'login-gateway',
  'redirected',
  'client-certificate-required',
  'no-answer',
  'connection-reset',
  'closed',
  'not-http',
  'http2-only',
  'malformed',
);

/** `moved` is one that a check cannot look behind, and the runner can. */
export type WebFault = keyof typeof WEB_REASONS | 'moved';

const FAULTS = {
  closed: 'closed',
  reset: 'connection-reset',
  cut: 'connection-reset',
  'no-answer': 'no-answer',
  'slow-body': 'no-answer',
  'not-http': 'not-http',
  'http2-only': 'http2-only',
  malformed: 'malformed',
  'client-certificate-required': 'client-certificate-required',
} as const satisfies Readonly<Record<ExchangeFault, WebFault>>;

const BOOT_PAGE = /Waiting for GitLab to boot|Deploy in progress/i;
const CERTIFICATE_PAGE = /No required SSL certificate was sent|The SSL certificate error/;

/** The fault in a failed exchange. */
export function webFaultOf(failure: ExchangeError): (typeof FAULTS)[ExchangeFault];
/** The fault in an answer to `asked`, or `undefined` when the web tier let the request through. */
export function webFaultOf(answer: HttpAnswer, asked: HttpUrl): WebFault | undefined;
export function webFaultOf(
  ended: ExchangeError | HttpAnswer,
  asked?: HttpUrl,
): WebFault | undefined {
  if ('fault' in ended) return FAULTS[ended.fault];
  if (ended.headers['cf-mitigated'] === 'challenge') return 'challenge';
  if (ended.status >= 500) return serverFault(ended);
  if (REDIRECTS.has(ended.status) && asked !== undefined) return redirectFault(ended, asked);
  return clientFault(ended);
}

function serverFault(answer: HttpAnswer): WebFault {
  const { status, body } = answer;
  if (BOOT_PAGE.test(body)) return 'booting';
  if (status === 502) return 'bad-gateway';
  // The status that the standard reserves for captive portals.
  if (status === 511) return 'login-gateway';
  if (status === 503 && isReadOnlyText(messageOf(answer))) return 'maintenance';
  if (status === 503 || status === 504) return 'unavailable';
  // The numbers that a CDN has for the server behind it.
  return (status >= 520 && status <= 527) || status === 530 ? 'origin-error' : 'server-error';
}

/** What Go's client follows; the first three turn a POST into a GET, the others keep it. */
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const LOGIN =
  /(?:^|[^a-z])(?:log-?[io]n|sign[-_]?in|sso|oauth2?|oidc|openid|auth[nz]?|authorize|authenticate|saml2?|adfs|idp|cas)(?:[^a-z]|$)/i;

function redirectFault(answer: HttpAnswer, asked: HttpUrl): WebFault | undefined {
  const to = URL.parse(answer.headers['location'] ?? '', asked.href);
  if (to === null || answer.headers['location'] === undefined) return undefined;
  // GitLab itself redirects a path that is not part of the API to its login: `url` names a project.
  const isOwn =
    to.hostname === asked.hostname.toLowerCase() && to.pathname.endsWith('/users/sign_in');
  if (isOwn && fingerprint(answer).who === 'rails') return undefined;
  // A redirect to the same path on another host or scheme is not a login, whatever the host is called.
  const isSamePath = to.pathname.endsWith(asked.pathname);
  if (!isSamePath && LOGIN.test(`${to.hostname}${to.pathname}`)) return 'login-gateway';
  return answer.status >= 307 ? 'moved' : 'redirected';
}

/** Demanded by a server that has no HTTP/1.1. */
const HTTP2_PAGE = /Missing ALPN Protocol, expected `h2`/;

function demandsHttp2({ status, headers, body }: HttpAnswer): boolean {
  if (status === 426) return /\bh2c?\b|HTTP\/2/i.test(headers['upgrade'] ?? '');
  return status === 403 && HTTP2_PAGE.test(body);
}

const REFUSALS: ReadonlySet<number> = new Set([403, 406, 407, 451]);

function clientFault(answer: HttpAnswer): WebFault | undefined {
  const { status, headers, body } = answer;
  if (status === 429) return 'too-many-requests';
  if (demandsHttp2(answer)) return 'http2-only';
  if (status === 400 && CERTIFICATE_PAGE.test(body)) return 'client-certificate-required';
  const { who } = fingerprint(answer);
  const isGitLab = who === 'rails' || who === 'workhorse';
  // GitLab's own refusals are JSON. Its ban of an address is plain text, though Rails writes it.
  if (REFUSALS.has(status)) return isGitLab && isJson(answer) ? undefined : 'forbidden';
  return !isGitLab && status === 401 && headers['www-authenticate'] !== undefined
    ? 'login-gateway'
    : undefined;
}
