/** Names: the answers of the resolvers. */
import { text } from '../../src/demo/gitlab-response.ts';
import { DEAD_ADDRESS, GITLAB_ADDRESS, PROXY_ADDRESS, SECOND_RESOLVER } from '../network.ts';
import { startMachine } from '../peers/machine.ts';
import { usualScript } from '../peers/names.ts';
import { publicLeaf } from '../peers/pki.ts';
import { usualEntry } from '../runner-config.ts';
import { printedFix } from '../printed-fix.ts';
import type { Row } from '../scenario.ts';
import type { World, WorldOptions } from '../world.ts';

const NO_NAME = 'F/s/n/s/s/s/s';

const RESOLV_CONF = '/etc/resolv.conf';

const ONE_TRY = 'options timeout:1 attempts:2\n';

const LOCALHOST = '127.0.0.1 localhost\n';

/** Another web server, alive and not GitLab, on an address of its own. */
const OTHER_SERVER = {
  certificate: publicLeaf({ name: 'other.test', dns: ['other.test'] }),
  reply: text(200, 'another'),
};

async function otherServer(world: World): Promise<void> {
  await startMachine(world, OTHER_SERVER);
}

/** In place of `getent -- ahosts NAME`: a C library with mdns. */
const LIBC_WITH_MDNS = `#!/bin/sh
grep -q mdns /etc/nsswitch.conf && test "$3" = gitlab.test && echo "${GITLAB_ADDRESS} STREAM"
`;

/** The C library is asked only where the root of the host is that of runnerwatch. */
const OWN_ROOT: WorldOptions = {
  daemon: { isMountedOver: true },
  before: async ({ network, files }) => {
    const bind = ['/etc', '/var/log'].map(
      (folder) => `mount --bind ${files.path}${folder} ${folder}`,
    );
    await network.run('rn', `grep -q ' /etc ' /proc/self/mountinfo || { ${bind.join(' && ')}; }`);
  },
};

