/**
 * When may a fault be over? What the runner says, and its silence, are signs of that and no proof: the check that failed, or
 * that the runner contradicts, is asked once for each sign, from the reserve.
 */
import type { Check, CheckState } from '../core/check.ts';
import { isProof } from '../core/check.ts';
import type { Instant } from '../core/clock.ts';
import type { ProbeResult } from '../core/finding.ts';
import { runnerNamed } from '../core/host-context.ts';
import { SETTLE_SECONDS } from '../core/poll-times.ts';
import type { EventKind } from '../core/runner-event.ts';
import { isBudgeted } from '../core/request.ts';
import type { AimedComplaint, Watched } from './aimed-complaints.ts';
import { aimedComplaintsIn, eventsOf } from './aimed-complaints.ts';
import type { Contradictions } from './contradictions.ts';

/** From when on there is a sign, newer than the result, that what it shows is over. */
export type PossibleEnds = (check: Check, result: ProbeResult | undefined) => Instant | undefined;

interface Success {
  readonly runner: string;
  readonly at: Instant;
}

const WORKED: ReadonlySet<EventKind> = new Set(['polls-worked', 'poll-worked']);

/** Checks that run every few seconds need no sign. */
export function possibleEndsOf(
  states: readonly CheckState[],
  watched: Watched,
  contradictions: Contradictions,
  now: Instant,
): PossibleEnds {
  const aimed = byTarget(aimedComplaintsIn(states, watched));
  const successes = Map.groupBy(successesIn(states, watched), ({ runner }) => runner);
  const isPassing = (check: Check, result: ProbeResult): boolean =>
    isProof(result.finding) && contradictions.against(check, result) === undefined;
  return (check, result) => {
    if (result === undefined || !isBudgeted(check.probe) || isPassing(check, result))
      return undefined;
    const signs = [silenceOf(check, aimed), successOf(check, result, successes)];
    return signs.find((at) => at !== undefined && at <= now && at > result.startedAt);
  };
}

/** The runner has complained, and would have complained again: by then it polls well, or not at all. */
function silenceOf({ target }: Check, aimed: ComplaintsByTarget): Instant | undefined {
  const all = aimed.get(target.id) ?? [];
  const own = target.kind === 'runner' ? all : all.filter((one) => isOfAll(one));
  if (own.length === 0 || own.some(({ isRunning }) => !isRunning)) return undefined;
  return Math.max(...own.map(({ complaint: { overdueAt } }) => overdueAt ?? Infinity));
}

/** An entry whose polls fail for any reason is silent once they do not; its token says nothing of the API. */
function isOfAll({ complaint: { links } }: AimedComplaint): boolean {
  return links.some((link) => link !== 'token');
}

type ComplaintsByTarget = ReadonlyMap<string, readonly AimedComplaint[]>;

function byTarget(aimed: readonly AimedComplaint[]): ComplaintsByTarget {
  const found = new Map<string, AimedComplaint[]>();
  for (const one of aimed) {
    for (const target of one.targets) {
      const known = found.get(target);
      if (known === undefined) found.set(target, [one]);
      else known.push(one);
    }
  }
  return found;
}

/** When a poll of an entry has worked, by its id: the last time of each source. */
function successesIn(states: readonly CheckState[], watched: Watched): readonly Success[] {
  return watched.contexts.flatMap((context) =>
    eventsOf(context, states, watched).flatMap(({ kind, runner, lastAt }) => {
      const target = WORKED.has(kind) ? runnerNamed(context, runner) : undefined;
      return target === undefined ? [] : [{ runner: target.id, at: lastAt }];
    }),
  );
}

/** A poll of the entry has worked since GitLab refused its token here. */
function successOf(
  { target }: Check,
  { finding, startedAt }: ProbeResult,
  successes: ReadonlyMap<string, readonly Success[]>,
): Instant | undefined {
  if (finding.status !== 'fail') return undefined;
  const own = successes.get(target.id) ?? [];
  return own.find(({ at }) => at > startedAt + SETTLE_SECONDS * 1000)?.at;
}
