/**
 * Why the host does not let through what a network behind it sends, such as that of a container: it passes nothing on, a
 * rule of its firewall stops the packets or the answers, or they leave with an address to which no answer comes back.
 */
import type { Paths } from '../../../core/paths.ts';
import { inNetworkOf } from '../network.ts';
import type { WayThroughHost } from '../way-through-host.ts';
import { closedSettingOf, findWayThroughHost, isAnswered } from '../way-through-host.ts';
import type { BlockingRule } from './blocking-rule.ts';
import { findBlockingRule, keepsItsAddresses } from './blocking-rule.ts';
import type { FirewallReading, Unread, readFirewall } from './read-rules.ts';
import type { Chain, Packet } from './ruleset.ts';

export type HostObstacle =
  | { readonly kind: 'rule'; readonly rule: BlockingRule; readonly chains: readonly Chain[] }
  | { readonly kind: 'forwarding-off'; readonly setting: string }
  /** `chain` is the one in which such a rule is usual; absent where there is none. */
  | { readonly kind: 'masquerading-missing'; readonly chain?: Chain };

export interface HostPart {
  readonly way: WayThroughHost;
  readonly obstacle?: HostObstacle;
  readonly unread: readonly Unread[];
}

/** What of the host is read; tests give their own. */
export interface HostView {
  findWay: typeof findWayThroughHost;
  closedSetting: typeof closedSettingOf;
  isAnswered: typeof isAnswered;
}

export const HOST_VIEW: HostView = {
  findWay: findWayThroughHost,
  closedSetting: closedSettingOf,
  isAnswered,
};

export interface Question {
  readonly packet: Packet;
  /** No answer came, not even a rejection. */
  readonly isSilent: boolean;
  /** Those of the network behind the host, which is at hand. */
  readonly paths: Paths;
  readonly hostPaths: Paths;
  readonly signal: AbortSignal;
}

/** Undefined where the packet does not go through the host. */
export async function findHostPart(
  question: Question,
  read: typeof readFirewall,
  view: HostView = HOST_VIEW,
): Promise<HostPart | undefined> {
  const { packet, paths, hostPaths, signal } = question;
  const way = await view.findWay(packet.address, paths, hostPaths);
  if (way === undefined) return undefined;
  return await inNetworkOf(way.paths, async () => {
    const setting = way.endsHere || !question.isSilent ? undefined : await view.closedSetting(way);
    if (setting !== undefined) {
      return { way, obstacle: { kind: 'forwarding-off', setting }, unread: [] };
    }
    const reading = await read(signal);
    const obstacle = await obstacleIn(reading, way, question, view);
    return { way, ...(obstacle === undefined ? {} : { obstacle }), unread: reading.unread };
  });
}

function packetOnWay(packet: Packet, { source, bridge, out, endsHere }: WayThroughHost): Packet {
  return {
    ...packet,
    own: { address: source },
    leavesHost: !endsHere,
    passage: { in: bridge, ...(out === undefined ? {} : { out }) },
  };
}

async function obstacleIn(
  { chains, unread }: FirewallReading,
  way: WayThroughHost,
  { packet, isSilent, signal }: Question,
  view: HostView,
): Promise<HostObstacle | undefined> {
  const { bridge, out, endsHere } = way;
  const passed = packetOnWay(packet, way);
  const rule = findBlockingRule(chains, passed, endsHere ? 'receiver' : 'router');
  // What a rule drops gets no answer.
  if (rule !== undefined && (isSilent || rule.verdict === 'reject')) {
    return { kind: 'rule', rule, chains };
  }
  const leaves = !endsHere && out !== undefined && out !== bridge;
  if (!isSilent || !leaves || unread.length > 0 || !keepsItsAddresses(chains, passed)) {
    return undefined;
  }
  // Some networks have a way back by themselves: with the address of the host it must work.
  const { address, port } = packet;
  return (await view.isAnswered(address, port, signal))
    ? { kind: 'masquerading-missing', ...chainFor(packet, chains) }
    : undefined;
}

function chainFor(packet: Packet, chains: readonly Chain[]): { readonly chain?: Chain } {
  const chain = chains.find((one) => isUsual(one, packet));
  return chain === undefined ? {} : { chain };
}

function isUsual({ isNat, hook, family }: Chain, { address }: Packet): boolean {
  return isNat && hook === 'postrouting' && family === (address.includes(':') ? 'ip6' : 'ip');
}
