/**
 * Promise: a pass from before the runner complained about that link is not shown as proof. It is `unknown` until the link
 * was tried again, which is done at once.
 */
import type { Check, CheckState } from '../core/check.ts';
import { isBroken, isProof, recoveredAt } from '../core/check.ts';
import type { Finding, ProbeResult } from '../core/finding.ts';
import type { Instant } from '../core/clock.ts';
import { dateText } from '../core/date-text.ts';
import { SETTLE_SECONDS } from '../core/poll-times.ts';
import type { Complaint } from '../runner/complaints.ts';
import type { AimedComplaint, Watched } from './aimed-complaints.ts';
import { aimedComplaintsIn } from './aimed-complaints.ts';

export interface Contradictions {
  /** The complaint that makes a result worthless, if there is one. */
  against(check: Check, result: ProbeResult | undefined): Complaint | undefined;
}

export const NO_CONTRADICTIONS: Contradictions = { against: () => undefined };

/** A complaint, and a target that it speaks of. */
interface Aimed {
  readonly target: string;
  readonly complaint: Complaint;
}

/** From what the checks of logs and counters last read, and what the logs have brought since then. */
export function contradictionsOf(
  states: readonly CheckState[],
  watched: Watched,
  now: Instant,
): Contradictions {
  const acceptedAt = acceptancesIn(states);
  const explaining = states.filter((state) => isBroken(state) || recoveredAt([state]) > 0);
  const found = aimedComplaintsIn(states, watched)
    .filter((aimed) => !isOver(aimed, acceptedAt, now) && !isExplained(aimed, explaining))
    .flatMap(({ targets, complaint }) => targets.map((target): Aimed => ({ target, complaint })));
  if (found.length === 0) return NO_CONTRADICTIONS;
  const byTarget = Map.groupBy(found, ({ target }) => target);
  return {
    against: ({ probe, target }, result) => {
      if (result === undefined || !isProof(result.finding)) return undefined;
      return byTarget
        .get(target.id)
        ?.find(
          ({ complaint: { links, at } }) =>
            result.startedAt < at && links.some((link) => link === probe.id),
        )?.complaint;
    },
  };
}

function isOver(
  { complaint, targets }: AimedComplaint,
  acceptedAt: ReadonlyMap<string, Instant>,
  now: Instant,
): boolean {
  const { endsAt = Infinity, overdueAt = Infinity, lastAt } = complaint;
  if (endsAt < now) return true;
  if (overdueAt > now) return false;
  const hasAccepted = targets.some((target) => (acceptedAt.get(target) ?? 0) > lastAt);
  return complaint.isAnswered || (complaint.isServerAtFault && hasAccepted);
}

/** By endpoint, when GitLab was last asked about a token that it accepted. */
function acceptancesIn(states: readonly CheckState[]): ReadonlyMap<string, Instant> {
  const found = new Map<string, Instant>();
  for (const { check, last } of states) {
    const { target } = check;
    if (target.kind !== 'runner' || target.endpoint === undefined) continue;
    if (last === undefined || !isProof(last.finding)) continue;
    found.set(target.endpoint, Math.max(last.startedAt, found.get(target.endpoint) ?? 0));
  }
  return found;
}

/** A link that is broken accounts for it, or one that was until a moment ago. */
function isExplained(
  { complaint, targets }: AimedComplaint,
  states: readonly CheckState[],
): boolean {
  return states.some(
    (state) =>
      isSpokenOf(state, complaint, targets) && (isBroken(state) || isOfBefore(state, complaint)),
  );
}

/** What a poll that began before the link passed again says is of the time before. */
function isOfBefore({ since }: CheckState, { lastAt }: Complaint): boolean {
  return lastAt <= since + SETTLE_SECONDS * 1000;
}

/** Where such a link is broken, it accounts for the complaint: the passes of the others stay what they are. */
function isSpokenOf(
  { check: { probe, target } }: CheckState,
  { links }: Complaint,
  targets: readonly string[],
): boolean {
  return links.some((link) => link === probe.id) && targets.includes(target.id);
}

/** As readers see them. */
export function dropContradicted(
  states: readonly CheckState[],
  contradictions: Contradictions,
): readonly CheckState[] {
  return states.map((state) => {
    const complaint = isProof(state.finding)
      ? contradictions.against(state.check, state.last)
      : undefined;
    if (complaint === undefined || state.last === undefined) return state;
    const { startedAt } = state.last;
    return { ...state, finding: unproven(startedAt, complaint), since: complaint.at, streak: 1 };
  });
}

function unproven(startedAt: number, { text }: Complaint): Finding {
  const detail = `the last success is of ${dateText(startedAt)}, and since then the runner reported: ${text}`;
  return { status: 'unknown', reason: 'contradicted', detail };
}
