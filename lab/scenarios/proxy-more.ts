/** More rows about proxies: values and variables that Go reads differently, and faults that are not the proxy's. */
import { restartWith } from '../repairs.ts';
import { OPEN, PROXY_PORT, startProxy } from '../peers/proxy.ts';
import { CANARY } from '../runner-config.ts';
import type { Row } from '../scenario.ts';
import type { World, WorldOptions } from '../world.ts';

const PROXY = `http://proxy.test:${PROXY_PORT}`;

/** What comes from the runner's host itself is dropped; the proxy's own connections stay. */
async function onlyByProxy({ network }: World): Promise<void> {
  await network.rule('gl', 'input', 'iifname v0 ip daddr 10.200.0.2 tcp dport { 80, 443 } drop');
}

/** The proxy runs and would open the tunnel; each row decides whether the runner uses it. */
function besideProxy(more: WorldOptions): WorldOptions {
  return { before: async (world) => world.adopt(await startProxy(OPEN)), ...more };
}

export const moreProxyRows: readonly Row[] = [
  {
    id: 'P-02b',
    title: 'the direct path is blocked, and the runner has a proxy only for http://',
    world: besideProxy({ environment: { http_proxy: PROXY } }),
    inject: onlyByProxy,
    expect: { cause: 'proxy-setting-not-applied', severity: 'critical', chain: 'o/F/n/s/s/s/s' },
    mustNot: ['tcp-connect-timeout'],
    fix: { reported: /HTTPS_PROXY/, apply: restartWith({ HTTPS_PROXY: PROXY }) },
  },
  {
    id: 'P-01b',
    title: 'the direct path is blocked, and NO_PROXY exempts the runner from its proxy',
    world: besideProxy({ environment: { HTTPS_PROXY: PROXY, NO_PROXY: 'localhost,.test' } }),
    inject: onlyByProxy,
    expect: {
      cause: 'proxy-required-not-set',
      severity: 'critical',
      chain: 'o/F/n/s/s/s/s',
      says: /NO_PROXY exempts/,
    },
    mustNot: ['tcp-connect-timeout', 'proxy-setting-not-applied'],
    fix: { reported: /NO_PROXY/, apply: restartWith({ HTTPS_PROXY: PROXY }) },
  },
  {
    id: 'P-04b',
    title: 'no name server answers, and the proxy has a name',
    world: besideProxy({ environment: { HTTPS_PROXY: PROXY } }),
    inject: ({ network }) =>
      network.rule('gl', 'input', 'meta l4proto { tcp, udp } th dport 53 drop'),
    expect: { cause: 'dns-timeout', severity: 'critical', chain: 'F/s/Fs/s/s/s/s' },
    runnerLogs: /proxyconnect tcp: dial tcp: lookup proxy\.test on .*i\/o timeout/,
    mustNot: ['proxy-name-not-found', 'proxy-unreachable'],
  },
  {
    id: 'P-10b',
    title: 'the password holds a # that is not percent-encoded',
    world: besideProxy({ environment: { HTTPS_PROXY: PROXY } }),
    inject: ({ runner }) =>
      runner.restart({ HTTPS_PROXY: `http://alice:${CANARY}#1@proxy.test:${PROXY_PORT}` }),
    expect: { cause: 'proxy-url-invalid', severity: 'critical', chain: 'F/s/Fs/s/s/s/s' },
    runnerLogs: /lookup http on/,
    mustNot: ['proxy-name-not-found', 'dns-name-not-found'],
    fix: { reported: /%23/, apply: restartWith({ HTTPS_PROXY: PROXY }) },
  },
];
