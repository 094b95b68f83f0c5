/** Names: what the runner's own host makes of a lookup. */
import { DEAD_ADDRESS, GITLAB_ADDRESS } from '../network.ts';
import { startDnsForwarder } from '../peers/dns-forwarder.ts';
import { usualScript } from '../peers/names.ts';
import { printedFix } from '../printed-fix.ts';
import type { Row } from '../scenario.ts';
import type { World } from '../world.ts';

const NO_NAME = 'F/s/n/s/s/s/s';

const RESOLV_CONF = '/etc/resolv.conf';

const NSSWITCH = '/etc/nsswitch.conf';

const ONE_TRY = 'options timeout:1 attempts:1\n';

const DEAD_SERVERS = [DEAD_ADDRESS, '10.200.0.78', '10.200.0.79'];

const STUB = '127.0.0.53';

const DOCKER_DNS = '127.0.0.11';

function nameservers(servers: readonly string[]): string {
  return servers.map((server) => `nameserver ${server}\n`).join('') + ONE_TRY;
}

/** The runner asks a resolver on its own host, which asks GitLab's name server. */
function behind(address: string) {
  return async (world: World): Promise<void> =>
    world.adopt(await startDnsForwarder(world.network, address, GITLAB_ADDRESS));
}

export const dnsHostRows: readonly Row[] = [
  {
    id: 'D-16',
    title: 'three dead name servers stand before the good one, which is never asked',
    world: { probes: { dns: 'interval_seconds = 10' } },
    inject: ({ files }) => files.write(RESOLV_CONF, nameservers([...DEAD_SERVERS, GITLAB_ADDRESS])),
    expect: {
      cause: 'dns-timeout',
      severity: 'critical',
      chain: NO_NAME,
      says: /only the first three are ever asked/,
    },
    mustNot: ['dns-name-not-found'],
    fix: printedFix(/1i nameserver 10\.200\.0\.2/),
  },
  {
    id: 'D-17',
    title: 'nsswitch.conf has no dns',
    inject: ({ files }) => files.write(NSSWITCH, 'hosts: files\n'),
    expect: { cause: 'dns-source-disabled', severity: 'critical', chain: NO_NAME },
    runnerLogs: /no such host/,
    mustNot: ['dns-name-not-found', 'dns-nss-mismatch'],
    fix: printedFix(/hosts:\.\*/),
  },
  {
    id: 'D-17b',
    title: 'nsswitch.conf has no files, and only the hosts file has the name',
    world: { files: () => ({ '/etc/hosts': `${GITLAB_ADDRESS} gitlab.test\n` }) },
    inject: async ({ files, names }) => {
      names.answer((name, ...rest) =>
        name === 'gitlab.test' ? 'nxdomain' : usualScript(name, ...rest),
      );
      await files.write(NSSWITCH, 'hosts: dns\n');
    },
    expect: { cause: 'dns-source-disabled', severity: 'critical', chain: NO_NAME },
    runnerLogs: /no such host/,
    mustNot: ['dns-name-not-found'],
    fix: printedFix(/hosts: files/),
  },
  {
    id: 'D-18',
    title: 'the name server behind systemd-resolved fails',
    world: {
      before: behind(STUB),
      files: () => ({
        [RESOLV_CONF]: nameservers([STUB]),
        '/run/systemd/resolve/resolv.conf': `nameserver ${GITLAB_ADDRESS}\n`,
      }),
    },
    inject: ({ names }) => names.answer(() => 'servfail'),
    expect: {
      cause: 'dns-server-failure',
      severity: 'critical',
      chain: NO_NAME,
      says: /systemd-resolved \(127\.0\.0\.53\) gets no answer from its own name servers \(10\.200\.0\.2 servfail\)/,
    },
    mustNot: ['dns-resolver-down', 'dns-timeout'],
  },
  {
    id: 'D-18b',
    title: 'the name server behind Docker’s DNS server is dead',
    world: {
      before: behind(DOCKER_DNS),
      files: () => ({
        [RESOLV_CONF]: `nameserver ${DOCKER_DNS}\n${ONE_TRY}\n# ExtServers: [host(${GITLAB_ADDRESS})]\n`,
      }),
    },
    inject: ({ names }) => names.stop(),
    expect: {
      cause: 'dns-timeout',
      severity: 'critical',
      chain: NO_NAME,
      says: /Docker's DNS server \(127\.0\.0\.11\) gets no answer from its own name servers \(10\.200\.0\.2 connection-refused\)/,
    },
    runnerLogs: /i\/o timeout/,
    mustNot: ['dns-resolver-down'],
  },
];
