/**
 * Promise: a pass from before the runner complained about that link is not shown as proof. It is `unknown` until the link
 * was tried again, which is done at once.
 */
import type { Check, CheckState } from '../core/check.ts';
import { isBroken } from '../core/check.ts';
import type { Finding, ProbeResult } from '../core/finding.ts';
import type { Instant } from '../core/clock.ts';
import { dateText } from '../core/date-text.ts';
import type { HostContext, RunnerContext } from '../core/host-context.ts';
import { contextOf, runnerNamed } from '../core/host-context.ts';
import type { Place } from '../core/place.ts';
import { SETTLE_SECONDS } from '../core/poll-times.ts';
import type { RunnerLogReader } from '../core/runner-event.ts';
import type { Complaint } from '../runner/complaints.ts';
import { complaintOf } from '../runner/complaints.ts';

export interface Contradictions {
  /** The complaint that makes a result worthless, if there is one. */
  against(check: Check, result: ProbeResult | undefined): Complaint | undefined;
}

/** The installations, and where their logs are read. */
export interface Watched extends Pick<HostContext, 'contexts'> {
  /** The log of the runner at a place, where there is one. */
  readonly logAt: (place: Place) => RunnerLogReader | undefined;
}

export const NO_CONTRADICTIONS: Contradictions = { against: () => undefined };

/** From what the checks of logs and counters last read, and what the logs have brought since then. */
export function contradictionsOf(
  states: readonly CheckState[],
  { contexts, logAt }: Watched,
  now: Instant,
): Contradictions {
  const broken = states.filter((state) => isBroken(state));
  const recovered = states.filter((state) => hasRecovered(state));
  const found = contexts.flatMap((context) => {
    const { place } = context;
    const read = states.filter(({ check }) => contextOf({ contexts }, check.target) === context);
    const events = [
      ...read.flatMap(({ finding }) => finding.events ?? []),
      ...(logAt(place)?.events() ?? []),
    ];
    return events.flatMap((event) => {
      const complaint = complaintOf(event);
      if (complaint === undefined || (complaint.endsAt ?? Infinity) < now) return [];
      const targets = targetsOf(complaint, context);
      const isExplained =
        broken.some((state) => isSpokenOf(state, complaint, targets)) ||
        recovered.some(
          (state) => isOfBefore(state, complaint) && isSpokenOf(state, complaint, targets),
        );
      return isExplained ? [] : targets.map((target) => ({ target, complaint }));
    });
  });
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

function hasRecovered({ check, finding, recent }: CheckState): boolean {
  return isProof(finding) && recent.some((result) => isBroken({ check, finding: result.finding }));
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

/** The entry and its endpoint. A complaint of no entry may be of any; so may one of an entry that has no check. */
function targetsOf({ runner }: Complaint, context: RunnerContext): readonly string[] {
  const own = runnerNamed(context, runner);
  const concerned = own?.endpoint === undefined ? context.runners : [own];
  return [
    ...new Set(
      concerned.flatMap(({ id, endpoint }) => [id, ...(endpoint === undefined ? [] : [endpoint])]),
    ),
  ];
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

function isProof({ status }: Finding): boolean {
  return status === 'pass' || status === 'warn';
}

function unproven(startedAt: number, { text }: Complaint): Finding {
  const detail = `the last success is of ${dateText(startedAt)}, and since then the runner reported: ${text}`;
  return { status: 'unknown', reason: 'contradicted', detail };
}
