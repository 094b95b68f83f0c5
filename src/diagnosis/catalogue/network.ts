/** Causes between here and the port. */
import type { CauseSpec } from '../cause-spec.ts';
import { step } from '../../core/diagnosis.ts';
import { quoted } from '../../core/shell.ts';
import { onHost } from '../cause-spec.ts';

export const NETWORK_CAUSES: readonly CauseSpec[] = [
  {
    id: 'tcp-connection-refused',
    severity: 'critical',
    scope: 'gitlab',
    title: 'The host answers, and nothing listens on the port',
    meaning:
      'The connection is refused at once: GitLab’s web server is down, the port in `url` is wrong, or a firewall answers with a reset.',
    evidence: 'ECONNREFUSED from every address.',
    notConfusedWith: ['tcp-connect-timeout', 'firewall-reject', 'dns-wrong-answer'],
    from: ['connect/refused'],
    says: (c) => `nothing listens on port ${c.port} of ${c.host} (${c.fact('address')})`,
    fix: (c) => [
      step(
        'On the GitLab server: is the web server up, and on this port?',
        `sudo gitlab-ctl status nginx; sudo ss -ltn ${quoted(`sport = :${c.port}`)}`,
      ),
      step(`Is the port in url right? See ${c.config}.`, `sudo grep -n url ${onHost(c, c.config)}`),
    ],
    resolvedWhen: 'the connect link passes',
  },
  {
    id: 'tcp-connect-timeout',
    severity: 'critical',
    scope: 'gitlab',
    title: 'Packets to GitLab are dropped on the way',
    meaning:
      'Nobody answers the connection request, neither yes nor no: a firewall drops it, or the host is gone.',
    evidence: 'No answer to the connection request within the deadline, although a route exists.',
    notConfusedWith: ['network-host-unreachable', 'proxy-required-not-set', 'conntrack-table-full'],
    from: ['connect/timeout'],
    says: (c) => `no answer comes from port ${c.port} of ${c.host} (${c.fact('address')})`,
    fix: (c) => [
      step(
        'See where the packets end.',
        c.place.inNetwork(`sudo traceroute -T -p ${quoted(c.port)} ${quoted(c.fact('address'))}`),
      ),
      step(
        `Allow egress to ${c.fact('address')} port ${c.port} in the firewalls and security groups between.`,
      ),
    ],
    resolvedWhen: 'the connect link passes',
  },
  {
    id: 'firewall-reject',
    severity: 'critical',
    scope: 'gitlab',
    title: 'A firewall answers that the connection is prohibited',
    meaning:
      'The refusal comes at once and as an ICMP message: a firewall on the way rejects the connection.',
    evidence: 'EHOSTUNREACH or EACCES within a second; a dead neighbour takes three.',
    notConfusedWith: ['network-host-unreachable'],
    from: ['connect/prohibited'],
    says: (c) => `a firewall prohibits the connection to ${c.fact('address')} port ${c.port}`,
    fix: (c) => [
      step(
        'Look for the rule on this host first.',
        `sudo nft list ruleset | grep -n -e reject -e drop`,
      ),
      step(`Then open ${c.fact('address')} port ${c.port} on the firewall that answers.`),
    ],
    resolvedWhen: 'the connect link passes',
  },
  {
    id: 'network-host-unreachable',
    severity: 'critical',
    scope: 'gitlab',
    title: 'The neighbour that should take the packets does not answer',
    meaning:
      'The host itself, or the gateway on the way to it, is not there: nobody answers on the local network.',
    evidence: 'EHOSTUNREACH after about three seconds.',
    notConfusedWith: ['firewall-reject'],
    from: ['connect/host-unreachable'],
    says: (c) => `${c.fact('address')} is unreachable: its neighbour does not answer`,
    fix: (c) => [
      step(
        'Which neighbour is it?',
        c.place.inNetwork(`ip route get ${quoted(c.fact('address'))}; ip neigh show nud failed`),
      ),
      step('Bring that host or gateway up.'),
    ],
    resolvedWhen: 'the connect link passes',
  },
  {
    id: 'network-no-route',
    severity: 'critical',
    scope: 'host',
    title: 'This host has no route to GitLab',
    meaning:
      'The kernel knows no way to the address of GitLab or of the name server: a link is down, or a route is missing.',
    evidence: 'ENETUNREACH at once, or a route over a link that is down.',
    notConfusedWith: ['dns-timeout'],
    from: ['connect/no-route', 'dns/no-route'],
    suppresses: ['dns-timeout', 'dns-server-failure'],
    says: (c) => `this host has no route to ${c.fact('address')}`,
    fix: (c) => [
      step(
        'See links and routes.',
        c.place.inNetwork(`ip -br link; ip route; ip route get ${quoted(c.fact('address'))}`),
      ),
      step('Bring the link or the route up.'),
    ],
    resolvedWhen: 'the connect link passes',
  },
  {
    id: 'ephemeral-ports-exhausted',
    severity: 'critical',
    scope: 'host',
    title: 'This host has no local port left for a new connection',
    meaning:
      'All local ports towards this address are taken, by many connections or by their remains.',
    evidence:
      'EADDRNOTAVAIL from connect, or connections to one peer that take 95 % of the range of local ports.',
    notConfusedWith: ['tcp-connect-timeout'],
    from: ['connect/no-local-port', 'limits/local-ports'],
    breaks: true,
    says: () => 'this host has no local port left for a new connection',
    fix: () => [
      step(
        'Who holds them?',
        "sudo ss -tanp | awk '{print $1, $6}' | sort | uniq -c | sort -rn | head",
      ),
      step(
        'Widen the range until the leak is found.',
        'sudo sysctl -w net.ipv4.ip_local_port_range="10240 65535"',
      ),
    ],
    resolvedWhen: 'the connect link passes',
  },
  {
    id: 'ipv6-path-broken',
    severity: 'notice',
    scope: 'gitlab',
    title: 'The IPv6 address of GitLab does not answer; IPv4 does',
    meaning:
      'The runner goes on with IPv4 and loses time at each new connection. With IPv6 alone it would be cut off.',
    evidence: 'Each address that failed is of IPv6, and an IPv4 address answers.',
    notConfusedWith: ['gitlab-partial-outage', 'tcp-connect-timeout'],
    from: [],
    says: (c) => `${c.host} does not answer over IPv6, and does over IPv4 (${c.fact('attempts')})`,
    fix: (c) => [
      step(
        'Has this host a way out over IPv6 at all?',
        c.place.inNetwork(`ip -6 route show default; dig +short ${quoted(c.host)} AAAA`),
      ),
      step('Repair it, or take the AAAA record away.'),
    ],
    resolvedWhen: 'every address answers',
  },
  {
    id: 'gitlab-partial-outage',
    severity: 'warning',
    // A dead address costs the runner time and nothing else, as long as another one answers.
    warnSeverity: 'notice',
    scope: 'gitlab',
    title: 'One of several backends of GitLab fails',
    meaning:
      'One address does not answer, and the runner loses time at each new connection; or one backend behind the address answers with errors, and a part of the runner’s requests fails.',
    evidence:
      'One address fails while another answers, or good and bad answers to one request in turn.',
    notConfusedWith: ['network-packet-loss', 'ipv6-path-broken'],
    from: ['connect/some-addresses-failed'],
    says: (c) => `one of the backends of ${c.host} fails (${c.fact('attempts')})`,
    fix: (c) => [
      step(
        'Which ones are published?',
        c.place.inNetwork(`dig +short ${quoted(c.host)} A; dig +short ${quoted(c.host)} AAAA`),
      ),
      step('Repair the bad one, or take it out of DNS or of the load balancer.'),
    ],
    resolvedWhen: 'every backend answers',
  },
];
