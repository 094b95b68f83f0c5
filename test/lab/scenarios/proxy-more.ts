/** Fault matrix 3.4 once more: values that Go reads otherwise, and settings that the process does not have. */
import { restartWith } from '../mending.ts';
import type { ProxySays } from '../peers/proxy.ts';
import { OPEN, PROXY_PORT, refusal, startProxy } from '../peers/proxy.ts';
import { CANARY, usualEntry } from '../runner-config.ts';
import type { Row } from '../scenario.ts';
import type { World, WorldOptions } from '../world.ts';

const PROXY = `http://proxy.test:${PROXY_PORT}`;
const DIRECT = 'o/F/n/s/s/s/s';
const DROP_IN = '/etc/systemd/system/gitlab-runner.service.d/http-proxy.conf';
const UNIT = '[Service]\nExecStart=/usr/bin/gitlab-runner run\n';

/** What comes from the runner's host itself is dropped; the proxy's own connections stay. */
async function onlyByProxy({ network }: World): Promise<void> {
  await network.rule('gl', 'input', 'iifname v0 ip daddr 10.200.0.2 tcp dport { 80, 443 } drop');
}

/** The proxy stands and would open the way; whether the runner is told of it is the row's matter. */
function besideProxy(more: WorldOptions): WorldOptions {
  return { before: async (world) => world.adopt(await startProxy(OPEN)), ...more };
}

function proxyNow(says: ProxySays) {
  return async (world: World): Promise<void> => {
    await world.release();
    world.adopt(await startProxy(says));
  };
}

export const moreProxyRows: readonly Row[] = [
  {
    id: 'P-02b',
    title: 'the direct way is closed, and the runner has a proxy for http:// alone',
    world: besideProxy({ environment: { http_proxy: PROXY } }),
    inject: onlyByProxy,
    expect: { cause: 'proxy-setting-not-applied', severity: 'critical', chain: DIRECT },
    mustNot: ['tcp-connect-timeout'],
    fix: { told: /HTTPS_PROXY/, apply: restartWith({ HTTPS_PROXY: PROXY }) },
  },
  {
    id: 'P-02c',
    title: 'the direct way is closed, and the drop-in with the proxy is newer than the process',
    world: besideProxy({
      files: () => ({ '/etc/systemd/system/gitlab-runner.service': UNIT }),
    }),
    inject: async (world) => {
      await onlyByProxy(world);
      await world.files.write(DROP_IN, `[Service]\nEnvironment="HTTPS_PROXY=${PROXY}"\n`);
    },
    expect: {
      cause: 'proxy-setting-not-applied',
      severity: 'critical',
      chain: DIRECT,
      says: /http-proxy\.conf/,
    },
    mustNot: ['tcp-connect-timeout', 'proxy-required-not-set'],
    fix: { told: /systemctl restart gitlab-runner/, apply: restartWith({ HTTPS_PROXY: PROXY }) },
  },
  {
    id: 'P-03b',
    title: 'the proxy is down, and of two entries one goes through it',
    world: besideProxy({
      environment: { HTTPS_PROXY: PROXY, NO_PROXY: 'gitlab.test' },
      entries: [
        usualEntry({ name: 'direct-1' }),
        usualEntry({ name: 'proxied-1', url: 'https://alias.test/' }),
      ],
    }),
    inject: ({ release }) => release(),
    expect: {
      cause: 'proxy-unreachable',
      severity: 'critical',
      runners: {
        'direct-1': { cause: 'none', chain: 'o/o/n/o/o/o/o' },
        'proxied-1': { cause: 'proxy-unreachable', chain: 'o/F/Fs/s/s/s/s' },
      },
    },
    mustNot: ['tcp-connection-refused', 'no-proxy-mismatch'],
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
    fix: { told: /percent-encode/, apply: restartWith({ HTTPS_PROXY: PROXY }) },
  },
  {
    id: 'P-11b',
    title: 'NO_PROXY has the network of GitLab, and url has its name',
    world: besideProxy({
      environment: { HTTPS_PROXY: PROXY, NO_PROXY: 'localhost,10.200.0.0/24' },
    }),
    inject: proxyNow(() => refusal('505 PROXY ERROR')),
    expect: {
      cause: 'no-proxy-mismatch',
      severity: 'critical',
      chain: 'o/o/F/s/s/s/s',
      says: /10\.200\.0\.0\/24/,
    },
    runnerLogs: /PROXY ERROR/,
    mustNot: ['proxy-upstream-failed', 'proxy-connect-denied'],
    fix: { told: /NO_PROXY=gitlab\.test/, apply: restartWith({ NO_PROXY: 'gitlab.test' }) },
  },
];
