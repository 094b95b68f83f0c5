/** Causes between this host and GitLab's port. */
import type { CauseSpec } from '../cause-spec.ts';
import { step } from '../../core/diagnosis.ts';
import { quoteArgument } from '../../core/shell.ts';
import { onHost } from '../cause-spec.ts';

export const NETWORK_CAUSES: readonly CauseSpec[] = [
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
      `connection refused: nothing listens on port ${c.port} of ${c.host} (${c.fact('address')})`,
    fix: (c) => [
      step(
        'On the GitLab server: check that the web server runs and listens on this port.',
        `sudo gitlab-ctl status nginx; sudo ss -ltn ${quoteArgument(`sport = :${c.port}`)}`,
      ),
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
          `sudo traceroute -T -p ${quoteArgument(c.port)} ${quoteArgument(c.fact('address'))}`,
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
      step(
        'Check the firewall rules of this host first.',
        `sudo nft list ruleset | grep -n -e reject -e drop`,
      ),
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
    title: 'This host has no route to GitLab',
    meaning:
      'The kernel has no route to the address of GitLab or of the name server: a network interface is down, or a route is missing.',
    evidence: 'ENETUNREACH at once, or a route over an interface that is down.',
    notConfusedWith: ['dns-timeout'],
    from: ['connect/no-route', 'dns/no-route'],
    suppresses: ['dns-timeout', 'dns-server-failure'],
    says: (c) => `this host has no route to ${c.fact('address')}`,
    fix: (c) => [
      step(
        'Show interfaces and routes.',
        c.place.inNetwork(
          `ip -br link; ip route; ip route get ${quoteArgument(c.fact('address'))}`,
        ),
      ),
      step('Bring up the interface, or add the route.'),
    ],
    resolvedWhen: 'the connect check passes again',
  },
  {
    id: 'ephemeral-ports-exhausted',
    severity: 'critical',
    scope: 'host',
    title: 'This host has no free local port for a new connection',
    meaning:
      'All local ports for this address are in use, by open connections or by closed ones in TIME_WAIT.',
    evidence:
      'EADDRNOTAVAIL from connect, or connections to one peer that use 95 % of the local port range.',
    notConfusedWith: ['tcp-connect-timeout'],
    from: ['connect/no-local-port', 'limits/local-ports'],
    breaks: true,
    says: () => 'this host has no free local port for a new connection',
    fix: () => [
      step(
        'Find the processes with the most connections.',
        "sudo ss -tanp | awk '{print $1, $6}' | sort | uniq -c | sort -rn | head",
      ),
      step(
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
    title: 'GitLab does not respond over IPv6, but responds over IPv4',
    meaning:
      'The runner falls back to IPv4 and loses time at each new connection. With IPv6 only it could not connect.',
    evidence: 'Every address that failed is IPv6, and an IPv4 address responds.',
    notConfusedWith: ['gitlab-partial-outage', 'tcp-connect-timeout'],
    from: [],
    says: (c) =>
      `${c.host} does not respond over IPv6, but responds over IPv4 (${c.fact('attempts')})`,
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
