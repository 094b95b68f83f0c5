/**
 * For `http://` through an HTTP proxy there is no tunnel: the proxy's own refusal comes as the answer. Which
 * answers are the proxy's and not GitLab's?
 */
import type { HttpAnswer } from '../core/probe.ts';
import type { ProxyDecision } from '../core/target.ts';

export type ProxyFault =
  | 'proxy-auth-required'
  | 'proxy-auth-rejected'
  | 'proxy-denied'
  | 'proxy-upstream-failed';

export function proxyFaultOf(
  { status, headers }: HttpAnswer,
  proxy: Extract<ProxyDecision, { kind: 'proxy' }>,
): ProxyFault | undefined {
  if (status === 407) {
    return proxy.credentials === undefined ? 'proxy-auth-required' : 'proxy-auth-rejected';
  }
  // squid's mark on pages of its own; it passes on what GitLab says without.
  if (headers['x-squid-error'] === undefined) return undefined;
  return status >= 500 ? 'proxy-upstream-failed' : 'proxy-denied';
}
