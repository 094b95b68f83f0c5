/**
 * Are packets lost on the path to the address?
 *
 * Source    Ten connection requests at once (go/dial/loss.ts), after a response so late that the first
 *           request may have been lost, after no response, and while a loss was measured within the last minute.
 * Measures  lost_ratio (0..1).
 * Reasons   packet-loss: some are lost, others succeed. A link that failed is then opened again over one of them.
 */
import type { FollowUpTools } from '../core/follow-up.ts';
import { defineFollowUp } from '../core/follow-up.ts';
import { leadToCauses } from '../core/reason.ts';
import { reasonOf } from '../core/finding.ts';
import { firstHopOf } from '../go/dial/first-hop.ts';
import { handOver } from '../go/dial/hand-over.ts';
import { BEFORE_RETRANSMIT_SECONDS, measureLoss } from '../go/dial/loss.ts';

/** How long a loss makes the next dials suspicious. */
const SUSPICIOUS_SECONDS = 60;
const REDIAL_SECONDS = 5;

export const packetLoss = defineFollowUp({
  id: 'packet-loss',
  title: 'Packet loss',
  question: 'Are packets lost on the path to the address?',
  after: ['connect/timeout', 'connect/pass'],
  revises: 'connect',
  cost: 'connections',
  timeoutSeconds: 3,
  // The connection that succeeded is needed, not only the number.
  rememberSeconds: 0,
  reasons: {
    ...leadToCauses('packet-loss'),
  },
  measures: {
    lost_ratio: {
      help: 'Share of ten simultaneous connection requests that were lost; absent without a suspicion.',
    },
  },

  subject: (_target, tools) =>
    isLate(tools) || wasLossy(tools) ? tools.walk.addresses?.[0]?.address : undefined,

  async run(target, { walk, clock, signal }) {
    const [address] = walk.addresses ?? [];
    if (address === undefined) return {};
    const { host, port, of } = firstHopOf(target);
    const { ratio, isLossy, socket } = await measureLoss(address, port, { clock, signal });
    const measures = { lost_ratio: ratio };
    if (socket === undefined || !isLossy || signal.aborted) {
      socket?.destroy();
      return { measures };
    }
    if (walk.socket === undefined) {
      handOver(walk, socket, address, port, { clock, timeoutSeconds: REDIAL_SECONDS });
    } else {
      socket.destroy();
    }
    const lost = Math.round(ratio * 10);
    const detail = `${lost} of 10 connection requests to ${address.address} port ${port} were lost`;
    const facts = { host, port, of, address: address.address };
    return { status: 'warn', reason: 'packet-loss', detail, measures, facts };
  },
});

/** A connection request that is lost is sent again only after a second. */
function isLate({ fault: { finding } }: FollowUpTools): boolean {
  return (finding.measures?.['connect_seconds'] ?? 0) >= BEFORE_RETRANSMIT_SECONDS;
}

function wasLossy({ recent, clock }: FollowUpTools): boolean {
  const since = clock.wall() - SUSPICIOUS_SECONDS * 1000;
  return recent.some(
    ({ finding, startedAt }) => startedAt > since && reasonOf(finding) === 'packet-loss',
  );
}
