/**
 * The path of each walk (proxy, resolver, address), so that rules over many hosts can show what the failing hosts have
 * in common.
 */
import type { CheckState } from '../core/check.ts';
import { allEndpoints } from '../core/host-context.ts';
import type { EndpointTarget } from '../core/target.ts';
import type { View } from '../core/view.ts';
import type { Family } from './family.ts';

export const ENDPOINT_FAMILIES: readonly Family[] = [
  {
    name: 'endpoint_info',
    kind: 'gauge',
    help: 'Network paths to GitLab: URL, proxy and name servers in use, empty if none; the value is always 1.',
    labels: ['target', 'url', 'proxy', 'resolver'],
    samples: ({ snapshot }) =>
      allEndpoints(snapshot.hostContext).map((endpoint) => ({
        labels: {
          target: endpoint.id,
          url: endpoint.url.href,
          proxy: proxyOf(endpoint),
          resolver: resolverOf(endpoint, snapshot),
        },
        value: 1,
      })),
  },
];

/** Written as a cause names its target. */
function proxyOf({ proxy }: EndpointTarget): string {
  return proxy.kind === 'proxy' ? `${proxy.host}:${proxy.port}` : '';
}

/** Of the last lookup, also when it is too old to be believed: a label that comes and goes is a new series. */
function resolverOf({ id }: EndpointTarget, { checks }: View['snapshot']): string {
  const isLookup = ({ check }: CheckState): boolean =>
    check.probe.id === 'dns' && check.target.id === id;
  const servers = checks.find(isLookup)?.last?.finding.facts?.['servers'];
  return servers === undefined ? '' : String(servers);
}
