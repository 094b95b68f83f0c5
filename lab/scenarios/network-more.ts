/** The network, further: routes that are closed, rules for some, connections that are cut. */
import { createServer as createSecureServer } from 'node:https';
import { connect, createServer } from 'node:net';

import { GITLAB_ADDRESS, GITLAB_ADDRESS_6, SECOND_RESOLVER } from '../network.ts';
import { usualScript } from '../peers/names.ts';
import { GOOD } from '../peers/pki.ts';
import type { FaultRow, Row } from '../scenario.ts';
import type { World } from '../world.ts';

const NO_PORT = 'o/F/n/s/s/s/s';
const NO_WAY = 'oF/Fs/n/s/s/s/s';
const RUNNER_UID = 1500;
const BEHIND = 8444;
const QUIET_MILLISECONDS = 10_000;

function rule(side: 'rn' | 'gl', hook: 'input' | 'output', text: string): Pick<FaultRow, 'inject'> {
  return { inject: ({ network }) => network.rule(side, hook, text) };
}

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

export const moreNetworkRows: readonly Row[] = [
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
  },
  {
    id: 'N-07d',
    title: 'this host’s own firewall drops the answers',
    ...rule('rn', 'input', 'tcp sport 443 drop'),
    expect: { cause: 'firewall-local-block', severity: 'critical', chain: NO_PORT },
    runnerLogs: /i\/o timeout/,
    mustNot: ['tcp-connect-timeout'],
  },
  {
    id: 'N-10b',
    title: 'the name has only an IPv6 address, and this host has no IPv6',
    inject: async ({ network, names }) => {
      await network.run('rn', 'sysctl -q -w net.ipv6.conf.all.disable_ipv6=1');
      names.answer((name, type, transport) => {
        if (name !== 'gitlab.test') return usualScript(name, type, transport);
        return type === 'AAAA' ? [GITLAB_ADDRESS_6] : [];
      });
    },
    expect: { cause: 'ipv6-path-broken', severity: 'critical', chain: NO_PORT },
    runnerLogs: /cannot assign requested address/,
    mustNot: ['ephemeral-ports-exhausted', 'network-no-route'],
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
