/** Causes on a way that is there and not good: filtered here, too narrow, or losing packets. */
import type { FixStep } from '../../core/diagnosis.ts';
import { step } from '../../core/diagnosis.ts';
import { quoted } from '../../core/shell.ts';
import type { CauseContext, CauseSpec } from '../cause-spec.ts';

function chainOf(c: CauseContext): string {
  return [c.fact('family'), c.fact('table'), c.fact('chain')].map((word) => quoted(word)).join(' ');
}

/** What to type about the rule that stops the packets; without its handle it is the policy of a chain. */
function openFirewall(c: CauseContext): readonly FixStep[] {
  if (c.optional('rule') === undefined) {
    return [
      step(
        'Find the rule that stops port 53, and take it away where the rules come from.',
        'sudo nft list ruleset | grep -n -e drop -e reject',
      ),
    ];
  }
  const handle = c.optional('handle');
  const answers = 'ct state established,related accept';
  const accept =
    c.optional('of_answer') === 'true'
      ? answers
      : `${c.fact('protocol') === 'udp' ? 'udp' : 'tcp'} dport ${quoted(c.fact('port'))} accept`;
  return [
    step('See the rule in its chain.', `sudo nft --handle list chain ${chainOf(c)}`),
    handle === undefined
      ? step(
          'Accept the runner’s traffic; then make that lasting where the rules come from.',
          `sudo nft insert rule ${chainOf(c)} ${accept}`,
        )
      : step(
          'Remove it; then make that lasting where the rules come from.',
          `sudo nft delete rule ${chainOf(c)} handle ${quoted(handle)}`,
        ),
  ];
}

export const NETWORK_QUALITY_CAUSES: readonly CauseSpec[] = [
  {
    id: 'firewall-local-block',
    severity: 'critical',
    scope: 'host',
    title: 'A rule of this host’s own firewall blocks the runner',
    meaning:
      'The packets never leave this host, or their answers are thrown away on arrival: its own nftables or iptables rules stop them.',
    evidence:
      'A rule of the output or input chains that matches the address, the port and the runner’s user; or the kernel refuses to send a question to the name server.',
    notConfusedWith: ['tcp-connection-refused', 'tcp-connect-timeout', 'firewall-reject'],
    from: ['dns/prohibited'],
    says: (c) =>
      c.optional('rule') === undefined
        ? `this host does not let questions to its name servers (${c.fact('servers')}) out`
        : `the rule ${c.fact('rule')} of this host’s own firewall stops ${c.optional('of_answer') === 'true' ? 'answers from' : 'connections to'} ${c.fact('address')} port ${c.fact('port')}`,
    fix: openFirewall,
    resolvedWhen: 'the connect link passes',
    suppresses: ['tcp-connect-timeout', 'tcp-connection-refused', 'firewall-reject', 'dns-timeout'],
  },
  {
    id: 'path-mtu-blackhole',
    severity: 'critical',
    scope: 'host',
    title: 'Large packets vanish on the way to GitLab',
    meaning:
      'Small packets pass, so the connection stands; the first large answer never arrives. A tunnel on the way has a smaller MTU, and the messages that say so are filtered.',
    evidence:
      'The handshake stays without an answer, and passes when the server may only send small packets.',
    notConfusedWith: ['tls-handshake-blocked', 'gitlab-not-responding'],
    from: [],
    says: (c) => `large packets from ${c.host} vanish on the way; small ones arrive`,
    fix: (c) => [
      step(
        'Find the size that still passes.',
        c.place.inNetwork(
          `for size in 1472 1400 1300 1200; do ping -M do -c 1 -W 1 -s $size ${quoted(c.host)} >/dev/null && echo $size passes && break; done`,
        ),
      ),
      step(
        'Until the way is repaired, announce small segments (rule of this host).',
        "sudo nft add table inet mss; sudo nft add chain inet mss out '{ type filter hook output priority 0; }'; sudo nft add rule inet mss out tcp flags syn tcp option maxseg size set 1200",
      ),
      step(
        'Lower the MTU of the tunnel’s interface, and let ICMP type 3 code 4 (IPv6: packet too big) through.',
      ),
    ],
    resolvedWhen: 'the tls link passes',
    suppresses: ['tls-handshake-blocked'],
  },
  {
    id: 'network-packet-loss',
    severity: 'warning',
    scope: 'host',
    title: 'Many packets get lost on the way to GitLab',
    meaning:
      'Some connections come through, others do not, without a pattern. The runner goes on, slowly and with gaps.',
    evidence:
      'At least a fifth of ten connection requests at once got lost, and others came through.',
    notConfusedWith: ['gitlab-partial-outage', 'dns-timeout', 'tcp-connect-timeout'],
    from: ['connect/packet-loss'],
    says: (c) => `a part of the packets to ${c.host} gets lost on the way`,
    fix: (c) => [
      step(
        'Where do they get lost?',
        c.place.inNetwork(
          `mtr --tcp --port ${quoted(c.port)} --report --report-cycles 50 ${quoted(c.host)}`,
        ),
      ),
      step(
        'See the errors of the interface.',
        c.place.inNetwork('ip -s link; nstat -az TcpRetransSegs'),
      ),
    ],
    resolvedWhen: 'ten connection requests at once come through again',
    suppresses: ['gitlab-slow', 'dns-slow'],
  },
];
