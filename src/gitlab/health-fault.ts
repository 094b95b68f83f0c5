/**
 * The fault that the answer to the health request shows. When that request is refused, a second page is requested,
 * since many web servers restrict the health page and let everything else through.
 */
import type { Send } from '../core/exchange-error.ts';
import { answerOrError, ExchangeError } from '../core/exchange-error.ts';
import { urlBelow } from '../core/http-url.ts';
import type { HttpAnswer, HttpRequest } from '../core/probe.ts';
import { leadToCauses } from '../core/reason.ts';
import { ANSWER_SECONDS } from '../core/runner-patience.ts';
import type { EndpointTarget } from '../core/target.ts';
import { PROXY_REASONS, proxyFaultOf } from './proxy-fault.ts';
import { WEB_REASONS, webFaultOf } from './web-fault.ts';

export const HEALTH_REQUEST: HttpRequest = {
  method: 'GET',
  path: '-/health',
  timeoutSeconds: ANSWER_SECONDS,
};
/** A page that every GitLab shows without a login. */
const OTHER_REQUEST: HttpRequest = { ...HEALTH_REQUEST, path: 'users/sign_in' };

export const HEALTH_REASONS = { ...WEB_REASONS, ...PROXY_REASONS, ...leadToCauses('banned') };

export type HealthFault = keyof typeof HEALTH_REASONS;

export async function healthFaultOf(
  answer: HttpAnswer,
  { url, proxy }: EndpointTarget,
  send: Send,
  signal: AbortSignal,
): Promise<HealthFault | undefined> {
  const isProxied = proxy.kind === 'proxy' && proxy.scheme !== 'socks5' && url.protocol === 'http:';
  const proxyFault = isProxied ? proxyFaultOf(answer, proxy) : undefined;
  if (proxyFault !== undefined) return proxyFault;
  const fault = webFaultOf(answer, urlBelow(url, HEALTH_REQUEST.path));
  // The runner's POST survives this redirect, and the api link reports it.
  if (fault === 'moved') return undefined;
  if (fault !== 'forbidden') return fault;
  const other = await requestOtherPage(send, signal);
  if (other === undefined) return 'forbidden';
  const isRefused = webFaultOf(other, urlBelow(url, OTHER_REQUEST.path)) === 'forbidden';
  if (!isRefused) return undefined;
  return isPlainForbidden(answer) && isPlainForbidden(other) ? 'banned' : 'forbidden';
}

/** Without an answer to the second request the first one holds. */
async function requestOtherPage(send: Send, signal: AbortSignal): Promise<HttpAnswer | undefined> {
  const answer = await answerOrError(send, OTHER_REQUEST, signal);
  return answer instanceof ExchangeError ? undefined : answer;
}

/** The body that Rack Attack, and some simple proxies, send to a banned address. */
function isPlainForbidden({ body }: HttpAnswer): boolean {
  return /^\s*Forbidden\s*$/i.test(body);
}
