/** Causes on a path that exists but is bad: filtered on this host, a small MTU, or packet loss. */
import type { FixStep } from '../../core/diagnosis.ts';
import { step } from '../../core/diagnosis.ts';
import { quoteArgument } from '../../core/shell.ts';
import type { CauseContext, CauseSpec } from '../cause-spec.ts';

function chainOf(c: CauseContext): string {
  return [c.fact('family'), c.fact('table'), c.fact('chain')]
    .map((argument) => quoteArgument(argument))
    .join(' ');
}

/** How to fix the rule that blocks the packets; without a handle it is the policy of a chain. */
function openFirewall(c: CauseContext): readonly FixStep[] {
  if (c.optional('rule') === undefined) {
    return [
      step(
        'Find the rule that blocks port 53, and remove it where the rules are configured.',
        'sudo nft list ruleset | grep -n -e drop -e reject',
      ),
    ];
  }
  const handle = c.optional('handle');
  const answers = 'ct state established,related accept';
  const accept =
    c.optional('of_answer') === 'true'
      ? answers
      : `${c.fact('protocol') === 'udp' ? 'udp' : 'tcp'} dport ${quoteArgument(c.fact('port'))} accept`;
  return [
    step('Show the rule in its chain.', `sudo nft --handle list chain ${chainOf(c)}`),
    handle === undefined
      ? step(
          "Allow the runner's traffic; then make the change permanent where the rules are configured.",
          `sudo nft insert rule ${chainOf(c)} ${accept}`,
        )
      : step(
          'Remove the rule; then make the change permanent where the rules are configured.',
          `sudo nft delete rule ${chainOf(c)} handle ${quoteArgument(handle)}`,
        ),
  ];
}

export const NETWORK_QUALITY_CAUSES: readonly CauseSpec[] = [
  {
    id: 'firewall-local-block',
    severity: 'critical',
    scope: 'host',
    title: "This host's own firewall blocks the runner",
    meaning:
      'The nftables or iptables rules of this host drop the packets before they leave, or drop the responses when they arrive.',
    evidence:
      "A rule in the output or input chains that matches the address, the port and the runner's user; or the kernel refuses to send a query to the name server.",
    notConfusedWith: ['tcp-connection-refused', 'tcp-connect-timeout', 'firewall-reject'],
    from: ['dns/prohibited', 'firewall/rule-blocks'],
    says: (c) =>
      c.optional('rule') === undefined
        ? `this host's firewall blocks DNS queries to its name servers (${c.fact('servers')})`
        : `the firewall rule ${c.fact('rule')} of this host blocks ${c.optional('of_answer') === 'true' ? 'responses from' : 'connections to'} ${c.fact('address')} port ${c.fact('port')}`,
    fix: openFirewall,
    resolvedWhen: 'the connect check passes again',
    suppresses: ['tcp-connect-timeout', 'tcp-connection-refused', 'firewall-reject', 'dns-timeout'],
  },
  {
    id: 'path-mtu-blackhole',
    severity: 'critical',
    scope: 'host',
    title: 'Large packets are lost on the path to GitLab',
    meaning:
      'Small packets pass, so the connection opens, but the first large response never arrives. A tunnel on the path has a smaller MTU, and the ICMP messages that report it are filtered.',
    evidence:
      'The TLS handshake times out, but succeeds when the server may send only small packets.',
    notConfusedWith: ['tls-handshake-blocked', 'gitlab-not-responding'],
    from: [],
    says: (c) => `large packets from ${c.host} are lost on the path; small ones arrive`,
    fix: (c) => [
      step(
        'Find the largest size that passes.',
        c.place.inNetwork(
          `for size in 1472 1400 1300 1200; do ping -M do -c 1 -W 1 -s $size ${quoteArgument(c.host)} >/dev/null && echo $size passes && break; done`,
        ),
      ),
      step(
        'Until the path is repaired, announce a small segment size (a rule on this host).',
        "sudo nft add table inet mss; sudo nft add chain inet mss out '{ type filter hook output priority 0; }'; sudo nft add rule inet mss out tcp flags syn tcp option maxseg size set 1200",
      ),
      step(
        "Lower the MTU of the tunnel's interface, and allow ICMP type 3 code 4 (IPv6: packet too big).",
      ),
    ],
    resolvedWhen: 'the TLS check passes again',
    suppresses: ['tls-handshake-blocked'],
  },
  {
    id: 'network-packet-loss',
    severity: 'warning',
    scope: 'host',
    title: 'Many packets are lost on the path to GitLab',
    meaning:
      'Some connections succeed and others fail at random. The runner continues, but slowly and with interruptions.',
    evidence:
      'At least one fifth of ten simultaneous connection requests were lost, and others succeeded.',
    notConfusedWith: ['gitlab-partial-outage', 'dns-timeout', 'tcp-connect-timeout'],
    from: ['connect/packet-loss'],
    looksLike: [
      'dns/timeout',
      'dns/slow',
      'connect/timeout',
      'proxy/silent',
      'tls/handshake-blocked',
      'http/no-answer',
    ],
    says: (c) => `packets to ${c.host} are lost on the path`,
    fix: (c) => [
      step(
        'Find where packets are lost.',
        c.place.inNetwork(
          `mtr --tcp --port ${quoteArgument(c.port)} --report --report-cycles 50 ${quoteArgument(c.host)}`,
        ),
      ),
      step(
        'Show the errors of the network interfaces.',
        c.place.inNetwork('ip -s link; nstat -az TcpRetransSegs'),
      ),
    ],
    resolvedWhen: 'ten simultaneous connection requests succeed again',
    suppresses: ['gitlab-slow', 'dns-slow'],
  },
];
