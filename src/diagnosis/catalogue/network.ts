/** Causes on the network: no path to an address, a path that is filtered on this host, loses packets or has a small MTU. */
import { isIPv6 } from 'node:net';

import { isLoopbackHost } from '../../core/address.ts';
import type { FixStep } from '../../core/diagnosis.ts';
import { step } from '../../core/diagnosis.ts';
import { quoteArgument } from '../../core/shell.ts';
import type { CauseContext, CauseSpec } from '../cause-spec.ts';
import { onHost } from '../cause-spec.ts';
import { hasOwnNetwork, networkOwner, stepInNetwork } from './commands.ts';
import { SHOW_BLOCKING_RULES, openFirewall, ruleOwner } from './firewall.ts';

/** `localhost` in url: GitLab would have to run beside the runner. */
function ownAddress(c: CauseContext): readonly FixStep[] {
  return [
    step(
      'Show what listens there, in the network of the runner.',
      c.place.inNetwork(`sudo ss -ltnp ${quoteArgument(`sport = :${c.port}`)}`),
    ),
    step(
      `If GitLab runs elsewhere, on another machine or in another container, write its address in url in ${c.config}.`,
    ),
  ];
}

/** The packets of a network of its own are forwarded by the host, whose rules may reject them too. */
function showBlockingRules(c: CauseContext): readonly FixStep[] {
  if (!hasOwnNetwork(c))
    return [step('Check the firewall rules of this host first.', SHOW_BLOCKING_RULES)];
  const own = "Check the firewall rules of the runner's own network first.";
  return [
    stepInNetwork(c, own, SHOW_BLOCKING_RULES),
    step('Then check those of this host, which forwards its packets.', SHOW_BLOCKING_RULES),
  ];
}

