/** Rules of this host's own firewall that iptables made, in both of its variants, and ufw. */
import { GITLAB_ADDRESS, SECOND_RESOLVER } from '../network.ts';
import { printedFix } from '../printed-fix.ts';
import type { FaultRow, Row } from '../scenario.ts';
import type { World } from '../world.ts';

const OPEN = 'o/o/n/o/o/o/o';
const NO_PORT = 'o/F/n/s/s/s/s';

const RUNNER_UID = 4321;

type Variant = 'iptables-legacy' | 'iptables-nft';

function rules(variant: Variant, ...commands: readonly string[]): Pick<FaultRow, 'inject'> {
  return { inject: async (world) => await addRules(world, variant, commands) };
}

async function addRules(
  { network }: World,
  variant: Variant,
  commands: readonly string[],
): Promise<void> {
  await network.run('rn', commands.map((command) => `${variant} ${command}`).join(' && '));
}

/** Its settings are those of the runner's host. */
async function ufw({ network, files }: World, ...commands: readonly string[]): Promise<void> {
  for (const folder of ['/etc/ufw', '/etc/default']) {
    const own = `${files.path}${folder}`;
    const work = `${files.path}-ufw${folder}`;
    const layers = `lowerdir=${folder},upperdir=${own},workdir=${work}`;
    const mount = `mkdir -p ${own} ${work} && mount -t overlay ufw -o ${layers} ${folder}`;
    await network.run('rn', `grep -qF ' ${folder} ' /proc/self/mountinfo || { ${mount}; }`);
  }
  for (const command of commands) await network.run('rn', `ufw ${command}`);
}

const blocked = { cause: 'firewall-local-block', severity: 'critical' } as const;

