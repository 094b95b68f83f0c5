/**
 * For `http://` through an HTTP proxy there is no tunnel, so a refusal of the proxy arrives as the answer. Decides
 * which answers are the proxy's and not GitLab's.
 */
import { leadToCauses } from '../core/reason.ts';
import type { HttpAnswer } from '../core/probe.ts';
import type { ProxyDecision } from '../core/target.ts';

export const PROXY_REASONS = leadToCauses(
  'proxy-auth-required',
  'proxy-auth-rejected',
  'proxy-denied',
  'proxy-upstream-failed',
);

export type ProxyFault = keyof typeof PROXY_REASONS;

export function proxyFaultOf(
  { status, headers }: HttpAnswer,
  proxy: Extract<ProxyDecision, { kind: 'proxy' }>,
): ProxyFault | undefined {
  if (status === 407) {
    return proxy.credentials === undefined ? 'proxy-auth-required' : 'proxy-auth-rejected';
  }
  // squid sets this header on its own error pages, and not on answers that it forwards.
  if (headers['x-squid-error'] === undefined) return undefined;
  return status >= 500 ? 'proxy-upstream-failed' : 'proxy-denied';
}
