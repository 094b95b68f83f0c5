/** What stands between the runner and GitLab's Rails, read from one answer or from the lack of one. */
import type { HttpAnswer } from '../core/probe.ts';
import type { ExchangeError, ExchangeFault } from './exchange.ts';
import type { Who } from './fingerprint.ts';
import { fingerprint } from './fingerprint.ts';

export type WebFault =
  | 'bad-gateway'
  | 'booting'
  | 'unavailable'
  | 'server-error'
  | 'too-many-requests'
  | 'challenge'
  | 'origin-error'
  | 'forbidden'
  | 'login-gateway'
  | 'redirected'
  | 'client-certificate-required'
  | 'no-answer'
  | 'connection-reset'
  | 'closed'
  | 'not-http';

const FAULTS: Readonly<Record<ExchangeFault, WebFault>> = {
  closed: 'closed',
  reset: 'connection-reset',
  'no-answer': 'no-answer',
  'slow-body': 'no-answer',
  malformed: 'not-http',
  'client-certificate-required': 'client-certificate-required',
};

const BOOT_PAGE = /Waiting for GitLab to boot|Deploy in progress/i;
const CERTIFICATE_PAGE = /No required SSL certificate was sent|The SSL certificate error/;

/** The fault in a failed exchange. */
export function webFaultOf(failure: ExchangeError): WebFault;
/** The fault in an answer, or `undefined` when the web tier let the request through. */
export function webFaultOf(answer: HttpAnswer, asked: URL): WebFault | undefined;
export function webFaultOf(ended: ExchangeError | HttpAnswer, asked?: URL): WebFault | undefined {
  if ('fault' in ended) return FAULTS[ended.fault];
  const { status, headers, body } = ended;
  const { who } = fingerprint(ended);
  if (headers['cf-mitigated'] === 'challenge') return 'challenge';
  if (status >= 500) return serverFault(status, body);
  if (status >= 300 && status < 400) return redirectFault(headers['location'], asked);
  return clientFault(ended, who);
}

function serverFault(status: number, body: string): WebFault {
  if (BOOT_PAGE.test(body)) return 'booting';
  if (status === 502) return 'bad-gateway';
  if (status === 503) return 'unavailable';
  return status >= 520 ? 'origin-error' : 'server-error';
}

/** A redirect to another host's login is a gateway; any other one breaks the runner's POST. */
function redirectFault(location: string | undefined, asked: URL | undefined): WebFault {
  const to = URL.parse(location ?? '', asked);
  const isElsewhere = to !== null && to.hostname !== asked?.hostname;
  return isElsewhere && /login|sign_?in|sso|auth|saml/i.test(to.href)
    ? 'login-gateway'
    : 'redirected';
}

function clientFault({ status, headers, body }: HttpAnswer, who: Who): WebFault | undefined {
  if (status === 429) return 'too-many-requests';
  if (status === 400 && CERTIFICATE_PAGE.test(body)) return 'client-certificate-required';
  if (who === 'rails' || who === 'workhorse') return undefined;
  if (status === 401 && headers['www-authenticate'] !== undefined) return 'login-gateway';
  return status === 403 || status === 406 || status === 407 ? 'forbidden' : undefined;
}
