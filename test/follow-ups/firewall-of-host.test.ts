/** What the host does with the packets of a runner that has a network of its own, by rules as their programs print them. */
import { describe, expect, test } from 'vitest';

import type { Finding } from '../../src/core/finding.ts';
import { reasonOf } from '../../src/core/finding.ts';
import type { Paths } from '../../src/core/paths.ts';
import { HOST_PATHS } from '../../src/core/paths.ts';
import { createFirewall } from '../../src/follow-ups/firewall.ts';
import type { HostView } from '../../src/host/net/firewall/host-obstacle.ts';
import { readIptables } from '../../src/host/net/firewall/iptables.ts';
import { readNft } from '../../src/host/net/firewall/nft.ts';
import type { Unread } from '../../src/host/net/firewall/read-rules.ts';
import type { Chain } from '../../src/host/net/firewall/ruleset.ts';
import type { WayThroughHost } from '../../src/host/net/way-through-host.ts';
import { PACKAGED_PLACE } from '../../src/host/place/packaged.ts';
import { rootFolder } from '../support/dns-server.ts';
import { followUp } from '../support/run-follow-up.ts';

const WAY: WayThroughHost = {
  source: '172.17.0.2',
  subnet: '172.17.0.0/16',
  bridge: 'docker0',
  out: 'eth0',
  endsHere: false,
  paths: HOST_PATHS,
};
const THERE = { ...HOST_PATHS, network: { pid: 812, inode: 7 } };
const SILENT: Finding = {
  status: 'fail',
  reason: 'timeout',
  detail: 'gitlab.test port 443: 10.0.0.2 no response',
  facts: { port: 443 },
};

interface Host {
  readonly finding?: Finding;
  readonly link?: string;
  readonly rules?: string;
  readonly chains?: readonly Chain[];
  readonly way?: WayThroughHost | undefined;
  readonly setting?: string;
  readonly isAnswered?: boolean;
  readonly unread?: readonly Unread[];
  readonly hasHost?: boolean;
  /** Of the container. */
  readonly paths?: Paths;
  readonly server?: string;
}

/** The network of the runner itself has no rule. */
async function ask(host: Host): Promise<Finding & { readonly asked: number }> {
  const { finding = SILENT, link = 'connect', rules = '', hasHost = true, unread = [] } = host;
  const { paths = THERE, server = '10.0.0.53' } = host;
  const chains = host.chains ?? readIptables(rules, 'iptables-nft');
  let asked = 0;
  const readings = [{ chains: [], unread: [] }];
  const read = async () => await Promise.resolve(readings.shift() ?? { chains, unread });
  const view: HostView = {
    findWay: async () => {
      asked += 1;
      return await Promise.resolve('way' in host ? host.way : WAY);
    },
    closedSetting: async () => await Promise.resolve(host.setting),
    isAnswered: async () => await Promise.resolve(host.isAnswered ?? false),
  };
  const place = { ...PACKAGED_PLACE, paths, ...(hasHost ? { hostPaths: HOST_PATHS } : {}) };
  const resolution = { name: 'gitlab.test', source: 'dns', servers: [server] } as never;
  const walk = { addresses: [{ address: '10.0.0.2', family: 4 as const }], resolution };
  const found = await followUp(createFirewall(read, 0, view), {
    link,
    finding,
    tools: { walk, place },
  });
  return { ...found, asked };
}

const FILTER = `*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
`;

/** As version 20 writes them, with a container that publishes a port, and a second network. */
const DOCKER_20 = `*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-A POSTROUTING -s 172.18.0.0/16 ! -o br-1 -j MASQUERADE
-A DOCKER -i docker0 -j RETURN
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 443 -j DNAT --to-destination 172.17.0.3:443
COMMIT
${FILTER}:DOCKER - [0:0]
:DOCKER-ISOLATION-STAGE-1 - [0:0]
:DOCKER-ISOLATION-STAGE-2 - [0:0]
:DOCKER-USER - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -j DOCKER-ISOLATION-STAGE-1
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A FORWARD -i docker0 -o docker0 -j ACCEPT
-A DOCKER -d 172.17.0.3/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 443 -j ACCEPT
-A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
-A DOCKER-ISOLATION-STAGE-1 -i br-1 ! -o br-1 -j DOCKER-ISOLATION-STAGE-2
-A DOCKER-ISOLATION-STAGE-1 -j RETURN
-A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
-A DOCKER-ISOLATION-STAGE-2 -o br-1 -j DROP
-A DOCKER-ISOLATION-STAGE-2 -j RETURN
-A DOCKER-USER -j RETURN
COMMIT
`;

