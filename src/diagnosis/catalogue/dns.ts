/** Causes in name resolution. */
import type { CauseContext, CauseSpec } from '../cause-spec.ts';
import { step } from '../../core/diagnosis.ts';
import { quoted } from '../../core/shell.ts';
import { onHost } from '../cause-spec.ts';

/** The first name server, for dig. */
function server(c: CauseContext): string {
  return quoted(`@${c.fact('first_server')}`);
}

const showResolver = (c: CauseContext) => `cat ${onHost(c, '/etc/resolv.conf')}`;

/** A question to each side, or to the one that is known. */
function compared(c: CauseContext): string {
  const name = quoted(c.fact('name'));
  const sources = [c.optional('wrong_server'), c.optional('right_source')].flatMap(
    (source) => source ?? [],
  );
  return sources.length === 0
    ? `dig ${server(c)} ${name}`
    : sources.map((source) => `dig +short ${quoted(`@${source}`)} ${name}`).join('; ');
}

export const DNS_CAUSES: readonly CauseSpec[] = [
  {
    id: 'dns-name-not-found',
    severity: 'critical',
    scope: 'gitlab',
    title: 'The name in `url` does not exist, or has no address',
    meaning:
      'Every name server that answers says that there is no such name, or no address for it.',
    evidence:
      'NXDOMAIN or an empty answer from every name server that answers, for the name and each of its expansions.',
    notConfusedWith: ['dns-server-failure', 'dns-timeout', 'dns-resolver-down', 'dns-nss-mismatch'],
    from: ['dns/not-found'],
    says: (c) =>
      `the name ${c.host} does not resolve (tried ${c.fact('tried') || 'no name server'}: ${c.fact('outcomes') || 'nobody was asked'})`,
    fix: (c) => [
      step(
        'Ask the name server yourself, with the search list.',
        c.place.inNetwork(`dig +search ${quoted(c.host)}`),
      ),
      step(
        `If the name is mistyped, correct url in ${c.config}.`,
        `sudo grep -n url ${onHost(c, c.config)}`,
      ),
      step('If it is right, add the record, or restore the search line.', showResolver(c)),
    ],
    resolvedWhen: 'the dns link passes',
  },
  {
    id: 'dns-server-failure',
    severity: 'critical',
    scope: 'host',
    title: 'The name server answers with a failure',
    meaning:
      'The name servers answer SERVFAIL or REFUSED: they cannot or will not look the name up.',
    evidence: 'The answer code of each name server in /etc/resolv.conf, none of them an answer.',
    notConfusedWith: ['dns-name-not-found', 'dns-timeout'],
    from: ['dns/server-failure'],
    says: (c) => `the name servers fail to look up ${c.host} (${c.fact('outcomes')})`,
    fix: (c) => [
      step('See the failure.', c.place.inNetwork(`dig ${quoted(c.host)}`)),
      step(
        'Repair forwarder, DNSSEC or access list on that server, or name another one.',
        showResolver(c),
      ),
    ],
    resolvedWhen: 'the dns link passes',
  },
  {
    id: 'dns-timeout',
    severity: 'critical',
    scope: 'host',
    title: 'No name server answers',
    meaning: 'Questions to every name server stay without an answer.',
    evidence: 'Silence from all name servers in two tries.',
    notConfusedWith: ['network-no-route', 'dns-resolver-down', 'dns-slow'],
    from: ['dns/timeout'],
    says: (c) => `no name server answers (${c.fact('servers')})`,
    fix: (c) => [
      step(
        'Check the path to the name server.',
        c.place.inNetwork(`dig ${server(c)} ${quoted(c.host)}`),
      ),
      step('Open port 53 (UDP and TCP) to it, or name another server.', showResolver(c)),
    ],
    resolvedWhen: 'the dns link passes',
  },
  {
    id: 'dns-resolver-down',
    severity: 'critical',
    scope: 'host',
    title: 'The name server refuses connections: nothing listens there',
    meaning:
      'The address in /etc/resolv.conf answers that nothing listens on port 53, most often a local resolver that is down.',
    evidence: 'A refused connection from every name server.',
    notConfusedWith: ['dns-timeout', 'dns-not-configured'],
    from: ['dns/resolver-down'],
    says: (c) => `nothing listens on the name server address ${c.fact('servers')}`,
    fix: (c) => [
      step('Start the local resolver.', c.place.host.restartResolver),
      step(
        'If it is another one, see who should listen.',
        c.place.inNetwork(`sudo ss -lunp 'sport = :53'; dig ${server(c)} ${quoted(c.host)}`),
      ),
    ],
    resolvedWhen: 'the dns link passes',
  },
  {
    id: 'dns-not-configured',
    severity: 'critical',
    scope: 'host',
    title: '/etc/resolv.conf names no server',
    meaning: 'Without a server the runner asks this host itself on port 53, where nobody answers.',
    evidence: 'No usable nameserver line, and no answer from 127.0.0.1 or ::1.',
    notConfusedWith: ['dns-resolver-down'],
    from: ['dns/not-configured'],
    says: () => '/etc/resolv.conf names no name server',
    fix: (c) => [
      step(
        'See what is left of it.',
        `ls -l ${onHost(c, '/etc/resolv.conf')}; cat ${onHost(c, '/etc/resolv.conf')}`,
      ),
      step(
        'With systemd-resolved, restore the link.',
        `sudo ln -sf /run/systemd/resolve/stub-resolv.conf ${onHost(c, '/etc/resolv.conf')}`,
      ),
    ],
    resolvedWhen: 'the dns link passes',
  },
  {
    id: 'dns-wrong-answer',
    severity: 'critical',
    warnSeverity: 'notice',
    scope: 'gitlab',
    title: 'The name server that decides gives the wrong answer',
    meaning:
      'The runner takes the first answer it gets. This one is no address of GitLab: another name server knows a better one, or it is an address that leads nowhere.',
    evidence:
      'The address in use does not answer, shows a certificate that is refused, or there is none, and another name server in /etc/resolv.conf gives one that does; or DNS gives 0.0.0.0 or 127.x for the name.',
    notConfusedWith: [
      'tcp-connection-refused',
      'network-host-unreachable',
      'tls-hostname-mismatch',
    ],
    from: ['dns/servers-disagree', 'dns/sinkhole'],
    says: (c) =>
      c.optional('right_source') === undefined
        ? `DNS sends ${c.fact('name')} to ${c.fact('addresses')}, which is no other host`
        : `name server ${c.fact('wrong_source')} says ${c.fact('wrong')} for ${c.fact('name')}; ${c.fact('right_source')} says ${c.fact('right')}`,
    fix: (c) => [
      step('Compare what each name server says.', c.place.inNetwork(compared(c))),
      step(
        'Correct the record or the blocking list on the wrong one, or put the right one first in /etc/resolv.conf (VPN and split DNS often set this order).',
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
    title: '/etc/hosts pins an address that is not GitLab’s any more',
    meaning:
      'A line in /etc/hosts ends every lookup of this name, so DNS is not asked. The address in it does not answer, or not as GitLab; the one in DNS does.',
    evidence:
      'A line for the name whose address does not answer, or shows a certificate that is refused, and a DNS answer with another address that does better.',
    notConfusedWith: ['network-host-unreachable', 'tls-hostname-mismatch'],
    from: ['dns/hosts-override'],
    says: (c) =>
      c.fact('trial') === 'certificate'
        ? `/etc/hosts pins ${c.fact('name')} to ${c.fact('wrong')}, which shows another’s certificate; DNS says ${c.fact('right')}, which shows GitLab’s`
        : `/etc/hosts pins ${c.fact('name')} to ${c.fact('wrong')}, which does not answer; DNS says ${c.fact('right')}, which does`,
    fix: (c) => [
      step(
        'See the line.',
        `grep -n -i -F -w -e ${quoted(c.fact('name'))} ${onHost(c, '/etc/hosts')}`,
      ),
      step(
        'Take the name off that line, or the line away; the runner reads the file again by itself.',
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
    title: 'This host finds the name, and the runner cannot',
    meaning:
      'The name is known only to a module of nsswitch.conf (mdns, myhostname, resolve, sss …). The runner is a static Go program: it reads /etc/hosts and asks DNS, and nothing else.',
    evidence:
      'getent finds the name, while /etc/hosts has no line and DNS says that there is none.',
    notConfusedWith: ['dns-name-not-found'],
    from: ['dns/nss-mismatch'],
    says: (c) =>
      `getent finds ${c.fact('name')} (${c.fact('libc')}), but neither /etc/hosts nor DNS has it, and the runner uses nothing else`,
    fix: (c) => [
      step(
        'See both views.',
        c.place.inNetwork(
          `getent ahosts ${quoted(c.fact('name'))}; dig +search ${quoted(c.fact('name'))}; grep ^hosts ${onHost(c, '/etc/nsswitch.conf')}`,
        ),
      ),
      step(
        'Add a DNS record, or a line in /etc/hosts.',
        `echo ${quoted(`${c.fact('libc_address')} ${c.fact('name')}`)} | sudo tee -a ${onHost(c, '/etc/hosts')}`,
      ),
    ],
    resolvedWhen: 'the dns link passes',
  },
  {
    id: 'dns-slow',
    severity: 'notice',
    scope: 'host',
    title: 'Name lookups are slow',
    meaning:
      'The name resolves only after seconds; every new connection of the runner waits that long.',
    evidence: 'The median of the last five lookups is above the limit.',
    notConfusedWith: ['dns-timeout', 'gitlab-slow'],
    from: ['dns/slow'],
    lasting: { measure: 'lookup_seconds', option: 'slow_seconds' },
    says: (c) => `${c.host} resolves slowly (${c.fact('outcomes')})`,
    fix: (c) => [
      step('Find the dead server.', showResolver(c)),
      step('Remove it, or add the line `options timeout:1 attempts:1`.'),
    ],
    resolvedWhen: 'lookups are fast again',
    suppresses: ['gitlab-slow'],
    confirm: { results: 5 },
  },
];
