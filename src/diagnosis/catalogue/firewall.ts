/**
 * Commands about a rule of the firewall, for the program that shows the rule or manages it: in the runner's network, or on
 * the host that passes its packets on.
 */
import type { FixStep } from '../../core/diagnosis.ts';
import { step } from '../../core/diagnosis.ts';
import type { Command } from '../../core/place.ts';
import { quoteArgument } from '../../core/shell.ts';
import type { CauseContext } from '../cause-spec.ts';
import { hasOwnNetwork, networkOwner, stepInNetwork } from './commands.ts';

/** Every rule that may block, whichever program wrote it. */
export const SHOW_BLOCKING_RULES =
  "sudo sh -c 'nft list ruleset; iptables-legacy-save; ip6tables-legacy-save' 2>/dev/null | grep -n -i -e drop -e reject";

const PERMANENT = 'then make the change permanent where the rules are configured';

/** How to fix the rule that blocks the packets; without a rule nothing more is known than that one does. */
export function openFirewall(c: CauseContext): readonly FixStep[] {
  if (c.optional('rule') === undefined) {
    const text = 'Find the rule that blocks port 53, and remove it where the rules are configured.';
    return [stepAtRule(c, text, SHOW_BLOCKING_RULES)];
  }
  const byManager = MANAGERS[managerOf(c) ?? ''];
  if (byManager !== undefined) return byManager(c);
  return /tables/.test(c.fact('rule_program')) ? openIptables(c) : openNftables(c);
}

function openNftables(c: CauseContext): readonly FixStep[] {
  const chain = nftChainOf(c);
  const handle = c.optional('handle');
  const accepted = acceptedBy(c, {
    ports: portsOf(c).map(([protocol, port]) => `${protocol} dport ${port}`),
    answers: 'ct state established,related',
    from: 'iifname',
    to: 'oifname',
  });
  return [
    stepAtRule(c, 'Show the rule in its chain.', `sudo nft --handle list chain ${chain}`),
    handle === undefined
      ? stepAtRule(
          c,
          `Allow the runner's traffic; ${PERMANENT}.`,
          accepted.map((match) => `sudo nft insert rule ${chain} ${match} accept`).join(' && '),
        )
      : stepAtRule(
          c,
          `Remove the rule; ${PERMANENT}.`,
          `sudo nft delete rule ${chain} handle ${quoteArgument(handle)}`,
        ),
  ];
}

function openIptables(c: CauseContext): readonly FixStep[] {
  const program = iptablesOf(c);
  const chain = quoteArgument(c.fact('chain'));
  const rule = c.optional('rule_arguments');
  const accepted = acceptedBy(c, {
    ports: portsOf(c).map(([protocol, port]) => `-p ${protocol} --dport ${port}`),
    answers: '-m conntrack --ctstate ESTABLISHED,RELATED',
    from: '-i',
    to: '-o',
  });
  return [
    stepAtRule(c, 'Show the rule in its chain.', `${program} -S ${chain}`),
    rule === undefined
      ? stepAtRule(
          c,
          `Allow the runner's traffic; ${PERMANENT}.`,
          accepted.map((match) => `${program} -I ${chain} ${match} -j ACCEPT`).join(' && '),
        )
      : stepAtRule(
          c,
          `Remove the rule; ${PERMANENT}.`,
          repeat(`${program} -D ${chain} ${rule}`, c.optional('rule_copies')),
        ),
  ];
}

interface Matches {
  readonly ports: readonly string[];
  readonly answers: string;
  readonly from: string;
  readonly to: string;
}

/** What a closed policy must let pass: on a host that passes packets on, all of that network and the answers. */
function acceptedBy(c: CauseContext, { ports, answers, from, to }: Matches): readonly string[] {
  if (!isOfHost(c)) return isOfAnswer(c) ? [answers] : ports;
  const bridge = quoteArgument(c.fact('bridge'));
  const back = `${to} ${bridge} ${answers}`;
  if (!endsHere(c)) return [`${from} ${bridge}`, back];
  return isOfAnswer(c) ? [back] : ports.map((port) => `${from} ${bridge} ${port}`);
}