export const dnsRows: readonly Row[] = [
  {
    id: 'D-01',
    title: 'the name server says NXDOMAIN',
    inject: ({ names }) => names.answer(() => 'nxdomain'),
    expect: { cause: 'dns-name-not-found', severity: 'critical', chain: NO_NAME },
    runnerLogs: /no such host/,
    mustNot: ['dns-timeout'],
  },
  {
    id: 'D-02',
    title: 'the name server says SERVFAIL',
    inject: ({ names }) => names.answer(() => 'servfail'),
    expect: { cause: 'dns-server-failure', severity: 'critical', chain: NO_NAME },
    runnerLogs: /server misbehaving/,
    mustNot: ['dns-name-not-found'],
  },
  {
    id: 'D-03',
    title: 'packets to port 53 are dropped',
    inject: ({ network }) =>
      network.rule('gl', 'input', 'meta l4proto { tcp, udp } th dport 53 drop'),
    expect: { cause: 'dns-timeout', severity: 'critical', chain: NO_NAME },
    runnerLogs: /i\/o timeout/,
    mustNot: ['dns-resolver-down'],
  },
  {
    id: 'D-04',
    title: 'nothing listens on the resolver’s address',
    inject: ({ names }) => names.stop(),
    expect: { cause: 'dns-resolver-down', severity: 'critical', chain: NO_NAME },
    runnerLogs: /read: connection refused/,
    mustNot: ['dns-timeout'],
  },
  {
    id: 'D-05',
    title: 'resolv.conf is empty',
    inject: ({ files }) => files.write(RESOLV_CONF, ''),
    expect: { cause: 'dns-not-configured', severity: 'critical', chain: NO_NAME },
    runnerLogs: /\[::1\]|127\.0\.0\.1/,
    mustNot: ['dns-resolver-down'],
    fix: printedFix(/tee \/etc\/resolv\.conf/),
  },
  {
    id: 'D-06',
    title: 'a line in hosts pins a dead address, and DNS is right',
    inject: ({ files }) =>
      files.write('/etc/hosts', `127.0.0.1 localhost\n${DEAD_ADDRESS} gitlab.test\n`),
    expect: { cause: 'dns-hosts-override-stale', severity: 'critical', chain: 'do/F/n/s/s/s/s' },
    mustNot: ['network-host-unreachable', 'tcp-connect-timeout'],
    fix: printedFix(/sed -e .*\/etc\/hosts/),
  },
  {
    id: 'D-07',
    title: 'the first resolver gives a dead address, the second the right one',
    world: {
      files: () => ({
        [RESOLV_CONF]: `nameserver ${GITLAB_ADDRESS}\nnameserver ${SECOND_RESOLVER}\n${ONE_TRY}`,
      }),
    },
    inject: ({ names }) =>
      names.answer(
        (name, type, transport) =>
          type === 'A' && name === 'gitlab.test'
            ? [DEAD_ADDRESS]
            : usualScript(name, type, transport),
        usualScript,
      ),
    expect: { cause: 'dns-wrong-answer', severity: 'critical', chain: 'do/F/n/s/s/s/s' },
    mustNot: ['tcp-connect-timeout', 'tcp-connection-refused', 'network-host-unreachable'],
  },
  {
    id: 'D-08',
    title: 'the name server says NOERROR without a record',
    inject: ({ names }) => names.answer(() => []),
    expect: { cause: 'dns-name-not-found', severity: 'critical', chain: NO_NAME },
    runnerLogs: /no such host/,
    mustNot: ['dns-server-failure'],
  },
  {
    id: 'D-09',
    title: 'the first resolver is dead, the second answers',
    world: { probes: { dns: 'slow_seconds = 0.5' } },
    inject: ({ files }) =>
      files.write(
        RESOLV_CONF,
        `nameserver ${DEAD_ADDRESS}\nnameserver ${GITLAB_ADDRESS}\noptions timeout:2\n`,
      ),
    expect: { cause: 'dns-slow', severity: 'notice', chain: 'd/o/n/o/o/o/o' },
    mustNot: ['dns-timeout', 'dns-resolver-down'],
  },
  {
    id: 'D-10',
    title: 'a short name, and the search line is gone',
    world: {
      entries: [usualEntry({ url: 'https://gitlab/' })],
      files: () => ({ [RESOLV_CONF]: `search test\nnameserver ${GITLAB_ADDRESS}\n${ONE_TRY}` }),
    },
    inject: ({ files }) => files.edit(RESOLV_CONF, 'search test\n', ''),
    expect: { cause: 'dns-name-not-found', severity: 'critical', chain: NO_NAME, says: /gitlab/ },
    runnerLogs: /no such host/,
    mustNot: [],
    fix: printedFix(/tee \/etc\/resolv\.conf/),
  },
  {
    id: 'D-15',
    title: 'answers over UDP are cut short, and TCP 53 is dropped',
    inject: async ({ names, network }) => {
      names.answer(() => 'truncated');
      await network.rule('gl', 'input', 'tcp dport 53 drop');
    },
    expect: { cause: 'dns-timeout', severity: 'critical', chain: NO_NAME },
    mustNot: ['dns-name-not-found'],
  },
  {
    id: 'D-03b',
    title: 'this host’s own firewall drops questions to the name server',
    inject: ({ network }) =>
      network.rule('rn', 'output', 'meta l4proto { tcp, udp } th dport 53 drop'),
    expect: { cause: 'firewall-local-block', severity: 'critical', chain: NO_NAME },
    runnerLogs: /operation not permitted/,
    mustNot: ['dns-timeout', 'dns-server-failure'],
    fix: printedFix(/nft delete rule/),
  },
  {
    id: 'D-06b',
    title: 'a line in hosts pins another server that is alive and not GitLab',
    world: { before: otherServer },
    inject: ({ files }) => files.write('/etc/hosts', `${LOCALHOST}${PROXY_ADDRESS} gitlab.test\n`),
    expect: { cause: 'dns-hosts-override-stale', severity: 'critical', chain: 'do/o/n/F/s/s/s' },
    runnerLogs: /certificate is valid for/,
    mustNot: ['tls-hostname-mismatch', 'tls-unknown-authority'],
    fix: printedFix(/sed -e .*\/etc\/hosts/),
  },
  {
    id: 'D-07b',
    title: 'the first resolver gives another server, the second GitLab',
    world: {
      before: otherServer,
      files: () => ({
        [RESOLV_CONF]: `nameserver ${GITLAB_ADDRESS}\nnameserver ${SECOND_RESOLVER}\n`,
      }),
    },
    inject: ({ names }) =>
      names.answer(
        (name, type, transport) =>
          type === 'A' && name === 'gitlab.test'
            ? [PROXY_ADDRESS]
            : usualScript(name, type, transport),
        usualScript,
      ),
    expect: { cause: 'dns-wrong-answer', severity: 'critical', chain: 'do/o/n/F/s/s/s' },
    mustNot: ['tls-hostname-mismatch', 'tls-unknown-authority'],
  },
  {
    id: 'D-11b',
    title: 'only a module of nsswitch.conf knows the name, and the runner has no such module',
    world: OWN_ROOT,
    inject: async ({ names, files }) => {
      names.answer(() => 'nxdomain');
      await files.write('/etc/nsswitch.conf', 'hosts: files mdns4 [NOTFOUND=return] dns\n');
      await files.write('/shims/getent', LIBC_WITH_MDNS, 0o755);
    },
    expect: { cause: 'dns-nss-mismatch', severity: 'critical', chain: NO_NAME, says: /getent/ },
    runnerLogs: /no such host/,
    mustNot: ['dns-name-not-found'],
    fix: printedFix(/tee -a \/etc\/hosts/),
  },
];
