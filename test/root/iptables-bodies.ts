/** Bodies that run on the host of test/root/iptables.test.ts. */
import type { BlockingRule } from '../../src/host/net/firewall/blocking-rule.ts';
import { findBlockingRule } from '../../src/host/net/firewall/blocking-rule.ts';
import type { FirewallReading } from '../../src/host/net/firewall/read-rules.ts';
import { readFirewall } from '../../src/host/net/firewall/read-rules.ts';
import type { Packet } from '../../src/host/net/firewall/ruleset.ts';
import { findOwnEnd } from '../../src/host/net/own-end.ts';
import { patient } from '../support/until.ts';

export interface Found {
  readonly rule?: BlockingRule;
  readonly unread: FirewallReading['unread'];
}

/** What the programs of this host show of its rules stops the packet. */
export async function findRule(packet: Packet): Promise<Found> {
  const { chains, unread } = await readFirewall(patient());
  const own = await findOwnEnd(packet.address);
  const rule = findBlockingRule(chains, own === undefined ? packet : { ...packet, own });
  return { ...(rule === undefined ? {} : { rule }), unread };
}