/** As version 28 writes them. */
const DOCKER_28 = `*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A PREROUTING -d 172.17.0.2/32 ! -i docker0 -j DROP
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
COMMIT
${FILTER}:DOCKER - [0:0]
:DOCKER-BRIDGE - [0:0]
:DOCKER-CT - [0:0]
:DOCKER-FORWARD - [0:0]
:DOCKER-ISOLATION-STAGE-1 - [0:0]
:DOCKER-ISOLATION-STAGE-2 - [0:0]
:DOCKER-USER - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -j DOCKER-FORWARD
-A DOCKER ! -i docker0 -o docker0 -j DROP
-A DOCKER-BRIDGE -o docker0 -j DOCKER
-A DOCKER-CT -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A DOCKER-FORWARD -j DOCKER-CT
-A DOCKER-FORWARD -j DOCKER-ISOLATION-STAGE-1
-A DOCKER-FORWARD -j DOCKER-BRIDGE
-A DOCKER-FORWARD -i docker0 -j ACCEPT
-A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
-A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
COMMIT
`;

/** As podman 4 writes them through CNI, and through netavark. */
const CNI = `*nat
:POSTROUTING ACCEPT [0:0]
:CNI-1 - [0:0]
-A POSTROUTING -s 172.17.0.2/32 -m comment --comment "name: \\"podman\\" id: \\"1\\"" -j CNI-1
-A CNI-1 -d 172.17.0.0/16 -m comment --comment "name: \\"podman\\" id: \\"1\\"" -j ACCEPT
-A CNI-1 ! -d 224.0.0.0/4 -m comment --comment "name: \\"podman\\" id: \\"1\\"" -j MASQUERADE
COMMIT
${FILTER}:CNI-ADMIN - [0:0]
:CNI-FORWARD - [0:0]
-A FORWARD -m comment --comment "CNI firewall plugin rules" -j CNI-FORWARD
-A CNI-FORWARD -m comment --comment "CNI firewall plugin admin overrides" -j CNI-ADMIN
-A CNI-FORWARD -d 172.17.0.2/32 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A CNI-FORWARD -s 172.17.0.2/32 -j ACCEPT
COMMIT
`;
const NETAVARK = `*nat
:POSTROUTING ACCEPT [0:0]
:NETAVARK-1 - [0:0]
-A POSTROUTING -s 172.17.0.0/16 -j NETAVARK-1
-A NETAVARK-1 -d 172.17.0.0/16 -j ACCEPT
-A NETAVARK-1 ! -d 224.0.0.0/4 -j MASQUERADE
COMMIT
${FILTER}:NETAVARK_FORWARD - [0:0]
-A FORWARD -m comment --comment "netavark firewall plugin rules" -j NETAVARK_FORWARD
-A NETAVARK_FORWARD -d 172.17.0.0/16 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A NETAVARK_FORWARD -s 172.17.0.0/16 -j ACCEPT
COMMIT
`;

const HEALTHY = { DOCKER_20, DOCKER_28, CNI, NETAVARK };

/** In front of the first rule of a chain. */
function withRule(text: string, rule: string): string {
  const chain = /^-A (?<chain>\S+)/.exec(rule)?.groups?.['chain'] ?? '';
  const first = new RegExp(`^-A ${chain} `, 'm');
  const end = text.lastIndexOf('COMMIT');
  return first.test(text)
    ? text.replace(first, `${rule}\n-A ${chain} `)
    : `${text.slice(0, end)}${rule}\n${text.slice(end)}`;
}