export const firewallRows: readonly Row[] = [
  {
    id: 'N-24',
    title: 'iptables-legacy drops several ports, which nft does not show',
    ...rules(
      'iptables-legacy',
      `-A OUTPUT -d ${GITLAB_ADDRESS} -p tcp -m multiport --dports 80,443 -m comment --comment "egress 'lock'" -j DROP`,
    ),
    expect: { ...blocked, chain: NO_PORT, says: /egress 'lock'/ },
    runnerLogs: /i\/o timeout/,
    mustNot: ['tcp-connect-timeout'],
    fix: printedFix(/iptables-legacy -D OUTPUT/),
  },
  {
    id: 'N-24b',
    title: 'iptables-nft drops packets of the runner’s user, which nft shows by name alone',
    world: { uid: RUNNER_UID, logFormat: 'json' },
    ...rules(
      'iptables-nft',
      `-A OUTPUT -p tcp -m multiport --dports 80,443 -m owner --uid-owner ${RUNNER_UID} -j DROP`,
    ),
    expect: { ...blocked, chain: OPEN },
    runnerLogs: /i\/o timeout/,
    mustNot: ['tcp-connect-timeout'],
    needsHistory: true,
    fix: printedFix(/iptables-nft -D OUTPUT/),
  },
  {
    id: 'N-24c',
    title: 'iptables-legacy rejects with "network unreachable"',
    ...rules(
      'iptables-legacy',
      `-A OUTPUT -d ${GITLAB_ADDRESS} -p tcp --dport 443 -j REJECT --reject-with icmp-net-unreachable`,
    ),
    expect: { ...blocked, chain: NO_PORT },
    runnerLogs: /network is unreachable/,
    mustNot: ['network-no-route'],
    fix: printedFix(/iptables-legacy -D OUTPUT/),
  },
  {
    id: 'N-24d',
    title: 'iptables-nft rejects with "protocol unreachable", in a chain of its own',
    ...rules(
      'iptables-nft',
      '-N egress',
      '-A OUTPUT -p tcp -j egress',
      '-A egress -o lo -j RETURN',
      '-A egress -p tcp -m multiport ! --dports 22,53 -j REJECT --reject-with icmp-proto-unreachable',
    ),
    expect: { ...blocked, chain: NO_PORT },
    runnerLogs: /protocol not available/,
    mustNot: ['firewall-reject', 'unknown'],
    fix: printedFix(/iptables-nft -D egress/),
  },
  {
    id: 'N-24e',
    title: 'the policy of iptables-legacy lets nothing out of this host',
    ...rules('iptables-legacy', '-A OUTPUT -o lo -j ACCEPT', '-P OUTPUT DROP'),
    expect: { ...blocked, chain: 'F/s/n/s/s/s/s' },
    runnerLogs: /operation not permitted/,
    mustNot: ['dns-timeout', 'network-no-route'],
    fix: printedFix(/iptables-legacy -I OUTPUT/),
  },
  {
    id: 'N-24f',
    title: 'iptables-legacy drops the answers, by a rule that stands there twice',
    ...rules(
      'iptables-legacy',
      ...[1, 2].map(() => `-A INPUT -s ${GITLAB_ADDRESS} -p tcp -m tcp --sport 443 -j DROP`),
    ),
    expect: { ...blocked, chain: NO_PORT },
    runnerLogs: /i\/o timeout/,
    mustNot: ['tcp-connect-timeout'],
    fix: printedFix(/iptables-legacy -D INPUT/),
  },
  {
    id: 'N-24g',
    title: 'iptables-legacy drops what the group of the runner’s user sends, seen by check at once',
    world: { uid: RUNNER_UID, logFormat: 'json' },
    startsBroken: true,
    ...rules(
      'iptables-legacy',
      `-A OUTPUT -p tcp --dport 443 -m owner --gid-owner ${RUNNER_UID} -j DROP`,
    ),
    expect: { ...blocked, verdict: 'broken' },
    runnerLogs: /i\/o timeout/,
    mustNot: ['tcp-connect-timeout'],
    fix: printedFix(/iptables-legacy -D OUTPUT/),
  },
  {
    id: 'N-24h',
    title: 'ufw denies what goes to port 443',
    inject: async (world) => await ufw(world, 'deny out 443/tcp', '--force enable'),
    expect: { ...blocked, chain: NO_PORT, says: /ufw prepend allow out proto tcp/ },
    runnerLogs: /i\/o timeout/,
    mustNot: ['tcp-connect-timeout'],
    fix: printedFix(/ufw prepend/),
  },
  {
    id: 'N-24j',
    title: 'ufw lets nothing out of this host that no rule of it allows',
    inject: async (world) =>
      await ufw(world, 'default deny outgoing', 'allow out 80/tcp', '--force enable'),
    expect: { ...blocked, chain: 'F/s/n/s/s/s/s', says: /ufw prepend allow out proto udp/ },
    runnerLogs: /operation not permitted/,
    mustNot: ['dns-timeout', 'network-no-route'],
    fix: printedFix(/ufw prepend/),
  },
  {
    id: 'N-24i',
    title: 'rules of both kinds of iptables concern other users, ports, hosts and states',
    world: {
      uid: RUNNER_UID,
      before: async (world) => {
        for (const variant of ['iptables-legacy', 'iptables-nft'] as const) {
          await addRules(world, variant, [
            '-N others',
            `-A OUTPUT -m owner ! --uid-owner 0-${RUNNER_UID} -j REJECT`,
            `-A OUTPUT -m owner --gid-owner ${RUNNER_UID + 1} -j DROP`,
            '-A OUTPUT -p tcp -m multiport --dports 25,465,587 -j REJECT',
            `-A OUTPUT -d ${SECOND_RESOLVER} -j DROP`,
            '-A OUTPUT -m conntrack --ctstate INVALID -j DROP',
            '-A OUTPUT -p tcp --dport 443 -j others',
            '-A others -m string --string nothing --algo bm -j DROP',
            `-A others -m owner --uid-owner ${RUNNER_UID} -j RETURN`,
            '-A others -m owner --uid-owner 0 -j RETURN',
            '-A others -j DROP',
            '-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT',
            '-A INPUT -i lo -j ACCEPT',
            '-A INPUT -p icmp -j ACCEPT',
            '-P INPUT DROP',
          ]);
        }
      },
    },
    allowed: [],
  },
  {
    id: 'N-24k',
    title: 'iptables-legacy drops what root sends, and the runner has another user',
    world: { uid: RUNNER_UID, logFormat: 'json' },
    ...rules('iptables-legacy', '-A OUTPUT -p tcp --dport 443 -m owner --uid-owner 0 -j DROP'),
    expect: { cause: 'monitor-blocked', severity: 'notice', verdict: 'degraded', chain: NO_PORT },
    runnerLogs: 'nothing',
    isStraight: true,
    mustNot: ['tcp-connect-timeout', 'firewall-local-block', 'unknown'],
    fix: printedFix(/iptables-legacy -I OUTPUT .*--uid-owner 0/),
  },
];
