/**
 * Does the runner's own side block its connections?
 *
 * Source    the rules of nftables and iptables (host/net/firewall/read-rules.ts), followed as the kernel follows them
 *           (host/net/firewall/blocking-rule.ts), for the addresses that the walk dialled and the name servers, as the user of the
 *           runner's process, in both directions: after a link failed as a rule could make it fail, or passed while the runner's
 *           log reports failed connections, or while the runner has another user than this process. For a runner with a network
 *           of its own, after a failure, also what the host does with its packets (host/net/firewall/host-obstacle.ts).
 * Measures  none.
 * Reasons   rule-blocks; only-monitor-blocked: a rule names our own user, and none stops the runner's packets;
 *           forwarding-off, masquerading-missing: the host does not pass the packets on, or keeps their address.
 * Unknown   not-allowed, no-program, unreadable: a part of the rules was not read, and no other rule blocks.
 *
 * The diagnosis uses it to explain a link that timed out.
 */
import { geteuid } from 'node:process';

import type { Fact } from '../core/finding.ts';
import { dataOf } from '../core/finding-data.ts';
import type { Fault, FollowUpTools, Tried } from '../core/follow-up.ts';
import { CHANGES_OF_ROUTE } from '../core/change.ts';
import { defineFollowUp } from '../core/follow-up.ts';
import { leadToCauses } from '../core/reason.ts';
import type { EndpointTarget } from '../core/target.ts';
import { forwarderOf, upstreamsInContainer } from '../go/dns/further-servers.ts';
import { firstHopOf } from '../go/dial/first-hop.ts';
import { readTextIn } from '../host/fs/in-root.ts';
import type { HostPart, HostView } from '../host/net/firewall/host-obstacle.ts';
import { HOST_VIEW, findHostPart } from '../host/net/firewall/host-obstacle.ts';
import type { BlockingRule } from '../host/net/firewall/blocking-rule.ts';
import { findBlockingRule } from '../host/net/firewall/blocking-rule.ts';
import { managerOf } from '../host/net/firewall/manager.ts';
import type { Unread } from '../host/net/firewall/read-rules.ts';
import { readFirewall } from '../host/net/firewall/read-rules.ts';
import type { Chain, Packet } from '../host/net/firewall/ruleset.ts';
import { isForeignAddress } from '../host/net/own-addresses.ts';
import { findOwnEnd } from '../host/net/own-end.ts';
import { DIALLED, NAME_SERVER } from '../runner/log/line-data.ts';

const DNS_PORT = 53;
const RESOLV_CONF = '/etc/resolv.conf';
/** How far back a failure in the runner's log makes the check due. */
const LOG_SECONDS = 120;
const COMPLAINT_SECONDS = 60;
/** Without a complaint the rules are read that often. */
const NOTHING_SECONDS = 900;
/** Faults that a firewall rule can cause. */
const BLOCKED = [
  'dns/timeout',
  'dns/server-failure',
  'dns/prohibited',
  'dns/resolver-down',
  'connect/timeout',
  'connect/refused',
  'connect/prohibited',
  'connect/host-unreachable',
  'connect/no-route',
] as const;
/** Of a server that answers: a rule stops only what it asks itself. */
const SERVER_FAILURE = 'dns/server-failure';
/** Of which a rule is the cause only if it rejects with this error. */
const NO_ROUTE = 'connect/no-route';

const REASONS = {
  ...leadToCauses('rule-blocks', 'only-monitor-blocked', 'forwarding-off', 'masquerading-missing'),
  'not-allowed': {
    kind: 'unseen',
    meaning: 'This user may not read the rules of the firewall.',
    action:
      'Run runnerwatch as root, or list the rules with `sudo nft list ruleset` and `sudo iptables-legacy-save`.',
  },
  'no-program': {
    kind: 'unseen',
    meaning: 'The program that shows rules of this firewall is not installed.',
    action: 'Install the program that the detail names (`nftables`, `iptables`).',
  },
  unreadable: {
    kind: 'unseen',
    meaning: 'The rules of the firewall could not be read.',
    action: 'Run the program that the detail names, and look at its message.',
  },
} as const;

type Blocked = 'rule-blocks' | 'only-monitor-blocked' | 'forwarding-off' | 'masquerading-missing';
type FirewallFound = Tried<Blocked | Unread['kind']>;

interface FirewallView {
  readonly read: typeof readFirewall;
  readonly host: HostView;
  readonly ownUid: number;
}

export function createFirewall(
  read: typeof readFirewall,
  ownUid = geteuid?.() ?? 0,
  host: HostView = HOST_VIEW,
) {
  const view = { read, host, ownUid };
  return defineFollowUp({
    id: 'firewall',
    title: 'Local firewall',
    question: "Does the firewall of the runner's host block its connections?",
    changedBy: CHANGES_OF_ROUTE,
    after: [...BLOCKED, 'connect/pass', 'connect/warn'],
    cost: 'connections',
    timeoutSeconds: 8,
    rememberSeconds: 60,
    reasons: REASONS,
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
      await findRule(packetsOf(tools), packetsOfUser(target, ownUid, tools), view, tools),
  });
}