describe.each(Object.entries(HEALTHY))('%s', (_name, rules) => {
  test('its own rules stop nothing, also where the host would be answered', async () => {
    expect(await ask({ rules, isAnswered: true })).toEqual({ status: 'pass', asked: 1 });
  });

  test.each([
    ['a drop', '-A FORWARD -i docker0 -p tcp -m tcp --dport 443 -j DROP', 'drop', false],
    ['a rejection', '-A FORWARD -s 172.17.0.0/16 -j REJECT', 'reject', false],
    ['by the interface', '-A FORWARD -i docker+ -o eth0 -j DROP', 'drop', false],
    [
      'of answers',
      '-A FORWARD -s 10.0.0.2/32 -d 172.17.0.0/16 -i eth0 -o docker0 -p tcp -m tcp --sport 443 -j DROP',
      'drop',
      true,
    ],
  ])('a rule of the host does: %s', async (_what, rule, verdict, ofAnswer) => {
    expect(await ask({ rules: withRule(rules, rule) })).toMatchObject({
      status: 'warn',
      reason: 'rule-blocks',
      facts: {
        of_host: true,
        ends_here: false,
        bridge: 'docker0',
        rule: expect.stringContaining(rule),
        verdict,
        of_answer: ofAnswer,
      },
    });
  });

  test.each([
    ['another network', '-A FORWARD -i br-1 -j DROP'],
    ['another source', '-A FORWARD -s 172.18.0.0/16 -j DROP'],
    ['the other direction', '-A FORWARD -i eth0 -o docker0 -m conntrack --ctstate NEW -j DROP'],
    ['another address', '-A FORWARD -i docker0 -d 10.0.0.3/32 -j DROP'],
    ['a user of the host', '-A POSTROUTING -m owner --uid-owner 0 -j DROP'],
    ['what cannot be judged', '-A FORWARD -i docker0 -m set --match-set blocked dst -j DROP'],
  ])('a rule for %s does not', async (_what, rule) => {
    expect(await ask({ rules: withRule(rules, rule) })).toMatchObject({ status: 'pass' });
  });

  test('without its rules the policy drops', async () => {
    const rest = rules.replaceAll(/^-A FORWARD .*\n/gm, '');
    expect(await ask({ rules: rest })).toMatchObject({
      reason: 'rule-blocks',
      facts: { of_host: true, verdict: 'policy drop', rule: expect.stringMatching(/FORWARD/) },
    });
  });

  test('without its rule for addresses no answer comes back, if the host itself gets one', async () => {
    const rest = rules.replaceAll(/^-A .*MASQUERADE\n/gm, '');
    expect(await ask({ rules: rest, isAnswered: true })).toMatchObject({
      reason: 'masquerading-missing',
      facts: {
        of_host: true,
        source: '172.17.0.2',
        subnet: '172.17.0.0/16',
        rule_program: 'iptables-nft',
        table: 'nat',
        chain: 'POSTROUTING',
      },
    });
    expect(await ask({ rules: rest })).toMatchObject({ status: 'pass' });
  });
});

test('a chain of nftables drops by the interface', async () => {
  const place = { family: 'inet', table: 'guard', chain: 'pass' };
  const match = { op: '==', left: { meta: { key: 'iifname' } }, right: 'docker0' };
  const { chains } = readNft(
    JSON.stringify({
      nftables: [
        { chain: { ...place, name: 'pass', type: 'filter', hook: 'forward', prio: 10 } },
        { rule: { ...place, handle: 4, expr: [{ match }, { drop: null }] } },
      ],
    }),
  );

  expect(await ask({ chains })).toMatchObject({
    reason: 'rule-blocks',
    facts: { rule: 'inet guard pass handle 4', of_host: true },
  });
  expect(await ask({ chains, way: { ...WAY, bridge: 'br-1' } })).toMatchObject({ status: 'pass' });
});

test('packets for the host itself are not forwarded, and meet its input', async () => {
  const way = { ...WAY, endsHere: true };
  const rules = withRule(DOCKER_20, '-A INPUT -i docker0 -p tcp -m tcp --dport 443 -j DROP');

  expect(await ask({ way, rules, setting: 'net.ipv4.ip_forward' })).toMatchObject({
    reason: 'rule-blocks',
    facts: { ends_here: true, chain: 'INPUT' },
  });
  expect(await ask({ way, rules: FILTER, isAnswered: true })).toMatchObject({ status: 'pass' });
});