/** The same rule may stand in the chain several times; one command deletes one of them. */
function repeat(command: string, copies: string | undefined): string {
  return copies === undefined ? command : `for n in $(seq ${copies}); do ${command}; done`;
}

function openFail2ban(c: CauseContext): readonly FixStep[] {
  return [
    step(
      'fail2ban bans this address: take the ban back, and add the address to ignoreip.',
      `sudo fail2ban-client unban ${peerOf(c)}`,
    ),
  ];
}

function openUfw(c: CauseContext): readonly FixStep[] {
  const chain = c.fact('chain');
  if (isOfAnswer(c) || /^ufw6?-(?:before|after)-/.test(chain)) {
    const place = chain.includes('-after-') ? 'after' : 'before';
    const file = `/etc/ufw/${place}${c.fact('family') === 'ip6' ? '6' : ''}.rules`;
    const text = `The rule comes from ${file}, or from the policy of ufw: allow the runner's traffic there.`;
    return [step(text, `sudoedit ${file} && sudo ufw reload`)];
  }
  return [
    step('Show the rules of ufw.', 'sudo ufw status numbered'),
    step(
      "Allow the runner's traffic, before the rules that block it.",
      portsOf(c)
        // The address of GitLab is not known while its name cannot be resolved.
        .map(([protocol, port], index) => [index === 0 ? peerOf(c) : 'any', protocol, port])
        .map(([peer, protocol, port]) => `proto ${protocol} to ${peer} port ${port}`)
        .map((target) => `sudo ufw ${directionOf(c)} ${target}`)
        .join(' && '),
    ),
  ];
}

function directionOf(c: CauseContext): string {
  if (!isOfHost(c)) return 'prepend allow out';
  return `${endsHere(c) ? '' : 'route '}prepend allow in on ${quoteArgument(c.fact('bridge'))}`;
}

const POLICY_CHAIN = /^filter_OUT_policy_(?<policy>.+?)(?:_(?:pre|log|deny|allow|post))?$/;

function openFirewalld(c: CauseContext): readonly FixStep[] {
  if (c.fact('table') === 'firewalld_policy_drop') {
    return [step('firewalld is in panic mode: end it.', 'sudo firewall-cmd --panic-off')];
  }
  if (isOfHost(c)) {
    const trust = `--zone=trusted --change-interface=${quoteArgument(c.fact('bridge'))}`;
    return [
      step(
        "Trust the interface of the runner's network, now and after a restart.",
        `sudo firewall-cmd ${trust} && sudo firewall-cmd --permanent ${trust}`,
      ),
    ];
  }
  const policy = POLICY_CHAIN.exec(c.fact('chain'))?.groups?.['policy'];
  if (policy === undefined) {
    return [
      step(
        "Find the direct rule or the policy that blocks the runner's traffic, and remove it, also with --permanent.",
        'sudo firewall-cmd --direct --get-all-rules; sudo firewall-cmd --list-all-policies',
      ),
    ];
  }
  const family = c.fact('address').includes(':') ? 'ipv6' : 'ipv4';
  const rule = `rule priority="-1" family="${family}" destination address="${c.fact('address')}" port port="${c.fact('port')}" protocol="${c.fact('protocol')}" accept`;
  const add = `--policy ${quoteArgument(policy)} --add-rich-rule ${quoteArgument(rule)}`;
  return [
    step(
      'Show the policy of firewalld.',
      `sudo firewall-cmd --info-policy ${quoteArgument(policy)}`,
    ),
    step(
      "Allow the runner's traffic in it, now and after a restart.",
      `sudo firewall-cmd ${add} && sudo firewall-cmd --permanent ${add}`,
    ),
  ];
}

const NO_ENDPOINTS = /^(?<namespace>[\w.-]+)\/(?<service>[\w.-]+)(?::[\w.-]+)? has no endpoints$/;

/** kube-proxy rejects what goes to a Service without a pod. */
function openKubernetes(c: CauseContext): readonly FixStep[] {
  const { namespace, service } = NO_ENDPOINTS.exec(c.optional('rule_comment') ?? '')?.groups ?? {};
  if (namespace === undefined || service === undefined) {
    return [
      step(
        "Kubernetes writes this rule: change the network policy that blocks the runner's traffic.",
        'kubectl get networkpolicies --all-namespaces',
      ),
    ];
  }
  return [
    step(
      `No pod of the Service ${service} is ready: start its pods.`,
      `kubectl --namespace ${namespace} describe service ${service}`,
    ),
  ];
}

