/** Another proxy, or a direct connection, works where the path of the runner fails: that difference is the cause. */
import { isBroken } from '../../core/check.ts';
import type { CheckState } from '../../core/check.ts';
import type { EndpointTarget } from '../../core/target.ts';
import { specOfReason } from '../catalogue/index.ts';
import { requireCause } from '../build-cause.ts';
import { factsOf, hasReason } from '../snapshot-index.ts';
import type { Refinement } from './refinement.ts';

/** Rejections of a proxy that works: it does not serve this destination. */
const NOT_ITS_BUSINESS = ['denied', 'upstream-failed'] as const;

export const byAlternatePath: Refinement = (link, endpoint, indexed) => {
  const alternatePath = indexed
    .statesOf('alternate-path')
    .find(({ check }) => check.target.id === endpoint.id);
  if (alternatePath === undefined || !isBroken(link)) return undefined;
  const id = causeBy(link, alternatePath);
  if (id === undefined) return undefined;
  return { spec: requireCause(id), facts: factsOf(alternatePath) };
};

function causeBy(link: CheckState, alternatePath: CheckState): string | undefined {
  const { is_internal, no_proxy_entry, source } = factsOf(alternatePath);
  if (hasReason(alternatePath, 'intercepted')) {
    return link.check.probe.id === 'tls' ? 'proxy-tls-interception' : undefined;
  }
  if (link.check.probe.id === 'tls') {
    return hasReason(alternatePath, 'small-segments-work') ? 'path-mtu-blackhole' : undefined;
  }
  if (hasReason(alternatePath, 'plain-proxy-works')) return 'proxy-url-invalid';
  if (hasReason(alternatePath, 'known-proxy-works')) return causeByProxy(alternatePath);
  if (!hasReason(alternatePath, 'direct-works')) return undefined;
  if (source !== undefined) return 'proxy-setting-not-applied';
  const isElsewhere = hasReason(link, ...NOT_ITS_BUSINESS) && is_internal === true;
  return no_proxy_entry !== undefined || isElsewhere ? 'no-proxy-mismatch' : undefined;
}

/** Another proxy works: the runner should use it, is exempted from it, or was never configured for it. */
function causeByProxy(alternatePath: CheckState): string {
  const { is_for_runner, is_exempt } = factsOf(alternatePath);
  const isUnread = is_for_runner === true && is_exempt !== true;
  return isUnread ? 'proxy-setting-not-applied' : 'proxy-required-not-set';
}

/** The certificate of an https:// proxy is judged by the same rules as GitLab's, and named as such. */
export const byProxyCertificate: Refinement = (link) => {
  if (!hasReason(link, 'certificate-refused')) return undefined;
  const { problem } = factsOf(link);
  return { spec: specOfReason('tls', String(problem)) ?? requireCause('proxy-url-invalid') };
};

/** Go silently ignores a value that it cannot parse, or uses another proxy: one named `http`. */
export const byUnparsableProxy: Refinement = (link, { proxy }: EndpointTarget) => {
  if (proxy.kind === 'proxy' && proxy.isMisread === true && isBroken(link)) {
    return { spec: requireCause('proxy-url-invalid'), facts: { is_misread: true } };
  }
  const isDirect = ['dns', 'connect'].includes(link.check.probe.id) && isBroken(link);
  if (proxy.kind === 'direct' && proxy.refused !== undefined && isBroken(link)) {
    return { spec: requireCause('proxy-refused-by-go'), facts: { variable: proxy.refused } };
  }
  if (proxy.kind !== 'direct' || proxy.unparsable === undefined || !isDirect) return undefined;
  return {
    spec: requireCause('proxy-url-invalid'),
    facts: { proxy: 'the value', variable: proxy.unparsable },
  };
};
