/** What the runner itself logged and counted, as rules need it; and causes built from it. */
import type { CheckState, ExplainedUntil } from '../core/check.ts';
import type { Instant } from '../core/clock.ts';
import type { Cause } from '../core/diagnosis.ts';
import type { Fact } from '../core/finding.ts';
import { SETTLE_SECONDS } from '../core/poll-times.ts';
import { isBudgeted } from '../core/request.ts';
import type { EventKind, RunnerEvent } from '../core/runner-event.ts';
import type { Repetition, Sightings } from '../core/sightings.ts';
import type { EndpointTarget, RunnerTarget } from '../core/target.ts';
import type { Severity } from '../core/vocabulary.ts';
import type { CauseSpec } from './cause-spec.ts';
import { buildCause } from './build-cause.ts';
import type { SnapshotIndex, ObservedEvent } from './snapshot-index.ts';

/** A single line is an accident; so is one job, which is prepared up to three times within some seconds. */
export const SEEN_TWICE: Repetition = { times: 2, seconds: 12 };

/** The runner's log and its counters, newest first. */
export function eventsOf(
  indexed: SnapshotIndex,
  ...kinds: readonly EventKind[]
): readonly ObservedEvent[] {
  return indexed.seen(kinds);
}

/** What concerns one entry. */
export function eventsOfRunner(
  indexed: SnapshotIndex,
  { id }: RunnerTarget,
  ...kinds: readonly EventKind[]
): readonly ObservedEvent[] {
  return indexed.seen(kinds, id);
}

export interface EventCause {
  readonly spec: CauseSpec;
  /** The first is the main one. */
  readonly seen: readonly [ObservedEvent, ...ObservedEvent[]];
  readonly scopeId: string;
  readonly runners: readonly RunnerTarget[];
  readonly isConfirmed: boolean;
  /** If it is less severe than the catalogue says. */
  readonly severity?: Severity;
  readonly facts?: Readonly<Record<string, Fact>>;
  /** Checks that prove the rest. */
  readonly states?: readonly CheckState[];
  readonly ruledOut?: Cause['ruledOut'];
  readonly explains?: Cause['explains'];
}

/** The check itself passes, since it could run: the evidence is what was logged or counted. */
export function buildCauseFromEvents(indexed: SnapshotIndex, given: EventCause): Cause {
  const { spec, seen, scopeId, runners, isConfirmed, states = [], ruledOut = [] } = given;
  const [main] = seen;
  const facts = { ...main.event.facts, ...given.facts };
  const cause = buildCause(indexed, {
    spec,
    states: [main.state, ...states],
    scopeId,
    runners,
    facts,
    ruledOut,
    explains: given.explains ?? [],
    severity: given.severity ?? spec.severity,
  });
  const [, ...others] = cause.evidence;
  return {
    ...cause,
    since: main.event.firstAt,
    ...(isPoll(main.event) ? { resolvedWhen: "the runner's own polls succeed again" } : {}),
    confidence: isConfirmed ? 'confirmed' : 'suspected',
    evidence: [
      ...seen.map(({ state, event }) => ({
        check: state.check.id,
        at: event.lastAt,
        text: textOf(event),
      })),
      ...others,
    ],
  };
}

/** The cause with the runner's own words in its summary. */
export function quoteReason(cause: Cause, { facts }: RunnerEvent): Cause {
  const { reason } = facts;
  if (reason === undefined) return cause;
  return { ...cause, summary: `${cause.summary.replace(/\.$/, '')}: "${reason}".` };
}

/** Only where no cause explains them. */
export function quoteUnknown(cause: Cause, event: RunnerEvent): Cause {
  return cause.id === 'unknown' ? quoteReason(cause, event) : cause;
}

/** Our own checks may pass all the time. */
function isPoll({ kind }: RunnerEvent): boolean {
  return kind === 'poll-failed' || kind === 'polls-failed';
}

function textOf({ text, count }: RunnerEvent): string {
  return count > 1 ? `${text} (${count} times)` : text;
}

/** From this time on an event counts: until then a cause that is over accounts for it. */
export function explainedUntil(
  { snapshot }: SnapshotIndex,
  { id }: RunnerTarget,
  part: keyof ExplainedUntil,
): Instant {
  const until = snapshot.explained?.get(id)?.[part];
  return until === undefined ? 0 : until + SETTLE_SECONDS * 1000;
}

/** When something was seen for that time of its sightings. */
export function momentOf({ marks, lastAt }: Sightings, times: number): Instant {
  return marks.find(({ count }) => count >= times)?.at ?? lastAt;
}

/** One that does not end is not waited for any longer. */
const MAX_TURNS = 3;

/**
 * Whether each of these checks had its turn after that moment: what the runner sees first, a check may name at its next
 * turn.
 */
export function hadTurnsSince(states: readonly CheckState[], at: Instant, now: Instant): boolean {
  return states.every(
    ({ check, last }) =>
      isBudgeted(check.probe) ||
      (last?.startedAt ?? 0) > at ||
      now - at > MAX_TURNS * check.intervalSeconds * 1000,
  );
}

export interface OpenPath {
  readonly endpoint: EndpointTarget;
  readonly since: Instant;
  readonly states: readonly CheckState[];
}

/** The path of an entry, if every tested link of it is open; and since when. */
export function openPathOf(indexed: SnapshotIndex, runner: RunnerTarget): OpenPath | undefined {
  const endpoint = indexed.context.endpoints.find(({ id }) => id === runner.endpoint);
  if (endpoint === undefined) return undefined;
  const links = indexed.linksOf(endpoint);
  const isOpen = links.every(({ check, finding }) =>
    isBudgeted(check.probe)
      ? finding.status !== 'fail' && finding.status !== 'skipped'
      : finding.status === 'pass' || finding.status === 'warn',
  );
  if (!isOpen || links.length === 0) return undefined;
  return { endpoint, since: Math.max(...links.map(({ since }) => since)), states: links };
}