export const NETWORK_CAUSES: readonly CauseSpec[] = [
  {
    id: 'firewall-local-block',
    severity: 'critical',
    scope: 'host',
    title: "A firewall rule on the runner's side blocks it",
    meaning:
      "The nftables or iptables rules of this host, or of the runner's own network where it has one, drop the packets before they leave, or drop the responses when they arrive. Packets of a network of its own also pass the FORWARD and DOCKER-USER chains of the host.",
    evidence:
      "A rule in the output or input chains that matches the address, the port and the runner's user; after a failure, one in the forward chains of the host that matches the runner's own network; or the kernel refuses to send a query to the name server.",
    notConfusedWith: ['tcp-connection-refused', 'tcp-connect-timeout', 'firewall-reject'],
    from: ['dns/prohibited', 'firewall/rule-blocks'],
    stopsPolls: true,
    says: (c) =>
      c.optional('rule') === undefined
        ? `the firewall of ${ruleOwner(c)} blocks DNS queries to its name servers (${c.fact('servers')})`
        : `the firewall rule ${c.fact('rule')} of ${ruleOwner(c)} blocks ${c.optional('of_answer') === 'true' ? 'responses from' : 'connections to'} ${c.fact('address')} port ${c.fact('port')}`,
    fix: openFirewall,
    resolvedWhen: 'the connect check passes again',
    suppresses: [
      'tcp-connect-timeout',
      'tcp-connection-refused',
      'firewall-reject',
      'network-no-route',
      'network-host-unreachable',
      'dns-timeout',
      'dns-server-failure',
    ],
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
    changedBy: ['routes'],
    from: [],
    says: (c) => `large packets from ${c.firstHop.host} are lost on the path; small ones arrive`,
    fix: (c) => [
      step(
        'Find the largest size that passes.',
        c.place.inNetwork(
          `for size in 1472 1400 1300 1200; do ping -M do -c 1 -W 1 -s $size ${quoteArgument(c.firstHop.host)} >/dev/null && echo $size passes && break; done`,
        ),
      ),
      stepInNetwork(
        c,
        `Until the path is repaired, announce a small segment size (a rule of ${networkOwner(c)}).`,
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
    changedBy: ['routes'],
    from: ['connect/packet-loss'],
    looksLike: [
      'dns/timeout',
      'dns/slow',
      'connect/timeout',
      'proxy/silent',
      'tls/handshake-blocked',
      'http/no-answer',
    ],
    isPartial: true,
    says: (c) => `packets to ${c.firstHop.host} are lost on the path`,
    fix: (c) => [
      step(
        'Find where packets are lost.',
        c.place.inNetwork(
          `mtr --tcp --port ${quoteArgument(c.firstHop.port)} --report --report-cycles 50 ${quoteArgument(c.firstHop.host)}`,
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
  {
    id: 'tcp-connection-refused',
    severity: 'critical',
    scope: 'gitlab',
    title: "Connection refused: nothing listens on GitLab's port",
    meaning:
      "The host refuses the connection at once: GitLab's web server is down, the port in `url` is wrong, or a firewall rejects the connection.",
    evidence: 'ECONNREFUSED from every address.',
    notConfusedWith: ['tcp-connect-timeout', 'firewall-reject', 'dns-wrong-answer'],
    from: ['connect/refused'],
    says: (c) =>
      isLoopbackHost(c.host)
        ? `connection refused: nothing listens on port ${c.port} of ${c.host}, which is the machine or container that the runner itself runs in`
        : `connection refused: nothing listens on port ${c.port} of ${c.host} (${c.fact('address')})`,
    fix: (c) => [
      ...(isLoopbackHost(c.host)
        ? ownAddress(c)
        : [
            step(
              'On the GitLab server: check that the web server runs and listens on this port.',
              `sudo gitlab-ctl status nginx; sudo ss -ltn ${quoteArgument(`sport = :${c.port}`)}`,
            ),
          ]),
      step(
        `Check that the port in url is right in ${c.config}.`,
        `sudo grep -n url ${onHost(c, c.config)}`,
      ),
    ],
    resolvedWhen: 'the connect check passes again',
  },
  {
    id: 'tcp-connect-timeout',
    severity: 'critical',
    scope: 'gitlab',
    title: 'The connection to GitLab times out: packets are dropped',
    meaning:
      'The connection request gets no response at all: a firewall drops it, or the host is down.',
    evidence: 'No response to the connection request before the timeout, although a route exists.',
    notConfusedWith: ['network-host-unreachable', 'proxy-required-not-set', 'conntrack-table-full'],
    from: ['connect/timeout'],
    says: (c) => `the connection to port ${c.port} of ${c.host} (${c.fact('address')}) times out`,
    fix: (c) => [
      step(
        'Find where the packets stop.',
        c.place.inNetwork(
          `sudo traceroute -T -p ${quoteArgument(c.firstHop.port)} ${quoteArgument(c.fact('address'))}`,
        ),
      ),
      step(
        `Allow egress to ${c.fact('address')} port ${c.port} in the firewalls and security groups on the path.`,
      ),
    ],
    resolvedWhen: 'the connect check passes again',
  },
  {
    id: 'firewall-reject',
    severity: 'critical',
    scope: 'gitlab',
    title: 'A firewall rejects the connection to GitLab',
    meaning:
      'The rejection arrives at once as an ICMP message, so a firewall on the path sends it.',
    evidence: 'EHOSTUNREACH or EACCES within a second; an unreachable neighbour takes three.',
    notConfusedWith: ['network-host-unreachable'],
    from: ['connect/prohibited'],
    says: (c) => `a firewall rejects the connection to ${c.fact('address')} port ${c.port}`,
    fix: (c) => [
      ...showBlockingRules(c),
      step(`Then allow ${c.fact('address')} port ${c.port} on the firewall that rejects it.`),
    ],
    resolvedWhen: 'the connect check passes again',
  },
  {
    id: 'network-host-unreachable',
    severity: 'critical',
    scope: 'gitlab',
    title: 'The next hop on the local network does not respond',
    meaning: 'The GitLab host itself, or the gateway to it, does not respond on the local network.',
    evidence: 'EHOSTUNREACH after about three seconds.',
    notConfusedWith: ['firewall-reject'],
    from: ['connect/host-unreachable'],
    says: (c) =>
      `${c.fact('address')} is unreachable: the next hop on the local network does not respond`,
    fix: (c) => [
      step(
        'Find the next hop.',
        c.place.inNetwork(
          `ip route get ${quoteArgument(c.fact('address'))}; ip neigh show nud failed`,
        ),
      ),
      step('Start that host or gateway again.'),
    ],
    resolvedWhen: 'the connect check passes again',
  },
  {
    id: 'network-no-route',
    severity: 'critical',
    scope: 'host',
    title: 'There is no route to GitLab',
    meaning:
      'The kernel has no route to the address of GitLab or of the name server: a network interface is down, or a route is missing.',
    evidence: 'ENETUNREACH at once, or a route over an interface that is down.',
    notConfusedWith: ['dns-timeout'],
    from: ['connect/no-route', 'dns/no-route'],
    suppresses: ['dns-timeout', 'dns-server-failure'],
    says: (c) =>
      isIPv6(c.fact('address'))
        ? `${networkOwner(c)} has no IPv6 route to ${c.fact('address')}, and no IPv4 address is known`
        : `${networkOwner(c)} has no route to ${c.fact('address')}`,
    fix: (c) => [
      step(
        'Show interfaces and routes.',
        c.place.inNetwork(
          `ip -br link; ${isIPv6(c.fact('address')) ? 'ip -6 route' : 'ip route'}; ip route get ${quoteArgument(c.fact('address'))}`,
        ),
      ),
      ...(hasOwnNetwork(c)
        ? [
            step(
              'If no interface but lo is there, the container was disconnected: connect it to its network again, or make it anew.',
            ),
          ]
        : []),
      step(
        isIPv6(c.fact('address'))
          ? `Bring up IPv6 in ${networkOwner(c)}, or add an A record for ${c.host}.`
          : 'Bring up the interface, or add the route.',
      ),
    ],
    resolvedWhen: 'the connect check passes again',
  },
  {
    id: 'ephemeral-ports-exhausted',
    severity: 'critical',
    scope: 'host',
    title: 'No local port is free for a new connection',
    meaning:
      'All local ports for this address are in use, by open connections or by closed ones in TIME_WAIT.',
    evidence:
      'EADDRNOTAVAIL from connect, or connections to one peer that use 95 % of the local port range.',
    notConfusedWith: ['tcp-connect-timeout'],
    changedBy: [],
    from: ['connect/no-local-port', 'limits/local-ports'],
    breaks: true,
    says: (c) => `${networkOwner(c)} has no free local port for a new connection`,
    fix: (c) => [
      stepInNetwork(
        c,
        'Find the processes with the most connections.',
        "sudo ss -tanp | awk '{print $1, $6}' | sort | uniq -c | sort -rn | head",
      ),
      stepInNetwork(
        c,
        'Widen the port range until the leak is found.',
        'sudo sysctl -w net.ipv4.ip_local_port_range="10240 65535"',
      ),
    ],
    resolvedWhen: 'the connect check passes again',
  },
  {
    id: 'ipv6-path-broken',
    severity: 'notice',
    scope: 'gitlab',
    title: 'GitLab does not respond over IPv6',
    meaning:
      'Where GitLab has IPv4 addresses too, the runner falls back to them and loses time at each new connection. With IPv6 only it cannot connect.',
    evidence: 'Every address that failed is IPv6: an IPv4 address responds, or there is none.',
    notConfusedWith: ['gitlab-partial-outage', 'tcp-connect-timeout'],
    changedBy: ['routes'],
    from: [],
    says: (c) =>
      / ok /.test(c.fact('attempts'))
        ? `${c.host} does not respond over IPv6, but responds over IPv4 (${c.fact('attempts')})`
        : `${c.host} has only IPv6 addresses, and none of them responds (${c.fact('attempts')})`,
    fix: (c) => [
      step(
        'Check whether this host has an IPv6 route at all.',
        c.place.inNetwork(`ip -6 route show default; dig +short ${quoteArgument(c.host)} AAAA`),
      ),
      step('Repair IPv6, or remove the AAAA record.'),
    ],
    resolvedWhen: 'every address responds',
  },
  {
    id: 'gitlab-partial-outage',
    severity: 'warning',
    // An address that fails only costs the runner time, as long as another one responds.
    warnSeverity: 'notice',
    scope: 'gitlab',
    title: "One of GitLab's backends fails",
    meaning:
      "One address does not respond, and the runner loses time at each new connection; or one backend behind the address returns errors, and part of the runner's requests fail.",
    evidence:
      'One address fails while another responds, or alternating good and bad responses to the same request.',
    notConfusedWith: ['network-packet-loss', 'ipv6-path-broken'],
    from: ['connect/some-addresses-failed'],
    isPartial: true,
    says: (c) => `one of the backends of ${c.host} fails (${c.fact('attempts')})`,
    fix: (c) => [
      step(
        'Show the published addresses.',
        c.place.inNetwork(
          `dig +short ${quoteArgument(c.host)} A; dig +short ${quoteArgument(c.host)} AAAA`,
        ),
      ),
      step('Repair the failing backend, or remove it from DNS or the load balancer.'),
    ],
    resolvedWhen: 'every backend responds',
  },
];
