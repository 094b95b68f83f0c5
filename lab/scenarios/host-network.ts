/**
 * Runners in containers with a network of their own, whose path ends on the host: its rules, its settings. Each with the
 * rules of a real engine around it, and with the printed fix.
 */
import type { ContainerSetup } from '../container/place.ts';
import { GITLAB_ADDRESS } from '../network.ts';
import { startDnsForwarder } from '../peers/dns-forwarder.ts';
import { printedFix } from '../printed-fix.ts';
import type { FaultRow, Row } from '../scenario.ts';
import type { World } from '../world.ts';

interface Bridge {
  readonly number: number;
  readonly name: string;
  readonly container: ContainerSetup;
  readonly interface: string;
  readonly subnet: string;
  /** The chain that the engine leaves to a person. */
  readonly chain: string;
}

const BRIDGES: readonly Bridge[] = [
  {
    number: 2,
    name: 'Docker, bridge',
    container: { engine: 'docker', isBridged: true },
    interface: 'docker0',
    subnet: '172.17.0.0/16',
    chain: 'DOCKER-USER',
  },
  {
    number: 5,
    name: 'podman, bridge',
    container: { engine: 'podman', isBridged: true },
    interface: 'cni-podman0',
    subnet: '10.88.0.0/16',
    chain: 'CNI-ADMIN',
  },
];

const NO_NAME = 'F/s/n/s/s/s/s';
const NO_PORT = 'o/F/n/s/s/s/s';
const GUESSES = ['tcp-connect-timeout', 'tcp-connection-refused', 'dns-timeout', 'unknown'];

type Fault = Pick<FaultRow, 'title' | 'expect' | 'fix' | 'runnerLogs'> & {
  /** What a person, or a program, types on the host. */
  readonly typed: (bridge: Bridge) => string;
};

const blocked = { cause: 'firewall-local-block', severity: 'critical' } as const;