export const firewall = createFirewall(readFirewall);

/** The packets that the broken link sent; or, if it is open, those of the runner. */
function packetsOf(tools: FollowUpTools): readonly Packet[] {
  const { walk, fault, process } = tools;
  const sender = senderOf(process, 0);
  if (fault.finding.status !== 'fail') return packetsInLog(sender, tools);
  if (fault.link === 'dns') {
    const servers = walk.resolution?.servers ?? [];
    const isAnswered = fault.name === SERVER_FAILURE;
    return (isAnswered && !asksInContainer(tools) ? [] : servers).map((address) =>
      packetTo(address, 'udp', DNS_PORT, sender),
    );
  }
  const port = Number(fault.finding.facts?.['port']);
  const dialled = walk.addresses ?? [];
  return dialled.map(({ address }) => packetTo(address, 'tcp', port, sender));
}

/** The server is an engine's, which asks its own servers from the network of the container. */
function asksInContainer({ walk, place }: FollowUpTools): boolean {
  const forwarder = forwarderOf(walk.resolution?.servers ?? []);
  return place.hostPaths !== undefined && forwarder?.name === "Docker's DNS server";
}

/** What the engine of the container asks there, as a process of root. */
async function packetsOfEngine({
  walk,
  fault,
  place,
  paths,
}: FollowUpTools): Promise<readonly Packet[]> {
  const { hostPaths } = place;
  if (fault.link !== 'dns' || hostPaths === undefined) return [];
  const [ofContainer = '', ofHost = ''] = await Promise.all(
    [paths, hostPaths].map(async (one) => await readTextIn(one, RESOLV_CONF).catch(() => '')),
  );
  const servers = walk.resolution?.servers ?? [];
  return upstreamsInContainer(servers, ofContainer, ofHost).map((address) =>
    packetTo(address, 'udp', DNS_PORT, { uid: 0 }),
  );
}

type Sender = Pick<Packet, 'uid' | 'groups'>;

function senderOf(process: FollowUpTools['process'], ownUid: number): Sender {
  if (process === undefined) return { uid: ownUid };
  const { uid, groups } = process;
  return { uid, ...(groups === undefined ? {} : { groups }) };
}

function packetTo(
  address: string,
  protocol: Packet['protocol'],
  port: number,
  sender: Sender,
): Packet {
  return { address, protocol, port, ...sender, leavesHost: isForeignAddress(address) };
}

/** Our path is open, but the runner reports that its own is not: a rule may match its user. */
function packetsInLog(
  sender: Sender,
  { walk, clock, runnerLog }: FollowUpTools,
): readonly Packet[] {
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
      ...(dialled.has(address) ? [packetTo(address, 'tcp', port, sender)] : []),
      ...(servers.includes(server) ? [packetTo(server, 'udp', DNS_PORT, sender)] : []),
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
  const sender = senderOf(process, ownUid);
  if (fault.finding.status === 'fail' || sender.uid === ownUid) return [];
  const { port } = firstHopOf(target);
  const dialled = walk.addresses ?? [];
  const servers = walk.resolution?.servers ?? [];
  return [
    dialled.map(({ address }) => packetTo(address, 'tcp', port, sender)),
    servers.map((address) => packetTo(address, 'udp', DNS_PORT, sender)),
  ];
}

async function findRule(
  packets: readonly Packet[],
  groups: readonly (readonly Packet[])[],
  { read, host, ownUid }: FirewallView,
  tools: FollowUpTools,
): Promise<FirewallFound> {
  const { signal, fault } = tools;
  const { chains, unread } = await read(signal);
  const find = async (packet: Packet): Promise<BlockingRule | undefined> => {
    const own = await findOwnEnd(packet.address);
    return findBlockingRule(chains, own === undefined ? packet : { ...packet, own });
  };
  for (const packet of packets) {
    const rule = await find(packet);
    if (explains(rule, fault)) return buildBlocked(rule, packet, chains);
  }
  const passed = [...packets, ...(await packetsOfEngine(tools))];
  const onHost = await findOnHost(passed, read, host, tools);
  if (onHost.found !== undefined) return onHost.found;
  const own = fault.finding.status === 'fail' ? packetsAs(ownUid, packets) : [];
  for (const packet of own) {
    const rule = await find(packet);
    if (explains(rule, fault) && rule.isByUser) {
      return buildBlocked(rule, packet, chains, 'only-monitor-blocked');
    }
  }
  for (const group of groups) {
    const rules = await Promise.all(group.map(async (packet) => await find(packet)));
    const [first] = group;
    const [rule] = rules;
    if (first === undefined || rule === undefined) continue;
    if (rules.every((one) => one?.isByUser === true)) return buildBlocked(rule, first, chains);
  }
  return notBlocked(packets, [...unread, ...onHost.unread]);
}

