/** Causes in DNS. */
import { isOddAddress } from '../../core/address.ts';
import type { CauseContext, CauseSpec } from '../cause-spec.ts';
import { step } from '../../core/diagnosis.ts';
import { quoteArgument } from '../../core/shell.ts';
import { onHost } from '../cause-spec.ts';

/** The first name server, for dig. */
function server(c: CauseContext): string {
  return quoteArgument(`@${c.fact('first_server')}`);
}

const showResolver = (c: CauseContext) => `cat ${onHost(c, '/etc/resolv.conf')}`;

/** A query to each side, or to the one that is known. */
function compareAddresses(c: CauseContext): string {
  const name = quoteArgument(c.fact('name'));
  const sources = [c.optional('wrong_server'), c.optional('right_source')].flatMap(
    (source) => source ?? [],
  );
  return sources.length === 0
    ? `dig ${server(c)} ${name}`
    : sources.map((source) => `dig +short ${quoteArgument(`@${source}`)} ${name}`).join('; ');
}

function writeAddress(c: CauseContext) {
  return step(
    `Write the address in url in ${c.config} as four decimal numbers without leading zeros: Go reads no other form.`,
    `sudo grep -n url ${onHost(c, c.config)}`,
  );
}

export const DNS_CAUSES: readonly CauseSpec[] = [
  {
    id: 'dns-name-not-found',
    severity: 'critical',
    scope: 'gitlab',
    title: 'The host name in `url` does not exist or has no address',
    meaning: 'Every name server that answers says that the name does not exist or has no address.',
    evidence:
      'NXDOMAIN or an empty answer from every name server that answers, for the name and each of its search-list expansions.',
    notConfusedWith: ['dns-server-failure', 'dns-timeout', 'dns-resolver-down', 'dns-nss-mismatch'],
    from: ['dns/not-found'],
    says: (c) =>
      isOddAddress(c.host)
        ? `${c.host} is not an IP address for the runner, and no host has that name`
        : `the name ${c.host} does not resolve (tried ${c.fact('tried') || 'no name server'}: ${c.fact('outcomes') || 'no query was sent'})`,
    fix: (c) => [
      ...(isOddAddress(c.host) ? [writeAddress(c)] : []),
      step(
        'Query the name server directly, with the search list.',
        c.place.inNetwork(`dig +search ${quoteArgument(c.host)}`),
      ),
      step(
        `If the name is misspelled, correct url in ${c.config}.`,
        `sudo grep -n url ${onHost(c, c.config)}`,
      ),
      step('If the name is right, add the DNS record or restore the search line.', showResolver(c)),
    ],
    resolvedWhen: 'the DNS check passes again',
  },
  {
    id: 'dns-server-failure',
    severity: 'critical',
    scope: 'host',
    title: 'The name servers return an error',
    meaning:
      'The name servers return SERVFAIL or REFUSED: they cannot resolve the name, or do not answer this host.',
    evidence:
      'The response code of each name server in /etc/resolv.conf; none of them resolves the name.',
    notConfusedWith: ['dns-name-not-found', 'dns-timeout'],
    from: ['dns/server-failure'],
    says: (c) => `the name servers return an error for ${c.host} (${c.fact('outcomes')})`,
    fix: (c) => [
      step('Show the error.', c.place.inNetwork(`dig ${quoteArgument(c.host)}`)),
      step(
        'Repair the forwarder, DNSSEC or access list on that server, or configure another name server.',
        showResolver(c),
      ),
    ],
    resolvedWhen: 'the DNS check passes again',
  },
  {
    id: 'dns-timeout',
    severity: 'critical',
    scope: 'host',
    title: 'No name server responds',
    meaning: 'Every query to every name server times out.',
    evidence: 'No response from any name server in two attempts.',
    notConfusedWith: ['network-no-route', 'dns-resolver-down', 'dns-slow'],
    from: ['dns/timeout'],
    says: (c) => `no name server responds (${c.fact('servers')})`,
    fix: (c) => [
      step(
        'Check the path to the name server.',
        c.place.inNetwork(`dig ${server(c)} ${quoteArgument(c.host)}`),
      ),
      step('Open port 53 (UDP and TCP) to it, or configure another name server.', showResolver(c)),
    ],
    resolvedWhen: 'the DNS check passes again',
  },
  {
    id: 'dns-resolver-down',
    severity: 'critical',
    scope: 'host',
    title: 'Connection refused: nothing listens on the name server address',
    meaning:
      'The address in /etc/resolv.conf has no service on port 53, usually because a local resolver is down.',
    evidence: 'Connection refused from every name server.',
    notConfusedWith: ['dns-timeout', 'dns-not-configured'],
    from: ['dns/resolver-down'],
    says: (c) => `nothing listens on the name server address ${c.fact('servers')}`,
    fix: (c) => [
      step('Start the local resolver.', c.place.host.restartResolver),
      step(
        'If the resolver is another program, check what listens on port 53.',
        c.place.inNetwork(`sudo ss -lunp 'sport = :53'; dig ${server(c)} ${quoteArgument(c.host)}`),
      ),
    ],
    resolvedWhen: 'the DNS check passes again',
  },
  {
    id: 'dns-not-configured',
    severity: 'critical',
    scope: 'host',
    title: '/etc/resolv.conf has no name server',
    meaning:
      'Without a name server the runner queries port 53 of this host, where nothing listens.',
    evidence: 'No valid nameserver line, and no response from 127.0.0.1 or ::1.',
    notConfusedWith: ['dns-resolver-down'],
    from: ['dns/not-configured'],
    says: () => '/etc/resolv.conf has no name server',
    fix: (c) => [
      step(
        'Show the file and where it links to.',
        `ls -l ${onHost(c, '/etc/resolv.conf')}; cat ${onHost(c, '/etc/resolv.conf')}`,
      ),
      step(
        'With systemd-resolved, restore the link.',
        `sudo ln -sf /run/systemd/resolve/stub-resolv.conf ${onHost(c, '/etc/resolv.conf')}`,
      ),
    ],
    resolvedWhen: 'the DNS check passes again',
  },
  {
    id: 'dns-wrong-answer',
    severity: 'critical',
    warnSeverity: 'notice',
    scope: 'gitlab',
    title: 'A name server returns a wrong address',
    meaning:
      "The runner uses the first answer. This answer is not GitLab's address: another name server returns a better one, or the address is unusable.",
    evidence:
      'The address in use does not respond, has an untrusted certificate, or there is none, while another name server in /etc/resolv.conf returns an address that works; or DNS returns 0.0.0.0 or 127.x for the name.',
    notConfusedWith: [
      'tcp-connection-refused',
      'network-host-unreachable',
      'tls-hostname-mismatch',
    ],
    from: ['dns/servers-disagree', 'dns/sinkhole'],
    says: (c) =>
      c.optional('right_source') === undefined
        ? `DNS returns ${c.fact('addresses')} for ${c.fact('name')}, which is this host itself`
        : `name server ${c.fact('wrong_source')} returns ${c.fact('wrong')} for ${c.fact('name')}, but ${c.fact('right_source')} returns ${c.fact('right')}`,
    fix: (c) => [
      step('Compare the answers of the name servers.', c.place.inNetwork(compareAddresses(c))),
      step(
        'Correct the record or the block list on the wrong name server, or list the right one first in /etc/resolv.conf (VPN and split DNS often set this order).',
        showResolver(c),
      ),
    ],
    resolvedWhen: 'the address that the name resolves to answers as GitLab',
    suppresses: ['tcp-connection-refused', 'tcp-connect-timeout', 'network-host-unreachable'],
  },
  {
    id: 'dns-hosts-override-stale',
    severity: 'critical',
    scope: 'gitlab',
    title: '/etc/hosts has an outdated address for GitLab',
    meaning:
      'A line in /etc/hosts overrides DNS for this name. Its address does not respond or is not GitLab; the address in DNS works.',
    evidence:
      'A line for the name in /etc/hosts whose address does not respond or has an untrusted certificate, and a DNS answer with another address that works better.',
    notConfusedWith: ['network-host-unreachable', 'tls-hostname-mismatch'],
    from: ['dns/hosts-override'],
    says: (c) =>
      c.fact('trial') === 'certificate'
        ? `/etc/hosts maps ${c.fact('name')} to ${c.fact('wrong')}, which has the certificate of another server; DNS returns ${c.fact('right')}, which has GitLab's certificate`
        : `/etc/hosts maps ${c.fact('name')} to ${c.fact('wrong')}, which does not respond; DNS returns ${c.fact('right')}, which responds`,
    fix: (c) => [
      step(
        'Show the line.',
        `grep -n -i -F -w -e ${quoteArgument(c.fact('name'))} ${onHost(c, '/etc/hosts')}`,
      ),
      step(
        'Remove the name from that line, or delete the line. The runner reloads the file by itself.',
        `sudo cp ${onHost(c, '/etc/hosts')} ${onHost(c, '/etc/hosts')}.before && sudoedit ${onHost(c, '/etc/hosts')}`,
      ),
    ],
    resolvedWhen: 'the address that the name resolves to answers as GitLab',
    suppresses: ['tcp-connection-refused', 'tcp-connect-timeout', 'network-host-unreachable'],
  },
  {
    id: 'dns-nss-mismatch',
    severity: 'critical',
    scope: 'gitlab',
    title: 'This host resolves the name, but the runner cannot',
    meaning:
      'Only an NSS module (mdns, myhostname, resolve, sss ...) knows the name. The runner is a static Go program: it uses only /etc/hosts and DNS.',
    evidence:
      'getent resolves the name, but /etc/hosts has no line for it and DNS says that it does not exist.',
    notConfusedWith: ['dns-name-not-found'],
    from: ['dns/nss-mismatch'],
    says: (c) =>
      `getent resolves ${c.fact('name')} (${c.fact('libc')}), but the runner uses only /etc/hosts and DNS, which do not have it`,
    fix: (c) => [
      step(
        'Compare getent, DNS and nsswitch.conf.',
        c.place.inNetwork(
          `getent ahosts ${quoteArgument(c.fact('name'))}; dig +search ${quoteArgument(c.fact('name'))}; grep ^hosts ${onHost(c, '/etc/nsswitch.conf')}`,
        ),
      ),
      step(
        'Add a DNS record, or a line in /etc/hosts.',
        `echo ${quoteArgument(`${c.fact('libc_address')} ${c.fact('name')}`)} | sudo tee -a ${onHost(c, '/etc/hosts')}`,
      ),
    ],
    resolvedWhen: 'the DNS check passes again',
  },
  {
    id: 'dns-slow',
    severity: 'notice',
    scope: 'host',
    title: 'DNS lookups are slow',
    meaning:
      'The name resolves only after several seconds; every new connection of the runner waits that long.',
    evidence: 'The median of the last five lookups is above the limit.',
    notConfusedWith: ['dns-timeout', 'gitlab-slow'],
    from: ['dns/slow'],
    lasting: { measures: ['lookup_seconds'], option: 'slow_seconds' },
    says: (c) => `DNS lookups of ${c.host} are slow (${c.fact('outcomes')})`,
    fix: (c) => [
      step('Find the name server that does not respond.', showResolver(c)),
      step('Remove that name server, or add the line `options timeout:1 attempts:1`.'),
    ],
    resolvedWhen: 'lookups are fast again',
    suppresses: ['gitlab-slow'],
    confirm: { results: 5 },
  },
];
