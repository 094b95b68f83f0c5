/**
 * Who answered: GitLab's Rails, its Workhorse, something in front of it, or somebody else? A pure function
 * of one answer, by the signals of the network reference, section 2.4.
 */
import type { HttpAnswer } from '../core/probe.ts';

export type Who = 'rails' | 'workhorse' | 'edge' | 'other';

export interface Fingerprint {
  readonly who: Who;
  /** What gave it away, for the evidence line. */
  readonly signals: readonly string[];
  /** The `Server` header, or the vendor of the edge. */
  readonly server: string;
}

const ULID = /^[0-9A-HJKMNP-TV-Z]{26}$/;
const GITLAB_ERRORS = /^\{"(?:message|error)":"(?:40[0-9] |token is missing)/;

/** Headers that only a CDN, a WAF or a load balancer adds. */
const EDGE_HEADERS: Readonly<Record<string, string>> = {
  'cf-ray': 'Cloudflare',
  'cf-mitigated': 'Cloudflare',
  'x-amzn-waf-action': 'AWS WAF',
  'x-amzn-requestid': 'AWS',
  'x-sucuri-id': 'Sucuri',
  'x-iinfo': 'Imperva',
  'x-akamai-transformed': 'Akamai',
  'x-azure-ref': 'Azure Front Door',
};
const EDGE_SERVERS = /cloudflare|awselb|akamai|sucuri|bigip|imperva|varnish/i;

export function fingerprint(answer: HttpAnswer): Fingerprint {
  const { headers } = answer;
  const server = headers['server'] ?? '';
  const rails = railsSignals(answer);
  if (rails.length > 0) return { who: 'rails', signals: rails, server };
  const workhorse = workhorseSignals(answer);
  if (workhorse.length > 0) return { who: 'workhorse', signals: workhorse, server };
  const vendors = Object.keys(EDGE_HEADERS).filter((name) => headers[name] !== undefined);
  const vendor = EDGE_HEADERS[vendors[0] ?? ''] ?? EDGE_SERVERS.exec(server)?.[0];
  if (vendor !== undefined) return { who: 'edge', signals: vendors, server: vendor };
  return { who: 'other', signals: [], server };
}

function railsSignals({ headers, body }: HttpAnswer): readonly string[] {
  return [
    headers['x-gitlab-meta'] === undefined ? '' : 'X-Gitlab-Meta',
    headers['x-runtime'] === undefined ? '' : 'X-Runtime',
    ULID.test(headers['x-request-id'] ?? '') ? 'X-Request-Id' : '',
    GITLAB_ERRORS.test(body) ? 'error in GitLab’s form' : '',
    body === 'GitLab OK' ? 'GitLab OK' : '',
  ].filter((signal) => signal !== '');
}

function workhorseSignals({ headers, body }: HttpAnswer): readonly string[] {
  return [
    headers['gitlab-ci-builds-polling'] === undefined ? '' : 'Gitlab-Ci-Builds-Polling',
    body.startsWith('GitLab is not responding') ? 'GitLab is not responding' : '',
    body.startsWith('{"error":"Bad Gateway","status":502}') ? 'Workhorse error page' : '',
  ].filter((signal) => signal !== '');
}

/** True for an answer whose media type is exactly `application/json`, as the runner demands. */
export function isJson({ headers }: HttpAnswer): boolean {
  return (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() === 'application/json';
}

/** The `message` or `error` of a JSON body, or the empty string. */
export function messageOf(answer: HttpAnswer): string {
  if (!isJson(answer)) return '';
  try {
    const { message, error } = JSON.parse(answer.body) as Record<string, unknown>;
    return [message, error].find((text) => typeof text === 'string') ?? '';
  } catch {
    return '';
  }
}

/** Seconds until another request is welcome: `Retry-After` as a number or a date, 0 when there is none. */
export function retryAfterSeconds({ headers, receivedAt }: HttpAnswer): number {
  const text = headers['retry-after'] ?? headers['ratelimit-resettime'] ?? '';
  if (/^\d+$/.test(text)) return Number(text);
  const at = Date.parse(text);
  return Number.isNaN(at) ? 0 : Math.max(0, (at - receivedAt) / 1000);
}

/** What a text of the body means when GitLab refuses to write. */
export function isReadOnlyText(text: string): boolean {
  return /read-only|read only|maintenance/i.test(text);
}
