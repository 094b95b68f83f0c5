/**
 * Does a rule of this host's own firewall block the runner's connections?
 *
 * Source    `nft --json list ruleset`, read as the kernel reads it (host/net/firewall-rules.ts), for the addresses that
 *           the walk dialled and the name servers, as the user of the runner's process, in both directions: after a link failed as
 *           a rule could make it fail, or passed while the runner's log reports failed connections, or while the runner has
 *           another user than this process.
 * Measures  none.
 * Reasons   rule-blocks.
 * Unknown   not-allowed: this user may not read the rules.
 *
 * The diagnosis uses it to explain a link that timed out.
 */
import { geteuid } from 'node:process';

import { dataOf } from '../core/finding-data.ts';
import type { FollowUpTools, Tried } from '../core/follow-up.ts';
import { CHANGES_OF_ROUTE } from '../core/change.ts';
import { defineFollowUp } from '../core/follow-up.ts';
import { leadToCauses } from '../core/reason.ts';
import type { EndpointTarget } from '../core/target.ts';
import { firstHopOf } from '../go/dial/first-hop.ts';
import { readRuleset } from '../host/net/firewall.ts';
import type { Packet } from '../host/net/firewall-match.ts';
import type { BlockingRule } from '../host/net/firewall-rules.ts';
import { findBlockingRule } from '../host/net/firewall-rules.ts';
import { isForeignAddress } from '../host/net/own-addresses.ts';
import { DIALLED, NAME_SERVER } from '../runner/log/line-data.ts';

const DNS_PORT = 53;
/** How far back a failure in the runner's log makes the check due. */
const LOG_SECONDS = 120;
const COMPLAINT_SECONDS = 60;
/** Without a complaint the rules are read that often. */
const NOTHING_SECONDS = 900;
/** Faults that a firewall rule can cause. */
const BLOCKED = [
  'dns/timeout',
  'dns/prohibited',
  'dns/resolver-down',
  'connect/timeout',
  'connect/refused',
  'connect/prohibited',
  'connect/host-unreachable',
] as const;

type FirewallFound = Tried<'rule-blocks' | 'not-allowed'>;

export function createFirewall(read: typeof readRuleset, ownUid = geteuid?.() ?? 0) {
  return defineFollowUp({
    id: 'firewall',
    title: 'Local firewall',
    question: "Does this host's own firewall block the runner's connections?",
    changedBy: CHANGES_OF_ROUTE,
    after: [...BLOCKED, 'connect/pass', 'connect/warn'],
    cost: 'local',
    timeoutSeconds: 5,
    rememberSeconds: 60,
    reasons: {
      ...leadToCauses('rule-blocks'),
      'not-allowed': {
        kind: 'unseen',
        meaning: 'This user may not read the rules of the firewall.',
        action: 'Give runnerwatch CAP_NET_ADMIN, or run `sudo nft list ruleset`.',
      },
    },
    measures: {},

    subject: (target, tools) => {
      const packets = packetsOf(tools);
      // While the runner complains, a rule may be new each time.
      const turn = Math.floor(tools.clock.seconds() / COMPLAINT_SECONDS);
      if (packets.length > 0) return JSON.stringify([packets, turn]);
      const quiet = packetsOfUser(target, ownUid, tools).flat();
      return quiet.length === 0 ? undefined : JSON.stringify(quiet);
    },

    run: async (target, tools): Promise<FirewallFound> =>
      await findRule(packetsOf(tools), packetsOfUser(target, ownUid, tools), read, tools.signal),
  });
}

export const firewall = createFirewall(readRuleset);

/** The packets that the broken link sent; or, if it is open, those of the runner. */
function packetsOf(tools: FollowUpTools): readonly Packet[] {
  const { walk, fault, process } = tools;
  const uid = process?.uid ?? 0;
  if (fault.finding.status !== 'fail') return packetsInLog(uid, tools);
  if (fault.link === 'dns') {
    const servers = walk.resolution?.servers ?? [];
    return servers.map((address) => packetTo(address, 'udp', DNS_PORT, uid));
  }
  const port = Number(fault.finding.facts?.['port']);
  const dialled = walk.addresses ?? [];
  return dialled.map(({ address }) => packetTo(address, 'tcp', port, uid));
}

