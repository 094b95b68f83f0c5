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
import type { RunnerEvent, RunnerLogReader } from '../core/runner-event.ts';
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
  const broken = states.filter((state) => isBroken(state));
  const recovered = states.filter((state) => hasRecovered(state));
  const found = complaintsIn(states, watched).flatMap(({ targets, complaint }) => {
    if ((complaint.endsAt ?? Infinity) < now) return [];
    const isExplained =
      broken.some((state) => isSpokenOf(state, complaint, targets)) ||
      recovered.some(
        (state) => isOfBefore(state, complaint) && isSpokenOf(state, complaint, targets),
      );
    return isExplained ? [] : targets.map((target): Aimed => ({ target, complaint }));
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

/**
 * Whether the runner's silence speaks against a failure: it complained of this link alone, and would have complained again
 * by now. A failure from after that is believed.
 */
export function takenBackBy(
  states: readonly CheckState[],
  watched: Watched,
  now: Instant,
): (check: Check, result: ProbeResult | undefined) => boolean {
  const found = complaintsIn(states, watched).filter(
    ({ isRunning, complaint: { links } }) => isRunning && links.length === 1,
  );
  return ({ probe, target }, result) => {
    if (result?.finding.status !== 'fail') return false;
    const ends = found
      .filter(
        ({ targets, complaint }) =>
          targets.includes(target.id) && complaint.links.some((link) => link === probe.id),
      )
      .map(({ complaint: { endsAt } }) => endsAt ?? Infinity);
    const end = Math.max(...ends);
    return end < now && end > result.startedAt;
  };
}

/** Whether a poll of the entry has worked since GitLab refused its token here. */
export function workedSince(
  states: readonly CheckState[],
  { contexts, logAt }: Watched,
): (check: Check, result: ProbeResult | undefined) => boolean {
  return ({ target }, result) => {
    if (target.kind !== 'runner' || result?.finding.status !== 'fail') return false;
    const context = contextOf({ contexts }, target);
    return eventsOf(context, states, { contexts, logAt }).some(
      ({ kind, runner, lastAt }) =>
        (kind === 'polls-worked' || kind === 'poll-worked') &&
        runnerNamed(context, runner)?.id === target.id &&
        lastAt > result.startedAt + SETTLE_SECONDS * 1000,
    );
  };
}

/** What an installation's runner has logged and counted. */
function eventsOf(
  context: RunnerContext,
  states: readonly CheckState[],
  { contexts, logAt }: Watched,
): readonly RunnerEvent[] {
  const read = states.filter(({ check }) => contextOf({ contexts }, check.target) === context);
  return [
    ...read.flatMap(({ finding }) => finding.events ?? []),
    ...(logAt(context.place)?.events() ?? []),
  ];
}

function complaintsIn(states: readonly CheckState[], watched: Watched) {
  return watched.contexts.flatMap((context) =>
    eventsOf(context, states, watched).flatMap((event) => {
      const complaint = complaintOf(event);
      const isRunning = context.process !== undefined;
      return complaint === undefined
        ? []
        : [{ complaint, targets: targetsOf(complaint, context), isRunning }];
    }),
  );
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
