/** Causes on the host of a runner with a network of its own: the host passes its packets on, or does not. */
import type { FixStep } from '../../core/diagnosis.ts';
import { step } from '../../core/diagnosis.ts';
import { quoteArgument } from '../../core/shell.ts';
import type { CauseContext, CauseSpec } from '../cause-spec.ts';
import { family } from '../cause-spec.ts';

const SETTINGS =
  '/etc/sysctl.conf /etc/sysctl.d /run/sysctl.d /usr/local/lib/sysctl.d /usr/lib/sysctl.d';

/** With IPv6 forwarding on, a host forgets the routes that it learns by default. */
function passOn(c: CauseContext): readonly FixStep[] {
  const setting = c.fact('setting');
  const isIpv6 = setting.includes('ipv6');
  return [
    step(
      'Find what sets it to 0 at each start, and change it there; without a line the engine of the container sets it to 1 when it starts.',
      `grep -rsn forward ${SETTINGS}`,
    ),
    ...(isIpv6
      ? [
          step(
            'If the host learns its IPv6 routes from a router, set accept_ra of that interface to 2 first, or it loses them.',
            'ip -6 route show default',
          ),
        ]
      : []),
    step(
      'Let the host pass packets on, from now on.',
      `sudo sysctl -w ${quoteArgument(setting)}=1`,
    ),
  ];
}

function masquerade(c: CauseContext): readonly FixStep[] {
  const program = c.optional('rule_program') ?? (isIpv6(c) ? 'ip6tables' : 'iptables');
  const subnet = quoteArgument(c.optional('subnet') ?? c.fact('source'));
  const bridge = quoteArgument(c.fact('bridge'));
  const text =
    'Give the packets the address of the host; then find what deleted the rule that the engine of the container made when it started.';
  if (program === 'nft') {
    const chain = [c.fact('family'), c.fact('table'), c.fact('chain')].map(quoteArgument).join(' ');
    const match = `${isIpv6(c) ? 'ip6' : 'ip'} saddr ${subnet} oifname != ${bridge}`;
    return [
      step('Show the rules that change addresses.', `sudo nft list chain ${chain}`),
      step(text, `sudo nft insert rule ${chain} ${match} masquerade`),
    ];
  }
  const chain = quoteArgument(c.optional('chain') ?? 'POSTROUTING');
  return [
    step(
      'Show the rules that change addresses.',
      `sudo ${quoteArgument(program)} -t nat -S ${chain}`,
    ),
    step(
      text,
      `sudo ${quoteArgument(program)} -t nat -I ${chain} -s ${subnet} ! -o ${bridge} -j MASQUERADE`,
    ),
  ];
}

function isIpv6(c: CauseContext): boolean {
  return c.fact('source').includes(':');
}

const cause = family({
  severity: 'critical',
  scope: 'host',
  resolvedWhen: 'the connect check passes again',
});

export const HOST_NETWORK_CAUSES: readonly CauseSpec[] = [
  cause({
    id: 'host-forwarding-off',
    title: "The host passes on no packets of the runner's network",
    meaning:
      'The runner has a network of its own behind the host, as in a container, and the kernel of the host does not forward packets. A file of sysctl has set it to 0 after the engine of the container set it to 1. Programs of the host itself notice nothing.',
    evidence:
      "No answer comes, the runner's network is wired to an interface of the host, and `net.ipv4.ip_forward`, or the setting of that interface, is 0.",
    notConfusedWith: ['firewall-local-block', 'host-masquerading-missing', 'tcp-connect-timeout'],
    from: ['firewall/forwarding-off'],
    says: (c) =>
      `the host passes on no packets of the runner's network, which is behind ${c.fact('bridge')} (${c.fact('setting')} is 0)`,
    fix: passOn,
    suppresses: ['tcp-connect-timeout', 'dns-timeout', 'dns-server-failure'],
  }),
  cause({
    id: 'host-masquerading-missing',
    title: "Packets of the runner's network leave the host with an address that nobody can answer",
    meaning:
      "The runner has a network of its own behind the host, as in a container. The host should give its packets its own address (MASQUERADE or SNAT); without that the answers do not find their way back. Something has deleted the rule of the container's engine.",
    evidence:
      'No answer comes, no rule of the host changes the address of the packets, and the same address answers the host itself.',
    notConfusedWith: ['firewall-local-block', 'host-forwarding-off', 'tcp-connect-timeout'],
    from: ['firewall/masquerading-missing'],
    says: (c) =>
      `no rule of the host changes the address of the runner's packets (${c.fact('source')}), so no answer from ${c.fact('address')} comes back, although it answers the host`,
    fix: masquerade,
    suppresses: ['tcp-connect-timeout', 'dns-timeout', 'dns-server-failure'],
  }),
];