function packetTo(
  address: string,
  protocol: Packet['protocol'],
  port: number,
  uid: number,
): Packet {
  return { address, protocol, port, uid, leavesHost: isForeignAddress(address) };
}

/** Our path is open, but the runner reports that its own is not: a rule may match its user. */
function packetsInLog(uid: number, { walk, clock, runnerLog }: FollowUpTools): readonly Packet[] {
  const since = clock.wall() - LOG_SECONDS * 1000;
  const dialled = new Set(walk.addresses?.map(({ address }) => address));
  const servers = walk.resolution?.servers ?? [];
  const lines = (runnerLog?.events() ?? []).filter(
    ({ kind, lastAt }) => kind === 'poll-failed' && lastAt > since,
  );
  return lines.flatMap((line): readonly Packet[] => {
    const { address = '', port = 0 } = dataOf(line, DIALLED) ?? {};
    const server = dataOf(line, NAME_SERVER) ?? '';
    return [
      ...(dialled.has(address) ? [packetTo(address, 'tcp', port, uid)] : []),
      ...(servers.includes(server) ? [packetTo(server, 'udp', DNS_PORT, uid)] : []),
    ];
  });
}

/**
 * Our path is open, and the runner has another user: a rule may match that one alone. By group, of which one packet that
 * passes is enough: to the addresses of the first hop, and to the name servers.
 */
function packetsOfUser(
  target: EndpointTarget,
  ownUid: number,
  { walk, fault, process }: FollowUpTools,
): readonly (readonly Packet[])[] {
  const uid = process?.uid ?? ownUid;
  if (fault.finding.status === 'fail' || uid === ownUid) return [];
  const { port } = firstHopOf(target);
  const dialled = walk.addresses ?? [];
  const servers = walk.resolution?.servers ?? [];
  return [
    dialled.map(({ address }) => packetTo(address, 'tcp', port, uid)),
    servers.map((address) => packetTo(address, 'udp', DNS_PORT, uid)),
  ];
}

async function findRule(
  packets: readonly Packet[],
  groups: readonly (readonly Packet[])[],
  read: typeof readRuleset,
  signal: AbortSignal,
): Promise<FirewallFound> {
  const reading = await read(signal);
  if (reading.kind === 'no-program') return {};
  if (reading.kind === 'not-allowed') {
    const detail = "this user may not read the rules of this host's firewall";
    return { status: 'unknown', reason: 'not-allowed', detail };
  }
  for (const packet of packets) {
    const rule = findBlockingRule(reading.json, packet);
    if (rule !== undefined) return buildBlocked(rule, packet);
  }
  for (const group of groups) {
    const rules = group.map((packet) => findBlockingRule(reading.json, packet));
    const [first] = group;
    const [rule] = rules;
    if (first === undefined || rule === undefined) continue;
    if (rules.every((one) => one?.isByUser === true)) return buildBlocked(rule, first);
  }
  return packets.length === 0 ? { rememberSeconds: NOTHING_SECONDS } : {};
}

function buildBlocked(rule: BlockingRule, { address, protocol, port, uid }: Packet): FirewallFound {
  const { location, chain, handle, verdict, comment, isByUser, ofAnswer } = rule;
  const [family, table, name] = chain;
  const who = isByUser ? ` of user ${uid}` : '';
  const note = comment === undefined ? '' : ` ("${comment}")`;
  return {
    status: 'warn',
    reason: 'rule-blocks',
    detail: `the rule ${location}${note} applies "${verdict}" to ${ofAnswer ? 'responses from ' : ''}${protocol} ${address} port ${port}${who}`,
    facts: {
      rule: location,
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
