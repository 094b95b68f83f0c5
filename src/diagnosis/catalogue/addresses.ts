/** Causes by which the name resolves to an address that is not GitLab's: each names the source of that address. */
import type { FixStep } from '../../core/diagnosis.ts';
import { step } from '../../core/diagnosis.ts';
import { quoteArgument } from '../../core/shell.ts';
import type { CauseContext, CauseSpec } from '../cause-spec.ts';
import { onHost } from '../cause-spec.ts';
import { curl } from './commands.ts';

const HOSTS = '/etc/hosts';
const RESOLV_CONF = '/etc/resolv.conf';

const RESOLVED_WHEN = 'the address that the name resolves to answers as GitLab';
const SYMPTOMS = ['tcp-connection-refused', 'tcp-connect-timeout', 'network-host-unreachable'];

const showResolver = (c: CauseContext) => `cat ${onHost(c, RESOLV_CONF)}`;

/** A query to each side, or to the one that is known. */
function compareAddresses(c: CauseContext): string {
  const name = quoteArgument(c.fact('name'));
  const sources = [c.optional('wrong_server'), c.optional('right_source')].flatMap(
    (source) => source ?? [],
  );
  return sources.length === 0
    ? `dig ${quoteArgument(`@${c.fact('first_server')}`)} ${name}`
    : sources.map((source) => `dig +short ${quoteArgument(`@${source}`)} ${name}`).join('; ');
}

/** `, which rejects the token`. */
function wrongText(c: CauseContext): string {
  const does = c.optional('wrong_does');
  return does === undefined ? '' : `, which ${does}`;
}

/** `10.0.0.2, where GitLab answers`. */
function rightText(c: CauseContext): string {
  return [c.fact('right'), c.optional('right_does')].filter(Boolean).join(', ');
}

/** ` (rejects the token)`, ` (GitLab answers)`. */
function inBrackets(does: string | undefined): string {
  return does === undefined ? '' : ` (${does.replace(/^where /, '')})`;
}

/** The name as written, or another one of the search list. */
function rightName(c: CauseContext): string {
  const name = c.fact('right_name');
  return name === c.fact('name') ? `${name} itself` : name;
}

function hostsText(c: CauseContext): string {
  const isOfHosts = c.optional('right_source') === HOSTS;
  const other = isOfHosts ? 'another line has' : 'DNS returns';
  return `${c.fact('wrong_source')} maps ${c.fact('name')} to ${c.fact('wrong')}${wrongText(c)}; ${other} ${rightText(c)}`;
}

function isIPv6(address: string): boolean {
  return address.includes(':');
}

/** The record of an address in DNS. */
function recordOf(address: string): string {
  return isIPv6(address) ? 'AAAA' : 'A';
}

/** The runner takes it at once, and DNS is no longer asked for this name. */
function pinAddress(c: CauseContext): FixStep {
  return step(
    'Until then, pin the right address on this host, and remove the line afterwards.',
    `echo ${quoteArgument(`${c.fact('right')} ${c.fact('name')}`)} | sudo tee -a ${onHost(c, HOSTS)}`,
  );
}

/** Three refusals disable an entry for an hour, also when the address is right again. */
function retryEntries(c: CauseContext): readonly FixStep[] {
  if (c.optional('is_answered') === undefined) return [];
  return [
    step(
      'Then make the runner retry entries that it has disabled.',
      `sudo touch ${onHost(c, c.config)}`,
    ),
  ];
}

/** What the name servers in the container make of the name. */
function copyText(c: CauseContext): string {
  const does =
    c.optional('wrong_does') === undefined
      ? `gives ${c.fact('wrong')} for ${c.fact('name')} (${c.fact('outcomes')})`
      : `returns ${c.fact('wrong')} for ${c.fact('name')}${wrongText(c)}`;
  return `the container still asks ${c.fact('wrong_source')}, which ${does}; ${c.fact('host_server')}, which the host has now, returns ${rightText(c)}`;
}

/** With a dot in the name, the option decides; without one, only the name that is looked up. */
function lookUpAsWritten(c: CauseContext): FixStep {
  if (c.fact('right_name') !== c.fact('name') || !c.fact('name').includes('.')) {
    return step(
      `Write the full name ${c.fact('right_name')} in url in ${c.config}, or remove the domain from the search list.`,
      `sudoedit ${onHost(c, c.config)}`,
    );
  }
  return c.place.host.editResolver(
    'Look up names with a dot as they are written first: option ndots:1 in /etc/resolv.conf. In a pod, set it in its dnsConfig instead.',
    's/ndots:[0-9]*/ndots:1/g',
  );
}

