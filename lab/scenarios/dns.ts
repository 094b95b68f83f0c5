/** Names: the answers of the resolvers. */
import { DEAD_ADDRESS, GITLAB_ADDRESS, SECOND_RESOLVER } from '../network.ts';
import { usualScript } from '../peers/names.ts';
import { usualEntry } from '../runner-config.ts';
import type { Row } from '../scenario.ts';

const NO_NAME = 'F/s/n/s/s/s/s';
const RESOLV_CONF = '/etc/resolv.conf';
const ONE_TRY = 'options timeout:1 attempts:2\n';

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
    fix: {
      reported: /resolv\.conf/,
      apply: ({ files }) => files.write(RESOLV_CONF, `nameserver ${GITLAB_ADDRESS}\n`),
    },
  },
  {
    id: 'D-06',
    title: 'a line in hosts pins a dead address, and DNS is right',
    inject: ({ files }) =>
      files.write('/etc/hosts', `127.0.0.1 localhost\n${DEAD_ADDRESS} gitlab.test\n`),
    expect: { cause: 'dns-hosts-override-stale', severity: 'critical', chain: 'do/F/n/s/s/s/s' },
    mustNot: ['network-host-unreachable', 'tcp-connect-timeout'],
    fix: {
      reported: /hosts/,
      apply: ({ files }) => files.edit('/etc/hosts', /.*gitlab\.test\n/, ''),
    },
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
    fix: {
      reported: /search/,
      apply: ({ files }) => files.edit(RESOLV_CONF, 'nameserver', 'search test\nnameserver'),
    },
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
];
