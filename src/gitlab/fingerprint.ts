/**
 * Who answered: GitLab itself (Rails), its Workhorse, a proxy or CDN in front of it, or another server? A pure
 * function of one response: docs/reference/gitlab-http.md#who-answered.
 */
import type { HttpAnswer } from '../core/probe.ts';

export type Responder = 'rails' | 'workhorse' | 'edge' | 'other';

export interface Fingerprint {
  readonly who: Responder;
  /** GitLab's own headers were present. The form of a body alone proves nothing, because any server can copy it. */
  readonly isProven: boolean;
  /** What identified it, for the evidence line. */
  readonly signals: readonly string[];
  /** The vendor of the edge, the `Server` header, or what the page itself names. */
  readonly server: string;
}

const ULID = /^[0-9A-HJKMNP-TV-Z]{26}$/;
const GITLAB_ERRORS = /^\{"(?:message|error)":"(?:40[0-9] |token is missing)/;

/** Headers that only a CDN, a WAF, a load balancer or a proxy adds. */
const EDGE_HEADERS: Readonly<Record<string, string>> = {
  'cf-ray': 'Cloudflare',
  'cf-mitigated': 'Cloudflare',
  'x-amzn-waf-action': 'AWS WAF',
  'x-amzn-requestid': 'AWS',
  'x-amz-cf-id': 'CloudFront',
  'x-sucuri-id': 'Sucuri',
  'x-sucuri-block': 'Sucuri',
  'x-iinfo': 'Imperva',
  'x-akamai-transformed': 'Akamai',
  'akamai-grn': 'Akamai',
  'x-azure-ref': 'Azure Front Door',
  'x-fastly-request-id': 'Fastly',
  'x-squid-error': 'squid',
  'gitlab-lb': "GitLab.com's load balancer",
};
const EDGE_SERVERS =
  /cloudflare|cloudfront|awselb|akamai|sucuri|big-?ip|imperva|varnish|ddos-guard|qrator|fortiweb|barracuda|netscaler|squid|azure-application-gateway/i;

/** Error pages that name their program where no header does. */
const PAGES: readonly (readonly [RegExp, string])[] = [
  [/No server is available to handle this request/, 'HAProxy'],
  [/<center>nginx|Welcome to nginx!/, 'nginx'],
  [/Apache2? (?:Ubuntu |Debian )?(?:Default Page|Server at)/, 'Apache'],
  [/The requested URL was rejected\. Please consult with your administrator/, 'BIG-IP'],
  [/Mod_Security/i, 'ModSecurity'],
];

export function fingerprint(answer: HttpAnswer): Fingerprint {
  const { headers } = answer;
  const vendors = Object.keys(EDGE_HEADERS).filter((name) => headers[name] !== undefined);
  const named = redactServerName(headers['server'] ?? '') || pageServer(answer);
  const proof = headerSignals(answer);
  const rails = [...proof, ...bodySignals(answer)];
  if (rails.length > 0) {
    // Nearly every Rails program sends X-Runtime: it counts only together with another signal.
    const signals = headers['x-runtime'] === undefined ? rails : [...rails, 'X-Runtime'];
    return { who: 'rails', isProven: proof.length > 0, signals, server: named };
  }
  const workhorse = workhorseSignals(answer);
  if (workhorse.length > 0) {
    return { who: 'workhorse', isProven: false, signals: workhorse, server: named };
  }
  const vendor = EDGE_HEADERS[vendors[0] ?? ''] ?? EDGE_SERVERS.exec(named)?.[0];
  if (vendor !== undefined) {
    return { who: 'edge', isProven: false, signals: vendors, server: vendor };
  }
  return { who: 'other', isProven: false, signals: [], server: named };
}

/** The server that answered, as a subject: "nginx returned 502". */
export function responderOf({ who, server }: Pick<Fingerprint, 'who' | 'server'>): string {
  if (who === 'rails') return 'GitLab';
  if (who === 'workhorse') return 'GitLab Workhorse';
  return server === '' ? 'an unknown web server' : server;
}

function headerSignals({ headers }: HttpAnswer): readonly string[] {
  return [
    headers['x-gitlab-meta'] === undefined ? '' : 'X-Gitlab-Meta',
    ULID.test(headers['x-request-id'] ?? '') ? 'X-Request-Id' : '',
  ].filter((signal) => signal !== '');
}

function bodySignals(answer: HttpAnswer): readonly string[] {
  return [
    isJson(answer) && GITLAB_ERRORS.test(answer.body) ? "error in GitLab's format" : '',
    answer.body === 'GitLab OK' ? 'GitLab OK' : '',
  ].filter((signal) => signal !== '');
}

function workhorseSignals({ headers, body }: HttpAnswer): readonly string[] {
  return [
    headers['gitlab-ci-builds-polling'] === undefined ? '' : 'Gitlab-Ci-Builds-Polling',
    body.startsWith('GitLab is not responding') ? 'GitLab is not responding' : '',
    body.startsWith('{"error":"Bad Gateway","status":502}') ? 'Workhorse error page' : '',
  ].filter((signal) => signal !== '');
}

function pageServer({ body }: HttpAnswer): string {
  return PAGES.find(([page]) => page.test(body))?.[1] ?? '';
}

const MAX_SHOWN = 60;

/** A header as it may be shown: printable, short. */
export function redactServerName(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '').slice(0, MAX_SHOWN);
}

/** True for an answer whose media type is exactly `application/json`, as the runner demands. */
export function isJson({ headers }: HttpAnswer): boolean {
  return (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() === 'application/json';
}

/** The JSON object in the body; empty for anything else. Holds secrets where the body does. */
export function jsonOf(answer: HttpAnswer): Readonly<Record<string, unknown>> {
  if (!isJson(answer)) return {};
  try {
    const value: unknown = JSON.parse(answer.body);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** The `message` or `error` of a JSON body, to be searched and never to be shown; else the empty string. */
export function messageOf(answer: HttpAnswer): string {
  const { message, error } = jsonOf(answer);
  const said = message ?? error ?? '';
  // A validation error comes as an object of lists.
  return typeof said === 'string' ? said : JSON.stringify(said);
}

/** What a text of the body means when GitLab refuses to write. */
export function isReadOnlyText(text: string): boolean {
  return /read-only|read only|maintenance/i.test(text);
}
