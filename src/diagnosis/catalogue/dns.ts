/** Causes in name resolution (fault matrix 2.2). */
import type { CauseContext, CauseSpec } from '../cause-spec.ts';
import { quoted, step } from '../cause-spec.ts';

/** The first name server, for dig. */
function server(c: CauseContext): string {
  return quoted(`@${c.fact('servers').split(', ')[0] ?? ''}`);
}

export const DNS_CAUSES: readonly CauseSpec[] = [
  {
    id: 'dns-name-not-found',
    severity: 'critical',
    scope: 'gitlab',
    title: 'The name in `url` does not exist, or has no address',
    meaning:
      'Every name server that answers says that there is no such name, or no address for it.',
    evidence: 'NXDOMAIN or an empty answer from the name server, as Go’s resolver asks it.',
    notConfusedWith: ['dns-server-failure', 'dns-timeout', 'dns-resolver-down'],
    from: ['dns/not-found'],
    says: (c) =>
      `the name ${c.host} does not resolve (asked ${c.fact('servers')}: ${c.fact('outcomes')})`,
    fix: (c) => [
      step('Ask the name server yourself, with the search list.', `dig +search ${quoted(c.host)}`),
      step(
        `If the name is mistyped, correct url in ${c.config}.`,
        `sudo grep -n url ${quoted(c.config)}`,
      ),
      step('If it is right, add the record, or restore the search line.', 'cat /etc/resolv.conf'),
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
    evidence: 'SERVFAIL or REFUSED from every name server in /etc/resolv.conf.',
    notConfusedWith: ['dns-name-not-found', 'dns-timeout'],
    from: ['dns/server-failure'],
    says: (c) => `the name servers fail to look up ${c.host} (${c.fact('outcomes')})`,
    fix: (c) => [
      step('See the failure.', `dig ${quoted(c.host)}`),
      step(
        'Repair forwarder, DNSSEC or access list on that server, or name another one.',
        'cat /etc/resolv.conf',
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
      step('Check the way to the name server.', `dig ${server(c)} ${quoted(c.host)}`),
      step('Open port 53 (UDP and TCP) to it, or name another server.', 'cat /etc/resolv.conf'),
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
      step('Start the local resolver.', 'sudo systemctl restart systemd-resolved'),
      step(
        'If it is another one, see who should listen.',
        `sudo ss -lunp 'sport = :53'; dig ${server(c)} ${quoted(c.host)}`,
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
    fix: () => [
      step('See what is left of it.', 'ls -l /etc/resolv.conf; cat /etc/resolv.conf'),
      step(
        'With systemd-resolved, restore the link.',
        'sudo ln -sf /run/systemd/resolve/stub-resolv.conf /etc/resolv.conf',
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
    evidence: 'Several lookups in a row above the limit.',
    notConfusedWith: ['dns-timeout', 'gitlab-slow'],
    from: ['dns/slow'],
    says: (c) => `${c.host} resolves slowly (${c.fact('outcomes')})`,
    fix: () => [
      step('Find the dead server.', 'cat /etc/resolv.conf'),
      step('Remove it, or add the line `options timeout:1 attempts:1`.'),
    ],
    resolvedWhen: 'lookups are fast again',
    suppresses: ['gitlab-slow'],
    confirm: { results: 5 },
  },
];
