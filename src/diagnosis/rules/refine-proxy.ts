/** What another way shows about the broken one (matrix 2.4): the single factor that flips the result. */
import type { CheckState } from '../../core/check.ts';
import type { EndpointTarget } from '../../core/target.ts';
import { specOfReason } from '../catalogue/index.ts';
import { mustHave } from '../draft.ts';
import { factsOf, hasReason, isFail } from '../picture.ts';
import type { Refinement } from './refinement.ts';

/** Refusals of a proxy that does its work: it does not serve this destination. */
const NOT_ITS_BUSINESS = ['denied', 'upstream-failed'] as const;

export const byDetour: Refinement = (link, endpoint, picture) => {
  const detour = picture.statesOf('detour').find(({ check }) => check.target.id === endpoint.id);
  if (detour === undefined || !isFail(link)) return undefined;
  const id = causeBy(link, detour);
  if (id === undefined) return undefined;
  return { spec: mustHave(id), facts: factsOf(detour) };
};

function causeBy(link: CheckState, detour: CheckState): string | undefined {
  const { is_for_runner, is_internal, no_proxy_entry, source } = factsOf(detour);
  if (hasReason(detour, 'intercepted')) {
    return link.check.probe.id === 'tls' ? 'proxy-tls-interception' : undefined;
  }
  if (link.check.probe.id === 'tls') {
    return hasReason(detour, 'small-segments-work') ? 'path-mtu-blackhole' : undefined;
  }
  if (hasReason(detour, 'known-proxy-works')) {
    return is_for_runner === true ? 'proxy-setting-not-applied' : 'proxy-required-not-set';
  }
  if (!hasReason(detour, 'direct-works')) return undefined;
  if (source !== undefined) return 'proxy-setting-not-applied';
  const isElsewhere = hasReason(link, ...NOT_ITS_BUSINESS) && is_internal === true;
  return no_proxy_entry !== undefined || isElsewhere ? 'no-proxy-mismatch' : undefined;
}

/** The certificate of an https:// proxy is judged by the same rules as GitLab's, and is named as such. */
export const byProxyCertificate: Refinement = (link) => {
  if (!hasReason(link, 'certificate-refused')) return undefined;
  const { problem } = factsOf(link);
  return { spec: specOfReason('tls', String(problem)) ?? mustHave('proxy-url-invalid') };
};

/** What Go makes of `http://user:p#ss@proxy` and of a scheme that was written twice. */
const NONSENSE_HOSTS: ReadonlySet<string> = new Set(['http', 'https', 'socks5', 'socks5h']);

/** The name that does not exist is no name: the value was taken apart at the wrong place. */
export const byNonsenseProxy: Refinement = (link, { proxy }: EndpointTarget) => {
  const isLost = link.check.probe.id === 'proxy' && hasReason(link, 'name-not-found');
  if (!isLost || proxy.kind === 'direct' || !NONSENSE_HOSTS.has(proxy.host)) return undefined;
  return {
    spec: mustHave('proxy-url-invalid'),
    facts: { proxy: 'the value', variable: proxy.variable },
  };
};

/** A value that Go cannot parse is ignored in silence, and the direct way is taken. */
export const byUnparsableProxy: Refinement = (link, { proxy }: EndpointTarget) => {
  const isDirect = ['dns', 'connect'].includes(link.check.probe.id) && isFail(link);
  if (proxy.kind !== 'direct' || proxy.unparsable === undefined || !isDirect) return undefined;
  return {
    spec: mustHave('proxy-url-invalid'),
    facts: { proxy: 'the value', variable: proxy.unparsable },
  };
};
