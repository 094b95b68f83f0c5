/** The commands of a fix for the program that shows a rule of the firewall, or manages it. */
import { expect, test } from 'vitest';

import { requireCause } from '../../src/diagnosis/build-cause.ts';
import { openFirewall, openForMonitor } from '../../src/diagnosis/catalogue/firewall.ts';
import { PLACEHOLDERS, contextOf } from '../../src/diagnosis/cause-spec.ts';

const RULE = {
  rule: 'as its program names it',
  rule_program: 'iptables-legacy',
  family: 'ip',
  table: 'filter',
  chain: 'OUTPUT',
  rule_arguments: '-p tcp -j DROP',
  address: '10.0.0.2',
  protocol: 'tcp',
  port: 443,
  of_answer: false,
};
const POLICY = { rule_arguments: undefined };
const DNS = { address: '10.0.0.53', protocol: 'udp', port: 53 };

/** The last command is the one that changes something. */
function lastCommand(
  over: Readonly<Record<string, string | number | boolean | undefined>>,
  fix = openFirewall,
) {
  const present = Object.entries({ ...RULE, ...over }).filter(([, value]) => value !== undefined);
  const facts = Object.fromEntries(present) as Readonly<Record<string, string>>;
  const firstHop = { host: 'gitlab.test', port: '8443' };
  return fix(contextOf({ ...PLACEHOLDERS, firstHop }, facts)).at(-1)?.command;
}

test.each([
  ['a rule', {}, 'sudo iptables-legacy -D OUTPUT -p tcp -j DROP'],
  [
    'a rule of another table',
    { table: 'mangle', rule_program: 'ip6tables-nft' },
    'sudo ip6tables-nft -t mangle -D OUTPUT -p tcp -j DROP',
  ],
  [
    'a rule that stands there twice',
    { rule_copies: 2 },
    'for n in $(seq 2); do sudo iptables-legacy -D OUTPUT -p tcp -j DROP; done',
  ],
  ['a policy', POLICY, 'sudo iptables-legacy -I OUTPUT -p tcp --dport 443 -j ACCEPT'],
  [
    'a policy towards a name server',
    { ...POLICY, ...DNS },
    'sudo iptables-legacy -I OUTPUT -p udp --dport 53 -j ACCEPT && sudo iptables-legacy -I OUTPUT -p tcp --dport 8443 -j ACCEPT',
  ],
  [
    'a policy for answers',
    { ...POLICY, chain: 'INPUT', of_answer: true },
    'sudo iptables-legacy -I INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT',
  ],
])('iptables: %s', (_, over, command) => {
  expect(lastCommand(over)).toBe(command);
});

const OF_NFT = { rule_program: 'nft', family: 'inet', table: 'host', chain: 'out', ...POLICY };

test.each([
  ['a rule', { handle: 4 }, 'sudo nft delete rule inet host out handle 4'],
  ['a policy', {}, 'sudo nft insert rule inet host out tcp dport 443 accept'],
  [
    'a policy towards a name server',
    DNS,
    'sudo nft insert rule inet host out udp dport 53 accept && sudo nft insert rule inet host out tcp dport 8443 accept',
  ],
  [
    'a policy for answers',
    { of_answer: true },
    'sudo nft insert rule inet host out ct state established,related accept',
  ],
])('nft: %s', (_, over, command) => {
  expect(lastCommand({ ...OF_NFT, ...over })).toBe(command);
});

const OF_POLICY = {
  rule_manager: 'firewalld',
  table: 'firewalld',
  chain: 'filter_OUT_policy_egress_deny',
};

test.each([
  [
    'ufw',
    { rule_manager: 'ufw', chain: 'ufw-user-output' },
    'sudo ufw prepend allow out proto tcp to 10.0.0.2 port 443',
  ],
  [
    'ufw, closed for name servers',
    { rule_manager: 'ufw', ...POLICY, ...DNS },
    'sudo ufw prepend allow out proto udp to 10.0.0.53 port 53 && sudo ufw prepend allow out proto tcp to any port 8443',
  ],
  [
    'the own rules of ufw for IPv6',
    { rule_manager: 'ufw', family: 'ip6', chain: 'ufw6-before-output' },
    'sudoedit /etc/ufw/before6.rules && sudo ufw reload',
  ],
  [
    'a policy of firewalld',
    OF_POLICY,
    `sudo firewall-cmd --policy egress --add-rich-rule 'rule priority="-1" family="ipv4" destination address="10.0.0.2" port port="443" protocol="tcp" accept' && sudo firewall-cmd --permanent --policy egress --add-rich-rule 'rule priority="-1" family="ipv4" destination address="10.0.0.2" port port="443" protocol="tcp" accept'`,
  ],
  [
    'a direct rule of firewalld',
    { rule_manager: 'firewalld', chain: 'OUTPUT_direct' },
    'sudo firewall-cmd --direct --get-all-rules; sudo firewall-cmd --list-all-policies',
  ],
  [
    'the panic mode of firewalld',
    { ...OF_POLICY, table: 'firewalld_policy_drop', chain: 'filter_output' },
    'sudo firewall-cmd --panic-off',
  ],
  ['fail2ban', { rule_manager: 'fail2ban' }, 'sudo fail2ban-client unban 10.0.0.2'],
  [
    'a Service of Kubernetes',
    { rule_manager: 'kubernetes', rule_comment: 'gitlab/webservice:http has no endpoints' },
    'kubectl --namespace gitlab describe service webservice',
  ],
  [
    'a policy of Kubernetes',
    { rule_manager: 'kubernetes' },
    'kubectl get networkpolicies --all-namespaces',
  ],
])('the program that manages the rule: %s', (_, over, command) => {
  expect(lastCommand(over)).toBe(command);
});

