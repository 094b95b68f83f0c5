/**
 * Does a rule of this host's own firewall block the runner's connections?
 *
 * Source    `nft --json list ruleset`, read as the kernel reads it (host/net/firewall-rules.ts), for the addresses that
 *           the walk dialled and the name servers, as the user of the runner's process, there and back. Asked only when the way is
 *           broken where a firewall could break it, or the runner’s log says so of its own; for the same fault at
 *           most once a minute.
 * Measures  none.
 * Reasons   rule-blocks.
 * Unknown   not-allowed: the rules may not be read by this user.
 *
 * It is no link of the walk: it gives the diagnosis the reason why a link that timed out did so.
 */
import type { Finding } from '../core/finding.ts';
import type { LinkTools } from '../core/probe.ts';
import { defineProbe } from '../core/probe.ts';
import { PerFaultCache } from '../core/per-fault-cache.ts';
import type { EndpointTarget } from '../core/target.ts';
import { readRuleset } from '../host/net/firewall.ts';
import type { Packet } from '../host/net/firewall-match.ts';
import type { BlockingRule } from '../host/net/firewall-rules.ts';
import { findBlockingRule } from '../host/net/firewall-rules.ts';
import { isForeignAddress } from '../host/net/own-addresses.ts';

const AGAIN_SECONDS = 60;
const DNS_PORT = 53;
/** How far back the runner’s own words are worth a look at the rules. */
const LOG_SECONDS = 120;
/** Faults that a rule can look like. */
const BLOCKED: readonly string[] = [
  'timeout',
  'refused',
  'prohibited',
  'resolver-down',
  'host-unreachable',
];

type FirewallFinding = Finding<'rule-blocks' | 'not-allowed'>;

export function createFirewall(read: typeof readRuleset) {
  const looks = new PerFaultCache<EndpointTarget, FirewallFinding>(AGAIN_SECONDS);
  return defineProbe({
    id: 'firewall',
    title: 'Local firewall',
    question: 'Does a rule of this host’s own firewall block the runner’s connections?',
    kind: 'endpoint',
    needs: [],
    intervalSeconds: 15,
    timeoutSeconds: 5,
    options: {},
    reasons: {
      'rule-blocks': {
        meaning: 'A rule of this host’s own firewall stops the connections of the runner.',
        action: 'Remove the rule that is named, or make an exception before it.',
      },
      'not-allowed': {
        meaning: 'This user may not read the rules of the firewall.',
        action: 'Give runnerwatch CAP_NET_ADMIN, or look with `sudo nft list ruleset`.',
      },
    },
    measures: {},

    async run(target, _options, tools): Promise<FirewallFinding> {
      const packets = packetsOf(target, tools);
      if (packets.length === 0) return { status: 'pass' };
      const { clock, signal } = tools;
      return await looks.found(target, JSON.stringify(packets), clock.seconds(), () =>
        look(packets, read, signal),
      );
    },
  });
}

export const firewall = createFirewall(readRuleset);

/** What the broken link sent and got no good answer to. */
function packetsOf({ uid = 0 }: EndpointTarget, tools: LinkTools): readonly Packet[] {
  const { walk } = tools;
  const broken = ['dns', 'connect']
    .map((link) => walk.findings?.get(link))
    .find((finding) => finding?.status === 'fail');
  if (broken === undefined) return packetsInLog(uid, tools);
  if (broken.status !== 'fail' || !BLOCKED.includes(broken.reason)) return [];
  const { port } = broken.facts ?? {};
  if (port !== undefined) {
    const dialled = walk.addresses ?? [];
    return dialled.map(({ address }) => packetTo(address, 'tcp', Number(port), uid));
  }
  return serversOf(broken).map((address) => packetTo(address, 'udp', DNS_PORT, uid));
}

function serversOf(finding: Finding | undefined): readonly string[] {
  return String(finding?.facts?.['servers'] ?? '')
    .split(', ')
    .filter((server) => server !== '');
}

function packetTo(
  address: string,
  protocol: Packet['protocol'],
  port: number,
  uid: number,
): Packet {
  return { address, protocol, port, uid, leavesHost: isForeignAddress(address) };
}

/** Our way is open and the runner says that its own is not: a rule may name its user. */
function packetsInLog(uid: number, { walk, clock, runnerLog }: LinkTools): readonly Packet[] {
  const since = clock.wall() - LOG_SECONDS * 1000;
  const dialled = new Set(walk.addresses?.map(({ address }) => address));
  const servers = serversOf(walk.findings?.get('dns'));
  const lines = (runnerLog?.events() ?? []).filter(
    ({ kind, cause, lastAt }) => kind === 'poll-failed' && lastAt > since && isOfPackets(cause),
  );
  return lines.flatMap(({ text }): readonly Packet[] => {
    const { address = '', port } = DIALLED.exec(text)?.groups ?? {};
    const { server = '' } = ASKED.exec(text)?.groups ?? {};
    return [
      ...(dialled.has(address) ? [packetTo(address, 'tcp', Number(port), uid)] : []),
      ...(servers.includes(server) ? [packetTo(server, 'udp', DNS_PORT, uid)] : []),
    ];
  });
}

/** `dial tcp 10.0.0.2:443: …` */
const DIALLED = /dial tcp \[?(?<address>[\d.a-f:]+?)\]?:(?<port>\d+):/;
/** `lookup gitlab.example.com on 10.0.0.2:53: …` */
const ASKED = /lookup \S+ on \[?(?<server>[\d.a-f:]+?)\]?:53:/;

function isOfPackets(cause: string | undefined): boolean {
  return cause !== undefined && /^(?:tcp|network|firewall|dns)-/.test(cause);
}

async function look(
  packets: readonly Packet[],
  read: typeof readRuleset,
  signal: AbortSignal,
): Promise<FirewallFinding> {
  const reading = await read(signal);
  if (reading.kind === 'no-program') return { status: 'pass' };
  if (reading.kind === 'not-allowed') {
    const detail = 'the rules of this host’s firewall cannot be read by this user';
    return { status: 'unknown', reason: 'not-allowed', detail };
  }
  for (const packet of packets) {
    const rule = findBlockingRule(reading.json, packet);
    if (rule !== undefined) return blocked(rule, packet);
  }
  return { status: 'pass' };
}

function blocked(rule: BlockingRule, { address, protocol, port, uid }: Packet): FirewallFinding {
  const { place, chain, handle, verdict, comment, isByUser, ofAnswer } = rule;
  const [family, table, name] = chain;
  const who = isByUser ? ` of user ${uid}` : '';
  const said = comment === undefined ? '' : ` (“${comment}”)`;
  return {
    status: 'warn',
    reason: 'rule-blocks',
    detail: `the rule ${place}${said} does "${verdict}" to ${ofAnswer ? 'answers from ' : ''}${protocol} ${address} port ${port}${who}`,
    facts: {
      rule: place,
      family,
      table,
      chain: name,
      ...(handle === undefined ? {} : { handle }),
      verdict,
      address,
      protocol,
      port,
      of_answer: ofAnswer,
      by_user: isByUser,
    },
  };
}