/** The same as our own user sends them, where that is another one. */
function packetsAs(ownUid: number, packets: readonly Packet[]): readonly Packet[] {
  const own: Packet[] = [];
  for (const { groups: _, ...packet } of packets)
    if (packet.uid !== ownUid) own.push({ ...packet, uid: ownUid });
  return own;
}

interface OnHost {
  readonly found?: FirewallFound;
  readonly unread: readonly Unread[];
}

/** What the host does with the packets, where the runner has a network of its own. */
async function findOnHost(
  packets: readonly Packet[],
  read: typeof readFirewall,
  view: HostView,
  { signal, fault, place, paths }: FollowUpTools,
): Promise<OnHost> {
  const { hostPaths } = place;
  if (hostPaths === undefined || fault.finding.status !== 'fail') return { unread: [] };
  const isSilent = fault.name.endsWith('/timeout') || fault.name === SERVER_FAILURE;
  let unread: readonly Unread[] = [];
  let reading: ReturnType<typeof readFirewall> | undefined;
  const readOnce = async (ending: AbortSignal) => await (reading ??= read(ending));
  for (const packet of packets) {
    const question = { packet, isSilent, paths, hostPaths, signal };
    const part = await findHostPart(question, readOnce, view);
    const found = part && foundOnHost(part, packet, fault);
    if (found !== undefined) return { found, unread: [] };
    unread = part?.unread ?? unread;
  }
  return { unread };
}

function foundOnHost(
  { way, obstacle }: HostPart,
  packet: Packet,
  fault: Fault,
): FirewallFound | undefined {
  const { source, subnet, bridge } = way;
  const facts = { of_host: true, source, bridge, ...(subnet === undefined ? {} : { subnet }) };
  switch (obstacle?.kind) {
    case 'rule': {
      if (!explains(obstacle.rule, fault)) return undefined;
      const found = buildBlocked(obstacle.rule, packet, obstacle.chains);
      return { ...found, facts: { ...found.facts, ...facts, ends_here: way.endsHere } };
    }
    case 'forwarding-off':
      return {
        status: 'warn',
        reason: 'forwarding-off',
        detail: `the host does not pass on what comes in by ${bridge}: ${obstacle.setting} is 0`,
        facts: { ...facts, setting: obstacle.setting },
      };
    case 'masquerading-missing':
      // Its server may have answered with a failure.
      if (fault.name === SERVER_FAILURE) return undefined;
      return {
        status: 'warn',
        reason: 'masquerading-missing',
        detail: `packets from ${source} leave the host with that address, and ${packet.address} answers the host itself`,
        facts: { ...facts, address: packet.address, ...chainFacts(obstacle.chain) },
      };
    case undefined:
      return undefined;
  }
}

function chainFacts(chain: Chain | undefined): Readonly<Record<string, Fact>> {
  if (chain === undefined) return {};
  const { program, family, table, name } = chain;
  return { rule_program: program, family, table, chain: name };
}

function explains(rule: BlockingRule | undefined, fault: Fault): rule is BlockingRule {
  return rule !== undefined && (fault.name !== NO_ROUTE || rule.saysNoRoute);
}

function notBlocked(packets: readonly Packet[], unread: readonly Unread[]): FirewallFound {
  const [first] = unread;
  const rest = packets.length === 0 ? { rememberSeconds: NOTHING_SECONDS } : {};
  if (first === undefined) return rest;
  const detail = unread.map((one) => one.detail).join('; ');
  return { status: 'unknown', reason: first.kind, detail };
}

function buildBlocked(
  rule: BlockingRule,
  packet: Packet,
  chains: readonly Chain[],
  reason: 'rule-blocks' | 'only-monitor-blocked' = 'rule-blocks',
): FirewallFound {
  const { location, comment, isByUser, ofAnswer, verdict } = rule;
  const { address, protocol, port, uid } = packet;
  const who = isByUser ? ` of user ${uid}` : '';
  const isShown = comment === undefined || location.includes(comment);
  const note = isShown ? '' : ` ("${comment}")`;
  return {
    status: 'warn',
    reason,
    detail: `the rule ${location}${note} applies "${verdict}" to ${ofAnswer ? 'responses from ' : ''}${protocol} ${address} port ${port}${who}`,
    facts: { ...factsOf(rule, managerOf(rule, chains)), address, protocol, port, uid },
  };
}

function factsOf(rule: BlockingRule, manager: string | undefined): Readonly<Record<string, Fact>> {
  const { location, program, chain, handle, specification, copies, verdict } = rule;
  const [family, table, name] = chain;
  return {
    rule: location,
    rule_program: program,
    family,
    table,
    chain: name,
    ...(handle === undefined ? {} : { handle }),
    ...(specification === undefined ? {} : { rule_arguments: specification }),
    ...(copies === 1 ? {} : { rule_copies: copies }),
    ...(manager === undefined ? {} : { rule_manager: manager }),
    ...(rule.comment === undefined ? {} : { rule_comment: rule.comment }),
    verdict,
    of_answer: rule.ofAnswer,
    by_user: rule.isByUser,
  };
}