export const ADDRESS_CAUSES: readonly CauseSpec[] = [
  {
    id: 'dns-wrong-answer',
    severity: 'critical',
    warnSeverity: 'notice',
    scope: 'gitlab',
    title: 'A name server returns a wrong address',
    meaning:
      "The runner uses the first answer. This answer is not GitLab's address: another name server returns a better one, or the address is unusable.",
    evidence:
      'The address in use fails, or there is none, while another name server in /etc/resolv.conf returns an address that passes the same check; or DNS returns 0.0.0.0 or 127.x for the name.',
    notConfusedWith: [
      'tcp-connection-refused',
      'network-host-unreachable',
      'tls-hostname-mismatch',
      'token-rejected',
    ],
    from: ['dns/servers-disagree', 'dns/sinkhole'],
    says: (c) =>
      c.optional('right_source') === undefined
        ? `DNS returns ${c.fact('addresses')} for ${c.fact('name')}, which is this host itself`
        : `name server ${c.fact('wrong_source')} returns ${c.fact('wrong')} for ${c.fact('name')}${wrongText(c)}; ${c.fact('right_source')} returns ${rightText(c)}`,
    fix: (c) => [
      step('Compare the answers of the name servers.', c.place.inNetwork(compareAddresses(c))),
      step(
        'Correct the record or the block list on the wrong name server, or list the right one first in /etc/resolv.conf (VPN and split DNS often set this order).',
        showResolver(c),
      ),
      ...retryEntries(c),
    ],
    resolvedWhen: RESOLVED_WHEN,
    suppresses: SYMPTOMS,
  },
  {
    id: 'dns-hosts-override-stale',
    severity: 'critical',
    scope: 'gitlab',
    title: '/etc/hosts has an outdated address for GitLab',
    meaning:
      'A line in /etc/hosts overrides DNS for this name. Its address does not respond, is not GitLab, or is another GitLab; another address of the name works.',
    evidence:
      'A line for the name in /etc/hosts whose address fails, and another address of the name that passes the same check.',
    notConfusedWith: ['network-host-unreachable', 'tls-hostname-mismatch', 'token-rejected'],
    from: ['dns/hosts-override'],
    says: hostsText,
    fix: (c) => [
      step(
        'Show the line.',
        `grep -n -i -F -w -e ${quoteArgument(c.fact('name'))} ${onHost(c, HOSTS)}`,
      ),
      step(
        'Remove the name from that line, or delete the line. The runner reloads the file by itself.',
        `sudo cp ${onHost(c, HOSTS)} ${onHost(c, HOSTS)}.before && sudoedit ${onHost(c, HOSTS)}`,
      ),
      ...(c.place.hostsWriter === undefined ? [] : [step(c.place.hostsWriter)]),
      ...retryEntries(c),
    ],
    resolvedWhen: RESOLVED_WHEN,
    suppresses: SYMPTOMS,
  },
  {
    id: 'dns-search-domain-wrong',
    severity: 'critical',
    scope: 'gitlab',
    title: 'A search domain turns the name into that of another machine',
    meaning:
      'A domain of the search list in /etc/resolv.conf is appended to the name before it is looked up as written, and a record there, often a wildcard, leads to another machine.',
    evidence:
      'The address of the expanded name fails, and that of a later name in the search list, or of the name as written, passes the same check.',
    notConfusedWith: ['dns-wrong-answer', 'tls-hostname-mismatch', 'token-rejected'],
    from: ['dns/search-domain'],
    says: (c) =>
      `the search list makes ${c.fact('name')} into ${c.fact('wrong_name')}, which is ${c.fact('wrong')}${inBrackets(c.optional('wrong_does'))} on name server ${c.fact('wrong_source')}; ${rightName(c)} is ${c.fact('right')}${inBrackets(c.optional('right_does'))}`,
    fix: (c) => [
      step(
        'Compare the two names, and show the search list and the option ndots.',
        c.place.inNetwork(
          `dig +short ${quoteArgument(c.fact('wrong_name'))}; dig +short ${quoteArgument(c.fact('right_name'))}; ${showResolver(c)}`,
        ),
      ),
      lookUpAsWritten(c),
      ...retryEntries(c),
    ],
    resolvedWhen: RESOLVED_WHEN,
    suppresses: SYMPTOMS,
  },
  {
    id: 'dns-address-outdated',
    severity: 'critical',
    // The addresses take turns, and the token is accepted now and then.
    partialSeverity: 'warning',
    scope: 'gitlab',
    title: "One of the addresses of the name is not GitLab's",
    meaning:
      'DNS returns several addresses for the name. The one that the runner uses fails or is another machine, and another one works: an outdated record, or one address family that leads elsewhere.',
    evidence:
      'The address in use fails, and another address of the same answer passes the same check.',
    notConfusedWith: ['gitlab-partial-outage', 'tls-certificate-expired', 'token-rejected'],
    from: ['dns/mixed-addresses'],
    says: (c) =>
      `the ${recordOf(c.fact('wrong'))} record of ${c.fact('name')} on name server ${c.fact('wrong_source')} has ${c.fact('wrong')}${wrongText(c)}; the name also ${c.optional('is_earlier') === undefined ? 'has' : 'had'} ${rightText(c)}`,
    fix: (c) => [
      step(
        'Show the records.',
        c.place.inNetwork(
          `dig +short ${quoteArgument(`@${c.fact('wrong_server')}`)} ${quoteArgument(c.fact('wrong_name'))} A; dig +short ${quoteArgument(`@${c.fact('wrong_server')}`)} ${quoteArgument(c.fact('wrong_name'))} AAAA`,
        ),
      ),
      step(
        `Remove the ${recordOf(c.fact('wrong'))} record ${c.fact('wrong')} from DNS, or repair the machine at that address.`,
      ),
      pinAddress(c),
      ...retryEntries(c),
    ],
    resolvedWhen: RESOLVED_WHEN,
    suppresses: SYMPTOMS,
  },
  {
    id: 'dns-container-copy-outdated',
    severity: 'critical',
    scope: 'gitlab',
    title: 'The container has name servers that its host no longer asks',
    meaning:
      'The engine copies the name servers of the host into a container when it starts. Those of the host have changed since (VPN, DHCP, systemd-resolved), and the runner still asks the old ones, which fail or return a wrong address.',
    evidence:
      'The name servers in the container fail for the name, or their address fails; one that the host has now, and the container does not, returns an address, which passes the same check.',
    notConfusedWith: [
      'dns-timeout',
      'dns-server-failure',
      'dns-name-not-found',
      'dns-wrong-answer',
    ],
    changedBy: [],
    from: ['dns/outdated-copy'],
    says: copyText,
    fix: (c) => [
      step(
        'Compare the name servers of the container with those of the host.',
        `cat ${onHost(c, RESOLV_CONF)}; cat ${quoteArgument(c.fact('host_file'))}`,
      ),
      step('Restart the container: it gets those of the host then.', c.place.commands.restart),
      ...retryEntries(c),
    ],
    resolvedWhen: 'the name servers in the container resolve the name to an address that works',
    suppresses: SYMPTOMS,
  },
  {
    id: 'proxy-wrong-server',
    severity: 'critical',
    scope: 'gitlab',
    title: 'The proxy connects the name to another server than GitLab',
    meaning:
      'The proxy looks up the name itself, and its answer differs from that on this host: an old address in its hosts file or its cache, or a name server of its own. The server there does not respond as GitLab, or is another GitLab.',
    evidence:
      'Through the same proxy an address that this host has for the name passes the check that the name fails, and the name fails again.',
    notConfusedWith: ['tls-certificate-expired', 'edge-ip-banned', 'token-rejected'],
    changedBy: ['proxy-environment'],
    from: ['proxy/other-server'],
    says: (c) =>
      `the proxy ${c.fact('proxy')} connects ${c.fact('name')} to a server that ${c.fact('wrong_does')}; through the same proxy ${c.fact('right')}, which ${c.fact('right_source')} returns on this host, is ${c.fact('right_does')}`,
    fix: (c) => [
      step('Show the server that the proxy chooses.', curl(c, '-sv -o /dev/null')),
      step(
        `Show the one at ${c.fact('right')}, through the same proxy.`,
        curl(c, `-sv -o /dev/null --connect-to ${quoteArgument(`::${c.fact('right')}:${c.port}`)}`),
      ),
      step(
        `On the proxy: correct the address of ${c.fact('name')} in its hosts file or at its name server, and clear its cache of names.`,
      ),
      ...retryEntries(c),
    ],
    resolvedWhen: 'the server that the proxy connects the name to answers as GitLab',
  },
];
