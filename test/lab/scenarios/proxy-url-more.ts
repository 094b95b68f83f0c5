/** More of fault matrix 3.4: a value that Go takes apart at the wrong place. */
import { OPEN, PROXY_PORT, startProxy } from '../peers/proxy.ts';
import { CANARY } from '../runner-config.ts';
import type { Row } from '../scenario.ts';

const PLACE = `proxy.test:${PROXY_PORT}`;

export const moreProxyUrlRows: readonly Row[] = [
  {
    id: 'P-10b',
    title: 'the password of the proxy holds a # that is not escaped',
    world: {
      environment: { HTTPS_PROXY: `http://alice:${CANARY}%23x@${PLACE}` },
      before: async (world) => world.adopt(await startProxy(OPEN)),
    },
    inject: ({ runner }) => runner.restart({ HTTPS_PROXY: `http://alice:${CANARY}#x@${PLACE}` }),
    expect: { cause: 'proxy-url-invalid', severity: 'critical', chain: 'F/s/F/s/s/s/s' },
    runnerLogs: /proxyconnect tcp: .*no such host/,
    mustNot: ['proxy-name-not-found', 'dns-name-not-found', 'proxy-setting-not-applied'],
    fix: {
      told: /# as %23/,
      apply: ({ runner }) => runner.restart({ HTTPS_PROXY: `http://alice:${CANARY}%23x@${PLACE}` }),
    },
  },
];