test('a host that passes nothing on is named before its rules', async () => {
  const rules = withRule(DOCKER_20, '-A DOCKER-USER -j DROP');
  expect(await ask({ rules, setting: 'net.ipv4.ip_forward' })).toMatchObject({
    reason: 'forwarding-off',
    facts: { setting: 'net.ipv4.ip_forward', bridge: 'docker0' },
  });
});

test('queries to a name server are packets too', async () => {
  const rules = withRule(DOCKER_20, '-A DOCKER-USER -p udp -m udp --dport 53 -j DROP');
  const finding: Finding = { status: 'fail', reason: 'timeout', detail: 'no server responds' };

  expect(await ask({ link: 'dns', finding, rules })).toMatchObject({
    reason: 'rule-blocks',
    facts: { address: '10.0.0.53', protocol: 'udp', chain: 'DOCKER-USER' },
  });
});

describe('the resolver of the engine answers, and is not answered itself', () => {
  const finding: Finding = { status: 'fail', reason: 'server-failure', detail: 'SERVFAIL' };
  const rules = withRule(DOCKER_20, '-A DOCKER-USER -d 10.0.0.54/32 -p udp -j DROP');

  test.each<[string, string, Host, string | undefined]>([
    ['a rule stops what it asks', '127.0.0.11', { rules }, 'rule-blocks'],
    ['the host passes nothing on', '127.0.0.11', { setting: 'x' }, 'forwarding-off'],
    ['another server has answered', '10.0.0.54', { rules, setting: 'x' }, undefined],
    [
      'the answer may have come, with the address of the container',
      '127.0.0.11',
      { rules: FILTER.replace('DROP', 'ACCEPT'), isAnswered: true },
      undefined,
    ],
  ])('%s', async (_what, server, host, reason) => {
    await using root = await rootFolder({ '/etc/resolv.conf': '# ExtServers: [10.0.0.54]\n' });
    const paths = { ...root.paths, network: THERE.network };
    const found = await ask({ link: 'dns', finding, server, paths, ...host });
    expect(reasonOf(found)).toBe(reason);
  });
});

test.each([
  ['a drop, or no forwarding', '-A DOCKER-USER -j DROP', undefined],
  ['a rejection', '-A DOCKER-USER -j REJECT', 'rule-blocks'],
])('what refuses is not explained by silence: %s', async (_what, rule, reason) => {
  const finding = { ...SILENT, reason: 'refused' };
  const found = await ask({
    finding,
    rules: withRule(DOCKER_20, rule),
    setting: 'net.ipv4.ip_forward',
  });
  expect(reasonOf(found)).toBe(reason);
});

const NO_NAT = DOCKER_20.replaceAll(/^-A .*MASQUERADE\n/gm, '');

test.each<[string, Host]>([
  [
    'by a rule that cannot be judged',
    {
      rules: `${NO_NAT}*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -m mark --mark 1 -j SNAT\n`,
    },
  ],
  [
    'by a rule that sends them elsewhere',
    { rules: withRule(NO_NAT, '-A PREROUTING -d 10.0.0.2/32 -j DNAT --to-destination 10.0.0.9') },
  ],
  ['by rules that were not read', { unread: [{ kind: 'no-program', detail: 'why not' }] }],
  ['where the packets leave by an unknown interface', { way: { ...WAY, out: undefined } as never }],
  ['where they do not leave that network', { way: { ...WAY, out: 'docker0' } }],
])('the address may be changed %s', async (_what, host) => {
  const found = await ask({ rules: NO_NAT, isAnswered: true, ...host });
  expect(reasonOf(found)).not.toBe('masquerading-missing');
});

test('rules of the host that were not read are not fine', async () => {
  const unread = [{ kind: 'not-allowed', detail: 'this user may not read the rules' }] as const;
  expect(await ask({ unread })).toMatchObject({ status: 'unknown', reason: 'not-allowed' });
});

test.each<[string, Host, number]>([
  ['of a path that works', { finding: { status: 'pass' } }, 0],
  ['of a runner in the network of the host', { hasHost: false }, 0],
  ['of a network that is not wired to it', { way: undefined }, 1],
])('nothing of the host is said %s', async (_what, host, asked) => {
  const rules = withRule(DOCKER_20, '-A DOCKER-USER -j DROP');
  const setting = 'net.ipv4.ip_forward';
  expect(await ask({ rules, setting, ...host })).toEqual({ status: 'pass', asked });
});
