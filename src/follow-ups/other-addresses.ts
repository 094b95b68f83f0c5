/**
 * Do the other addresses of the name respond too?
 *
 * Source    Those that the runner would use only if the first ones failed, each dialled on its own
 *           (go/dial/dial.ts), in addition to the runner's own dial.
 * Measures  failed_addresses of the link, with these.
 * Reasons   some-addresses-failed: one responds, others do not.
 */
import { dataWith } from '../core/finding-data.ts';
import { defineFollowUp } from '../core/follow-up.ts';
import { leadToCauses } from '../core/reason.ts';
import type { Attempt } from '../core/lookup.ts';
import type { Address, Walk } from '../core/probe.ts';
import { dialLikeGo } from '../go/dial/dial.ts';
import { ATTEMPTS, attemptsText, isFailed } from '../go/dial/dial-judgement.ts';
import { firstHopOf } from '../go/dial/first-hop.ts';

const DIAL_SECONDS = 2;
/** More would be load, not evidence. */
const MAX_OTHERS = 8;

export const otherAddresses = defineFollowUp({
  id: 'other-addresses',
  title: 'Other addresses',
  question: 'Do the other addresses of the name respond too?',
  after: ['connect/pass'],
  revises: 'connect',
  cost: 'connections',
  timeoutSeconds: 4,
  rememberSeconds: 60,
  reasons: {
    ...leadToCauses('some-addresses-failed'),
  },
  measures: {},

  subject: (_target, { walk }) => {
    const dialled = walk.attempts ?? [];
    const others = othersOf(walk);
    if (others.length === 0 && !dialled.some((attempt) => isFailed(attempt))) return undefined;
    const ends = dialled.map(({ address, outcome }) => `${address.address} ${outcome}`);
    return JSON.stringify([ends, others]);
  },

  async run(target, { walk, clock, signal }) {
    const { host, port } = firstHopOf(target);
    const deps = { clock, signal, timeoutSeconds: DIAL_SECONDS };
    const dials = await Promise.all(othersOf(walk).map((one) => dialLikeGo([one], port, deps)));
    for (const { socket } of dials) socket?.destroy();
    const all: readonly Attempt[] = [
      ...(walk.attempts ?? []),
      ...dials.flatMap(({ attempts }) => attempts),
    ];
    const failed_addresses = all.filter((attempt) => isFailed(attempt)).length;
    const attempts = attemptsText(all);
    const data = dataWith(ATTEMPTS, all);
    const said = { measures: { failed_addresses }, facts: { attempts }, data };
    if (failed_addresses === 0) return said;
    const detail = `${host} port ${port}: ${attempts}`;
    return { status: 'warn', reason: 'some-addresses-failed', detail, ...said };
  },
});

function othersOf({ addresses = [], attempts = [] }: Walk): readonly Address[] {
  const dialled = new Set(attempts.map(({ address }) => address.address));
  return addresses.filter(({ address }) => !dialled.has(address)).slice(0, MAX_OTHERS);
}