/** An engine keeps its networks apart. */
function separateNetworks(c: CauseContext): readonly FixStep[] {
  const text = `The container engine wrote this rule, which keeps its networks apart: connect the container of the runner to the network of ${c.fact('address')} too.`;
  return [step(text, c.place.container?.client('network ls'))];
}

/** A rule of theirs comes back, or is theirs to change. */
const MANAGERS: Readonly<Record<string, (c: CauseContext) => readonly FixStep[]>> = {
  ufw: openUfw,
  firewalld: openFirewalld,
  fail2ban: openFail2ban,
  kubernetes: openKubernetes,
  engine: separateNetworks,
};

/** A rule names our own user: it may be meant, so the rule stays and an exception is made for that user. */
export function openForMonitor(c: CauseContext): readonly FixStep[] {
  const text =
    'Let the user of runnerwatch pass, or run runnerwatch as the user of the runner; without that its checks of the path say nothing.';
  const [protocol, port, uid] = [c.fact('protocol'), c.fact('port'), c.fact('uid')];
  if (managerOf(c) !== undefined) return [step(text)];
  if (!/tables/.test(c.fact('rule_program'))) {
    const accept = `meta skuid ${quoteArgument(uid)} ${protocol} dport ${quoteArgument(port)} accept`;
    return [stepAtRule(c, text, `sudo nft insert rule ${nftChainOf(c)} ${accept}`)];
  }
  const owner = `-m owner --uid-owner ${quoteArgument(uid)}`;
  const match = `-p ${protocol} --dport ${quoteArgument(port)} ${owner}`;
  const chain = quoteArgument(c.fact('chain'));
  return [stepAtRule(c, text, `${iptablesOf(c)} -I ${chain} ${match} -j ACCEPT`)];
}

/** The programs that manage rules do so in the network of the host alone. */
function managerOf(c: CauseContext): string | undefined {
  return hasOwnNetwork(c) && !isOfHost(c) ? undefined : c.optional('rule_manager');
}

/** It is a rule of the host, behind which the runner has a network of its own. */
function isOfHost(c: CauseContext): boolean {
  return c.optional('of_host') === 'true';
}

/** The packets are for the host itself. */
function endsHere(c: CauseContext): boolean {
  return c.optional('ends_here') === 'true';
}

/** Whose rule it is, for a sentence. */
export function ruleOwner(c: CauseContext): string {
  if (!isOfHost(c)) return networkOwner(c);
  return endsHere(c) ? 'the host' : "the host, which passes the runner's packets on,";
}

function stepAtRule(c: CauseContext, text: string, command: Command): FixStep {
  return isOfHost(c) ? step(text, command) : stepInNetwork(c, text, command);
}

/** A firewall on our side is what blocks us; no server has answered. */
export function isOfOwnRule(c: CauseContext): boolean {
  return c.optional('responder') === undefined && c.optional('rule') !== undefined;
}

function nftChainOf(c: CauseContext): string {
  return [c.fact('family'), c.fact('table'), c.fact('chain')]
    .map((argument) => quoteArgument(argument))
    .join(' ');
}

function iptablesOf(c: CauseContext): string {
  const table = c.fact('table');
  return `sudo ${c.fact('rule_program')}${table === 'filter' ? '' : ` -t ${quoteArgument(table)}`}`;
}

function isOfAnswer(c: CauseContext): boolean {
  return c.optional('of_answer') === 'true';
}

function peerOf(c: CauseContext): string {
  return quoteArgument(c.fact('address'));
}

/** What a closed policy must let pass; a runner whose names cannot be resolved has not come to its port yet. */
function portsOf(c: CauseContext): readonly (readonly [protocol: string, port: string])[] {
  const port = quoteArgument(c.fact('port'));
  if (c.fact('protocol') !== 'udp') return [['tcp', port]];
  return [
    ['udp', port],
    ['tcp', quoteArgument(c.firstHop.port)],
  ];
}
