/** The network: packets, routes, ports. */
import { createServer as createSecureServer } from 'node:https';
import { connect, createServer } from 'node:net';

import { make } from '../../test/support/certificates.ts';
import { GITLAB_ADDRESS, GITLAB_ADDRESS_6, SECOND_RESOLVER } from '../network.ts';
import { holdConnections } from '../peers/connections.ts';
import { usualScript } from '../peers/names.ts';
import { GOOD, PUBLIC_ROOT, leafShape, withChain } from '../peers/pki.ts';
import { printedFix } from '../printed-fix.ts';
import type { FaultRow, Row } from '../scenario.ts';
import type { World } from '../world.ts';

const NO_PORT = 'o/F/n/s/s/s/s';

/** The name server is beyond the same break. */
const NO_WAY = 'oF/Fs/n/s/s/s/s';

const DEAD_ADDRESS_6 = 'fd00:200::77';

const UNHURRIED = 'interval_seconds = 6';

const COUNT_FILE = '/conntrack/count';

const MAX_FILE = '/conntrack/max';

/** A leaf so large that the server's first flight takes more than one packet. */
const large = withChain(
  make(
    leafShape({ dns: ['gitlab.test', ...Array.from({ length: 80 }, (_, n) => `alt-${n}.test`)] }),
    PUBLIC_ROOT,
  ),
);

function rule(side: 'rn' | 'gl', hook: 'input' | 'output', text: string): Pick<FaultRow, 'inject'> {
  return { inject: ({ network }) => network.rule(side, hook, text) };
}

/** The counters of the kernel's connection table, seen from the runner's host only. */
async function setConntrack({ network, files }: World, count: number, max: number): Promise<void> {
  await files.write(COUNT_FILE, `${count}\n`);
  await files.write(MAX_FILE, `${max}\n`);
  for (const [file, name] of [
    [COUNT_FILE, 'count'],
    [MAX_FILE, 'max'],
  ]) {
    const place = `/proc/sys/net/netfilter/nf_conntrack_${name}`;
    await network.run('rn', `mount --bind ${files.path}${file} ${place}`);
  }
}

async function conntrackAsBefore({ network }: World): Promise<void> {
  await network.run(
    'rn',
    'umount /proc/sys/net/netfilter/nf_conntrack_count /proc/sys/net/netfilter/nf_conntrack_max',
  );
}

const RUNNER_UID = 1500;

const BEHIND = 8444;

const QUIET_MILLISECONDS = 10_000;

/** A line of the runner’s own routing table that leads nowhere. */
function closeRoute(kind: 'blackhole' | 'prohibit'): Pick<FaultRow, 'inject' | 'recover'> {
  const run =
    (what: 'add' | 'del') =>
    async ({ network }: World): Promise<string> =>
      await network.run('rn', `ip route ${what} ${kind} ${GITLAB_ADDRESS}`);
  return { inject: run('add'), recover: run('del') };
}

/** As a balancer in TCP mode does: GitLab itself is behind it, and short requests pass. */
async function quietIsCut({ gitlab, listenAt }: World): Promise<void> {
  const { certificatePem, privateKeyPem } = GOOD;
  const tls = { cert: certificatePem, key: privateKeyPem };
  await listenAt(createSecureServer(tls, gitlab.application.listener), BEHIND);
  await gitlab.replace(() =>
    createServer((socket) => {
      const onward = connect({ host: GITLAB_ADDRESS, port: BEHIND });
      onward.on('error', () => socket.destroy()).once('close', () => socket.destroy());
      socket.once('close', () => onward.destroy());
      socket.setTimeout(QUIET_MILLISECONDS, () => socket.destroy());
      socket.pipe(onward).pipe(socket);
    }),
  );
}

function answerIpv6Alone(names: World['names']): void {
  names.answer((name, type, transport) => {
    if (name !== 'gitlab.test') return usualScript(name, type, transport);
    return type === 'AAAA' ? [GITLAB_ADDRESS_6] : [];
  });
}

