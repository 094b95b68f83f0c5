/** Causes in DNS. */
import { isOddAddress } from '../../core/address.ts';
import type { CauseContext, CauseSpec } from '../cause-spec.ts';
import type { FixStep } from '../../core/diagnosis.ts';
import { step } from '../../core/diagnosis.ts';
import { editFile, quoteArgument } from '../../core/shell.ts';
import { onHost } from '../cause-spec.ts';
import { ADDRESS_CAUSES } from './addresses.ts';

/** The first name server, for dig. */
function server(c: CauseContext): string {
  return quoteArgument(`@${c.fact('first_server')}`);
}

const showResolver = (c: CauseContext) => `cat ${onHost(c, '/etc/resolv.conf')}`;

function writeAddress(c: CauseContext) {
  return step(
    `Write the address in url in ${c.config} as four decimal numbers without leading zeros: Go reads no other form.`,
    `sudo grep -n url ${onHost(c, c.config)}`,
  );
}

/** A resolver on this host took the query, and has no answer itself. */
function forwarderText(c: CauseContext): string | undefined {
  const forwarder = c.optional('forwarder');
  if (forwarder === undefined) return undefined;
  const outcomes = c.optional('upstreams');
  const own = outcomes === undefined ? '' : ` (${outcomes})`;
  return `${forwarder} (${c.fact('servers')}) gets no answer from its own name servers${own}`;
}

/** Nothing to correct in /etc/resolv.conf: the servers stand elsewhere. */
function repairForwarder(c: CauseContext): readonly FixStep[] | undefined {
  const forwarder = c.optional('forwarder');
  if (forwarder === undefined) return undefined;
  const upstream = c.optional('upstream');
  const query =
    upstream === undefined ? '' : `dig ${quoteArgument(`@${upstream}`)} ${quoteArgument(c.host)}`;
  if (forwarder === 'systemd-resolved') {
    return [
      step(
        'Show its name servers, and query one.',
        ['resolvectl dns', query].filter(Boolean).join('; '),
      ),
      step(
        'Repair that name server, or set another one where the network is configured (netplan, NetworkManager, /etc/systemd/resolved.conf); then restart the resolver.',
        c.place.host.restartResolver,
      ),
    ];
  }
  return [
    step(
      'It forwards to the name servers of the host. Query one from the host.',
      ['cat /etc/resolv.conf', query].filter(Boolean).join('; '),
    ),
    step(
      'Repair that name server, or set others under "dns" in the settings of the engine; then restart the engine and the container.',
      `sudoedit ${quoteArgument(c.place.engineAt().settings)}`,
    ),
  ];
}

function moveServer(c: CauseContext): readonly FixStep[] {
  const unused = c.optional('unused_server');
  if (unused === undefined) return [];
  return [
    c.place.host.editResolver(
      `Move ${unused} up in /etc/resolv.conf: it resolves the name, and only the first three name servers are ever asked.`,
      `/^nameserver *${unused}/d`,
      `1i nameserver ${unused}`,
    ),
  ];
}

/** A restart of the container would bring the same name servers again. */
function setServers(c: CauseContext): readonly FixStep[] {
  const where = c.optional('servers_set');
  if (where === undefined) return [];
  return [
    step(
      `The host asks ${c.fact('host_server')} (${c.fact('host_file')}), which resolves the name. The container has other name servers because they are set ${where}: change them there; a restart alone is not enough.`,
      `cat ${quoteArgument(c.fact('host_file'))}`,
    ),
  ];
}

function unusedText(c: CauseContext): string {
  if (c.optional('servers_set') !== undefined) {
    return `; ${c.fact('host_server')}, which its host asks, does`;
  }
  const unused = c.optional('unused_server');
  return unused === undefined ? '' : `; ${unused} does, but only the first three are ever asked`;
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
        : `the name ${c.host} does not resolve (tried ${c.fact('tried') || 'no name server'}: ${c.fact('outcomes') || 'no query was sent'})${unusedText(c)}`,
    fix: (c) => [
      ...(isOddAddress(c.host) ? [writeAddress(c)] : []),
      ...setServers(c),
      ...moveServer(c),
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
    says: (c) =>
      forwarderText(c) ??
      `the name servers return an error for ${c.host} (${c.fact('outcomes')})${unusedText(c)}`,
    fix: (c) => [
      ...setServers(c),
      ...moveServer(c),
      ...(repairForwarder(c) ?? [
        step('Show the error.', c.place.inNetwork(`dig ${quoteArgument(c.host)}`)),
        step(
          'Repair the forwarder, DNSSEC or access list on that server, or configure another name server.',
          showResolver(c),
        ),
      ]),
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
    says: (c) =>
      forwarderText(c) ?? `no name server responds (${c.fact('servers')})${unusedText(c)}`,
    fix: (c) => [
      ...setServers(c),
      ...moveServer(c),
      ...(repairForwarder(c) ?? [
        step(
          'Check the path to the name server.',
          c.place.inNetwork(`dig ${server(c)} ${quoteArgument(c.host)}`),
        ),
        step(
          'Open port 53 (UDP and TCP) to it, or configure another name server.',
          showResolver(c),
        ),
      ]),
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
    says: (c) => `nothing listens on the name server address ${c.fact('servers')}${unusedText(c)}`,
    fix: (c) => [
      ...setServers(c),
      ...moveServer(c),
      step('Start the local resolver.', c.place.host.restartResolver),
      step(
        'If the resolver is another program, check what listens on port 53.',
        c.place.inNetwork(`sudo ss -lunp 'sport = :53'; dig ${server(c)} ${quoteArgument(c.host)}`),
      ),
    ],
    resolvedWhen: 'the DNS check passes again',
  },
  {
    id: 'dns-source-disabled',
    severity: 'critical',
    scope: 'host',
    title: '/etc/nsswitch.conf keeps the runner from a source of names',
    meaning:
      'The line `hosts` of /etc/nsswitch.conf has no `files`, so the runner does not read /etc/hosts; or it has no `dns`, so the runner asks no name server.',
    evidence:
      'The line `hosts` without that source, and a name that /etc/hosts has or that only DNS can have.',
    notConfusedWith: ['dns-name-not-found', 'dns-nss-mismatch'],
    from: ['dns/source-disabled'],
    says: (c) =>
      c.fact('missing_source') === 'files'
        ? `/etc/hosts has ${c.fact('name')}, but the runner does not read it: nsswitch.conf has no \`files\``
        : `/etc/hosts has no ${c.fact('name')}, and the runner asks no name server: nsswitch.conf has no \`dns\``,
    fix: (c) => [
      step('Show the line.', `grep -n ^hosts ${onHost(c, '/etc/nsswitch.conf')}`),
      step(
        'Add the source. The runner notices it within 5 s.',
        editFile(onHost(c, '/etc/nsswitch.conf'), [
          c.fact('missing_source') === 'files' ? 's/^hosts:/hosts: files/' : 's/^hosts:.*/& dns/',
        ]),
      ),
    ],
    resolvedWhen: 'the DNS check passes again',
    suppresses: ['dns-name-not-found', 'dns-timeout', 'dns-server-failure', 'dns-resolver-down'],
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
    says: (c) => `/etc/resolv.conf has no name server${unusedText(c)}`,
    fix: (c) => [
      ...setServers(c),
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
  ...ADDRESS_CAUSES,
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