const OF_HOST = { of_host: true, bridge: 'docker0', chain: 'FORWARD' };
const RETURNS = '-o docker0 -m conntrack --ctstate ESTABLISHED,RELATED';

test.each([
  ['a rule', { chain: 'DOCKER-USER' }, 'sudo iptables-legacy -D DOCKER-USER -p tcp -j DROP'],
  [
    'a policy',
    POLICY,
    `sudo iptables-legacy -I FORWARD -i docker0 -j ACCEPT && sudo iptables-legacy -I FORWARD ${RETURNS} -j ACCEPT`,
  ],
  [
    'a policy for what is for the host itself',
    { ...POLICY, chain: 'INPUT', ends_here: true },
    'sudo iptables-legacy -I INPUT -i docker0 -p tcp --dport 443 -j ACCEPT',
  ],
  [
    'a policy for answers of the host itself',
    { ...POLICY, chain: 'OUTPUT', ends_here: true, of_answer: true },
    `sudo iptables-legacy -I OUTPUT ${RETURNS} -j ACCEPT`,
  ],
  [
    'a policy of nft',
    { ...OF_NFT, chain: 'pass' },
    'sudo nft insert rule inet host pass iifname docker0 accept && sudo nft insert rule inet host pass oifname docker0 ct state established,related accept',
  ],
  [
    'ufw',
    { rule_manager: 'ufw', chain: 'ufw-user-forward' },
    'sudo ufw route prepend allow in on docker0 proto tcp to 10.0.0.2 port 443',
  ],
  [
    'ufw, for the host itself',
    { rule_manager: 'ufw', chain: 'ufw-user-input', ends_here: true },
    'sudo ufw prepend allow in on docker0 proto tcp to 10.0.0.2 port 443',
  ],
  [
    'firewalld',
    { rule_manager: 'firewalld', table: 'firewalld', chain: 'filter_FORWARD' },
    'sudo firewall-cmd --zone=trusted --change-interface=docker0 && sudo firewall-cmd --permanent --zone=trusted --change-interface=docker0',
  ],
  [
    'the engine keeps its networks apart',
    { rule_manager: 'engine', chain: 'DOCKER-ISOLATION-STAGE-2' },
    undefined,
  ],
])('on the host that passes the packets on: %s', (_, over, command) => {
  expect(lastCommand({ ...OF_HOST, ...over })).toBe(command);
});

test.each([
  [
    'forwarding',
    'host-forwarding-off',
    { setting: 'net.ipv4.ip_forward' },
    'sudo sysctl -w net.ipv4.ip_forward=1',
  ],
  [
    'addresses, by iptables',
    'host-masquerading-missing',
    { rule_program: 'iptables-nft', table: 'nat', chain: 'POSTROUTING' },
    'sudo iptables-nft -t nat -I POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE',
  ],
  [
    'addresses, by nft',
    'host-masquerading-missing',
    { rule_program: 'nft', family: 'ip', table: 'nat', chain: 'out' },
    'sudo nft insert rule ip nat out ip saddr 172.17.0.0/16 oifname != docker0 masquerade',
  ],
  [
    'addresses, without a chain',
    'host-masquerading-missing',
    { rule_program: undefined, chain: undefined },
    'sudo iptables -t nat -I POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE',
  ],
])('a host that does not pass packets on: %s', (_, id, over, command) => {
  const way = { bridge: 'docker0', source: '172.17.0.2', subnet: '172.17.0.0/16' };
  expect(lastCommand({ ...way, ...over }, (c) => requireCause(id).fix(c))).toBe(command);
});

test.each([
  [
    'iptables',
    {},
    'sudo iptables-legacy -I OUTPUT -p tcp --dport 443 -m owner --uid-owner 0 -j ACCEPT',
  ],
  [
    'nft',
    { ...OF_NFT, handle: 4 },
    'sudo nft insert rule inet host out meta skuid 0 tcp dport 443 accept',
  ],
  ['a program that manages the rules', { rule_manager: 'ufw' }, undefined],
])('a rule for our own user gets an exception: %s', (_, over, command) => {
  expect(lastCommand({ ...over, uid: 0 }, openForMonitor)).toBe(command);
});