export const networkRows: readonly Row[] = [
  {
    id: 'N-01',
    title: 'GitLab’s web server is stopped',
    inject: ({ gitlab }) => gitlab.stop(),
    expect: { cause: 'tcp-connection-refused', severity: 'critical', chain: NO_PORT },
    runnerLogs: /connect: connection refused/,
    mustNot: ['firewall-local-block'],
  },
  {
    id: 'N-02',
    title: 'a firewall before GitLab drops the packets',
    ...rule('gl', 'input', 'tcp dport 443 drop'),
    expect: { cause: 'tcp-connect-timeout', severity: 'critical', chain: NO_PORT },
    runnerLogs: /i\/o timeout/,
    mustNot: ['network-host-unreachable'],
  },
  {
    id: 'N-03',
    title: 'a firewall answers that it is prohibited',
    ...rule('gl', 'input', 'tcp dport 443 reject with icmpx admin-prohibited'),
    expect: { cause: 'firewall-reject', severity: 'critical', chain: NO_PORT },
    runnerLogs: /connect: no route to host/,
    mustNot: ['network-host-unreachable'],
  },
  {
    id: 'N-04',
    title: 'the route is gone',
    inject: ({ network }) => network.run('rn', 'ip route del 10.200.0.0/24'),
    expect: { cause: 'network-no-route', severity: 'critical', chain: NO_WAY },
    runnerLogs: /network is unreachable/,
    mustNot: ['tcp-connect-timeout', 'dns-timeout'],
  },
  {
    id: 'N-06',
    title: 'large packets are dropped on the path',
    // The walk takes longer than three intervals of two seconds, after which results count as stale.
    world: { certificate: large, probes: { dns: UNHURRIED, connect: UNHURRIED } },
    inject: async ({ network }) => {
      await network.run('gl', 'ethtool -K v0 tso off gso off');
      await network.rule('gl', 'output', 'tcp sport 443 meta length > 900 drop');
    },
    expect: { cause: 'path-mtu-blackhole', severity: 'critical', chain: 'o/o/n/F/s/s/s' },
    runnerLogs: /TLS handshake timeout/,
    mustNot: ['tls-handshake-blocked', 'gitlab-not-responding'],
  },
  {
    id: 'N-07',
    title: 'this host’s own firewall drops the packets',
    ...rule('rn', 'output', 'tcp dport 443 drop'),
    expect: { cause: 'firewall-local-block', severity: 'critical', chain: NO_PORT },
    mustNot: ['tcp-connect-timeout'],
    fix: printedFix(/nft delete rule/),
  },
  {
    id: 'N-07b',
    title: 'this host’s own firewall rejects the packets',
    ...rule('rn', 'output', 'tcp dport 443 reject with tcp reset'),
    expect: { cause: 'firewall-local-block', severity: 'critical', chain: NO_PORT },
    mustNot: ['tcp-connection-refused'],
    fix: printedFix(/nft delete rule/),
  },
  {
    id: 'N-08',
    title: 'the table of connections is full, and new ones are dropped',
    inject: async (world) => {
      await setConntrack(world, 4, 4);
      await world.network.rule('rn', 'output', 'tcp flags syn drop');
    },
    expect: { cause: 'conntrack-table-full', severity: 'critical', chain: 'ouF/Fs/n/s/s/s/s' },
    mustNot: ['dns-timeout', 'tcp-connect-timeout'],
    recover: conntrackAsBefore,
  },
  {
    id: 'N-09',
    title: 'the interface is down',
    inject: ({ network }) => network.run('rn', 'ip link set v0 down'),
    expect: { cause: 'network-no-route', severity: 'critical', chain: NO_WAY },
    runnerLogs: /network is unreachable/,
    mustNot: ['dns-timeout'],
  },
  {
    id: 'N-10',
    title: 'the name has only an IPv6 address, and no host has it',
    inject: ({ names }) =>
      names.answer((name, type, transport) => {
        if (name !== 'gitlab.test') return usualScript(name, type, transport);
        return type === 'AAAA' ? [DEAD_ADDRESS_6] : [];
      }),
    expect: { cause: 'ipv6-path-broken', severity: 'critical', chain: NO_PORT },
    runnerLogs: /no route to host/,
    mustNot: ['network-host-unreachable'],
  },
  {
    id: 'N-11',
    title: '40 % of all packets are lost, in both directions',
    inject: async ({ network }) => {
      const loss = 'meta l4proto tcp numgen random mod 100 < 40 drop';
      await network.rule('gl', 'input', loss);
      await network.rule('gl', 'output', loss);
    },
    expect: { cause: 'network-packet-loss', severity: 'warning' },
    mustNot: ['tls-handshake-blocked', 'path-mtu-blackhole'],
    isIntermittent: true,
  },
  {
    id: 'N-13',
    title: 'the connection is reset after the headers',
    inject: ({ gitlab }) =>
      gitlab.replace(() =>
        createSecureServer(
          { cert: GOOD.certificatePem, key: GOOD.privateKeyPem },
          (request, response) => {
            response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': 100 });
            response.write('{');
            setImmediate(() => request.socket.destroySoon());
          },
        ),
      ),
    expect: {
      cause: 'connection-reset-midstream',
      severity: 'warning',
      verdict: 'broken',
      chain: 'o/o/n/o/dF/us/us',
    },
    mustNot: ['idle-connection-killed'],
  },
  {
    id: 'N-14',
    title: 'all local ports are taken',
    inject: async ({ network, adopt }) => {
      await network.run('rn', 'sysctl -q -w net.ipv4.ip_local_port_range="40000 40003"');
      adopt(await holdConnections(network, `${GITLAB_ADDRESS}/443`, 4));
    },
    expect: { cause: 'ephemeral-ports-exhausted', severity: 'critical', chain: NO_PORT },
    runnerLogs: /cannot assign requested address/,
    mustNot: ['tcp-connect-timeout'],
    recover: ({ network }) =>
      network.run('rn', 'sysctl -q -w net.ipv4.ip_local_port_range="32768 60999"'),
  },
  {
    id: 'N-19',
    title: 'port 443 is dropped, 22 and 80 of the same host are open',
    inject: async ({ network, listenAt }) => {
      await listenAt(createServer(), 22);
      await network.rule('gl', 'input', 'tcp dport 443 drop');
    },
    expect: { cause: 'tcp-connect-timeout', severity: 'critical', chain: NO_PORT },
    mustNot: ['network-host-unreachable'],
  },
  {
    id: 'N-22',
    title: 'the table of connections is at 92 %, and nothing is dropped',
    act: async (world) => await setConntrack(world, 920, 1000),
    allowed: ['conntrack-table-full'],
  },
  {
    id: 'N-04b',
    title: 'a blackhole route covers the address',
    ...closeRoute('blackhole'),
    expect: { cause: 'network-no-route', severity: 'critical', chain: NO_WAY },
    runnerLogs: /network is unreachable/,
    mustNot: ['tcp-connect-timeout', 'dns-timeout', 'firewall-reject'],
  },
  {
    id: 'N-04c',
    title: 'a prohibit route covers the address, and the name server is elsewhere',
    world: { files: () => ({ '/etc/resolv.conf': `nameserver ${SECOND_RESOLVER}\n` }) },
    ...closeRoute('prohibit'),
    expect: {
      cause: 'network-no-route',
      severity: 'critical',
      chain: NO_PORT,
      says: /routing table/,
    },
    runnerLogs: /permission denied/,
    mustNot: ['firewall-reject', 'network-host-unreachable'],
  },
  {
    id: 'N-07c',
    title: 'this host’s own firewall drops only packets of the runner’s user',
    world: { uid: RUNNER_UID, logFormat: 'json' },
    ...rule('rn', 'output', `meta skuid ${RUNNER_UID} tcp dport 443 drop`),
    expect: { cause: 'firewall-local-block', severity: 'critical', chain: 'o/o/n/o/o/o/o' },
    runnerLogs: /i\/o timeout/,
    mustNot: ['tcp-connect-timeout'],
    needsHistory: true,
    fix: printedFix(/nft delete rule/),
  },
  {
    id: 'N-07g',
    title: 'the same, seen by check before the runner has complained',
    world: { uid: RUNNER_UID, logFormat: 'json' },
    startsBroken: true,
    ...rule('rn', 'output', `meta skuid ${RUNNER_UID} tcp dport 443 drop`),
    expect: { cause: 'firewall-local-block', severity: 'critical', verdict: 'broken' },
    runnerLogs: /i\/o timeout/,
    mustNot: ['tcp-connect-timeout'],
  },
  {
    id: 'N-07d',
    title: 'this host’s own firewall drops the answers',
    ...rule('rn', 'input', 'tcp sport 443 drop'),
    expect: { cause: 'firewall-local-block', severity: 'critical', chain: NO_PORT },
    runnerLogs: /i\/o timeout/,
    mustNot: ['tcp-connect-timeout'],
    fix: printedFix(/nft delete rule/),
  },
  {
    id: 'N-10b',
    title: 'the name has only an IPv6 address, and this host has no IPv6',
    inject: async ({ network, names }) => {
      await network.run('rn', 'sysctl -q -w net.ipv6.conf.all.disable_ipv6=1');
      answerIpv6Alone(names);
    },
    expect: {
      cause: 'network-no-route',
      severity: 'critical',
      chain: NO_PORT,
      says: /no IPv6 route/,
    },
    runnerLogs: /cannot assign requested address/,
    mustNot: ['ephemeral-ports-exhausted', 'ipv6-path-broken'],
  },
  {
    id: 'N-10c',
    title: 'the name has only an IPv6 address, and this host has no IPv6 route',
    inject: async ({ network, names }) => {
      await network.run('rn', 'ip -6 route flush fd00:200::/64');
      answerIpv6Alone(names);
    },
    expect: {
      cause: 'network-no-route',
      severity: 'critical',
      chain: NO_PORT,
      says: /no IPv6 route/,
    },
    runnerLogs: /network is unreachable/,
    mustNot: ['ipv6-path-broken', 'tcp-connect-timeout'],
  },
  {
    id: 'N-07e',
    title: 'this host’s own firewall rejects the packets as iptables -j REJECT does',
    ...rule('rn', 'output', `ip daddr ${GITLAB_ADDRESS} tcp dport 443 reject`),
    expect: { cause: 'firewall-local-block', severity: 'critical', chain: NO_PORT },
    runnerLogs: /connection refused/,
    mustNot: ['tcp-connection-refused'],
    fix: printedFix(/nft delete rule/),
  },
  {
    id: 'N-23',
    title: 'url is localhost, and GitLab runs elsewhere',
    inject: ({ files }) => files.edit('/etc/gitlab-runner/config.toml', 'gitlab.test', 'localhost'),
    expect: {
      cause: 'tcp-connection-refused',
      severity: 'critical',
      chain: NO_PORT,
      says: /the machine or container that the runner itself runs in/,
    },
    runnerLogs: /connection refused/,
    mustNot: ['firewall-local-block', 'dns-wrong-answer'],
    fix: printedFix(/sed -e .*config\.toml/),
  },
  {
    id: 'N-12',
    title: 'a balancer cuts connections that are quiet for 10 s',
    world: { pollMilliseconds: 25_000, logFormat: 'text' },
    inject: quietIsCut,
    expect: { cause: 'idle-connection-killed', severity: 'warning', chain: 'o/o/n/o/o/o/o' },
    runnerLogs: /EOF|connection reset/,
    mustNot: ['gitlab-not-responding', 'connection-reset-midstream'],
    needsHistory: true,
  },
  {
    id: 'N-18b',
    title: 'a filter resets each connection as soon as it is established',
    inject: ({ gitlab }) =>
      gitlab.replace(() =>
        createServer((socket) => void socket.on('error', () => {}).resetAndDestroy()),
      ),
    expect: { cause: 'tls-handshake-blocked', severity: 'critical', chain: 'o/o/n/F/s/s/s' },
    mustNot: ['tcp-connection-refused', 'path-mtu-blackhole'],
  },
];