const FAULTS: readonly Fault[] = [
  {
    title: 'a rule in the chain that the engine leaves to people drops its packets',
    typed: (b) => `iptables -I ${b.chain} -i ${b.interface} -p tcp --dport 443 -j DROP`,
    expect: { ...blocked, chain: NO_PORT, says: /of the host, which passes the runner's packets/ },
    runnerLogs: /i\/o timeout/,
    fix: printedFix(/ -D (?:DOCKER-USER|CNI-ADMIN)/),
  },
  {
    title: 'the host rejects what it forwards to port 443',
    typed: () => 'iptables -I FORWARD -p tcp --dport 443 -j REJECT',
    expect: { ...blocked, chain: NO_PORT },
    runnerLogs: /connection refused/,
    fix: printedFix(/ -D FORWARD/),
  },
  {
    title: 'the host drops the answers that it forwards to its network',
    typed: (b) => `iptables -I FORWARD -o ${b.interface} -p tcp -m tcp --sport 443 -j DROP`,
    expect: { ...blocked, chain: NO_PORT, says: /blocks responses from/ },
    runnerLogs: /i\/o timeout/,
    fix: printedFix(/ -D FORWARD/),
  },
  {
    title: 'a chain of nftables on the host drops what its network sends',
    typed: (b) =>
      `nft 'add table inet guard; add chain inet guard pass { type filter hook forward priority 10; }; add rule inet guard pass iifname "${b.interface}" ip saddr ${b.subnet} tcp dport { 80, 443 } drop'`,
    expect: { ...blocked, chain: NO_PORT },
    runnerLogs: /i\/o timeout/,
    fix: printedFix(/nft delete rule inet guard pass/),
  },
  {
    title: 'the rules of the engine are flushed, and the policy of FORWARD drops',
    typed: () => 'iptables -P FORWARD DROP && iptables -F FORWARD',
    expect: { ...blocked, chain: NO_NAME },
    runnerLogs: /i\/o timeout/,
    fix: printedFix(/ -I FORWARD/),
  },
  {
    title: 'a file of sysctl has switched off forwarding on the host',
    typed: () => 'sysctl -w net.ipv4.ip_forward=0',
    expect: { cause: 'host-forwarding-off', severity: 'critical', chain: NO_NAME },
    runnerLogs: /i\/o timeout/,
    fix: printedFix(/sysctl -w/),
  },
  {
    title: 'its network is no longer masqueraded by the host',
    typed: () => 'iptables -t nat -F POSTROUTING',
    expect: { cause: 'host-masquerading-missing', severity: 'critical', chain: NO_NAME },
    runnerLogs: /i\/o timeout/,
    fix: printedFix(/MASQUERADE/),
  },
  {
    title: 'a rule of iptables-legacy, in another table, drops what comes by its interface',
    typed: (b) =>
      `iptables-legacy -t mangle -A FORWARD -i ${b.interface} -p tcp -m multiport --dports 80,443 -j DROP`,
    expect: { ...blocked, chain: NO_PORT },
    runnerLogs: /i\/o timeout/,
    fix: printedFix(/iptables-legacy -t mangle -D FORWARD/),
  },
];

const injured: readonly Row[] = FAULTS.flatMap(({ typed, title, ...fault }, index) =>
  BRIDGES.map((bridge): FaultRow => ({
    ...fault,
    id: `W-${bridge.number}${index + 70}`,
    title: `${title}: ${bridge.name}`,
    world: { container: bridge.container },
    inject: async ({ network }) => void (await network.run('rn', typed(bridge))),
    mustNot: GUESSES,
  })),
);

/** As a careful host has them: nothing is forwarded but what the engine allows, and other rules are of others. */
async function closeHost({ network }: World, { chain, interface: name }: Bridge): Promise<void> {
  const rules = [
    '-P FORWARD DROP',
    `-I ${chain} -i ${name} -d 192.0.2.0/24 -j DROP`,
    `-I ${chain} -i eth9 -j DROP`,
    `-I ${chain} -i ${name} -p tcp -m multiport --dports 25,465 -j REJECT`,
    `-I ${chain} -i ${name} -p tcp --dport 443 -m conntrack --ctstate INVALID -j DROP`,
  ];
  await network.run('rn', rules.map((rule) => `iptables ${rule}`).join(' && '));
}

const closed: readonly Row[] = BRIDGES.flatMap((bridge): readonly Row[] => {
  const { number, name, container } = bridge;
  const world = {
    container,
    before: async (made: World) => await closeHost(made, bridge),
  };
  return [
    {
      id: `W-${number}88`,
      title: `the host forwards only what the engine allows, and that is enough: ${name}`,
      world,
      allowed: [],
    },
    {
      id: `W-${number}89`,
      title: `the host forwards only what the engine allows, and GitLab drops the packets: ${name}`,
      world,
      inject: async ({ network }) => await network.rule('gl', 'input', 'tcp dport 443 drop'),
      expect: { cause: 'tcp-connect-timeout', severity: 'critical', chain: NO_PORT },
      runnerLogs: /i\/o timeout/,
      mustNot: ['firewall-local-block', 'host-forwarding-off', 'host-masquerading-missing'],
    },
  ];
});

/** As compose makes one: names are answered by the engine, which asks for its container. */
async function moveToOwnNetwork({ container }: World): Promise<void> {
  await container?.engine.run('network create --subnet 172.29.0.0/24 build 2>&- || true');
  await container?.runner.recreate('--network build');
}

const OWN_NETWORK: Partial<FaultRow> = {
  world: { container: { engine: 'docker', isBridged: true }, before: moveToOwnNetwork },
  mustNot: [...GUESSES, 'dns-server-failure'],
  // The engine answers at last that it could not ask.
  runnerLogs: /i\/o timeout|server misbehaving/,
};

const named: readonly Row[] = [
  {
    ...OWN_NETWORK,
    id: 'W-284',
    title: 'forwarding is off, and the resolver of the engine gets no answer: network of its own',
    inject: async ({ network }) =>
      void (await network.run('rn', 'sysctl -w net.ipv4.ip_forward=0')),
    expect: { cause: 'host-forwarding-off', severity: 'critical', chain: NO_NAME },
    mustNot: GUESSES,
    fix: printedFix(/sysctl -w/),
  },
  {
    ...OWN_NETWORK,
    id: 'W-285',
    title: 'the host drops the queries of the resolver of the engine: network of its own',
    inject: async ({ network }) =>
      void (await network.run('rn', 'iptables -I DOCKER-USER -p udp --dport 53 -j DROP')),
    expect: { ...blocked, chain: NO_NAME },
    mustNot: GUESSES,
    fix: printedFix(/ -D DOCKER-USER/),
  },
  {
    ...OWN_NETWORK,
    id: 'W-286',
    title: 'the name server of the resolver of the engine is gone: network of its own',
    inject: async ({ names }) => await names.stop(),
    expect: {
      cause: ['dns-server-failure', 'dns-timeout', 'dns-resolver-down'],
      severity: 'critical',
      chain: NO_NAME,
    },
    mustNot: ['firewall-local-block', 'host-forwarding-off', 'host-masquerading-missing'],
  },
];

const HOST_ON_BRIDGE = '172.17.0.1';

/** The host itself answers names, on its address of the bridge. */
async function askHost({ network, container, adopt }: World): Promise<void> {
  adopt(await startDnsForwarder(network, HOST_ON_BRIDGE, GITLAB_ADDRESS));
  await container?.runner.recreate(`--dns ${HOST_ON_BRIDGE}`);
}

const CLOSED_INPUT = [
  '-A INPUT -i lo -j ACCEPT',
  '-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
  '-P INPUT DROP',
];

const towardsHost: Row = {
  id: 'W-287',
  title: 'the host lets nothing in, also not the queries of its containers to its name server',
  world: { container: { engine: 'docker', isBridged: true }, before: askHost },
  inject: async ({ network }) =>
    void (await network.run('rn', CLOSED_INPUT.map((rule) => `iptables ${rule}`).join(' && '))),
  expect: { ...blocked, chain: NO_NAME, says: /-P INPUT DROP of the host blocks/ },
  runnerLogs: /i\/o timeout/,
  mustNot: [...GUESSES, 'host-forwarding-off', 'host-masquerading-missing'],
  fix: printedFix(/ -I INPUT -i docker0/),
};

export const hostNetworkRows: readonly Row[] = [...injured, ...closed, ...named, towardsHost];
