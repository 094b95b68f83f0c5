/**
 * The runner's own polls fail although the way is open for us: that disagreement is examined before it is told.
 * What no examination explains is an unknown fault, seen by the runner itself.
 */
import type { CheckState } from '../../core/check.ts';
import type { Instant } from '../../core/clock.ts';
import type { Cause } from '../../core/diagnosis.ts';
import type { RunnerTarget } from '../../core/target.ts';
import { causeSpec } from '../catalogue/index.ts';
import { mergeCauses, requireCause } from '../build-cause.ts';
import type { SnapshotIndex, ObservedEvent } from '../snapshot-index.ts';
import { isFail } from '../snapshot-index.ts';
import { buildCauseFromEvents, openWay, eventsOf, eventsOfRunner } from '../runner-events.ts';
import type { Failing } from './poll-failure-explanations.ts';
import { examined, LEAST_FAILURES, OWN_REFUSAL } from './poll-failure-explanations.ts';
import { penaltyOf } from './runner-disabled.ts';
import { ASKED_TO_WAIT, fileLimit, rateLimited } from './runner-limits.ts';

/** After a fault is gone, a poll that began before may still end badly. */
const SETTLE_SECONDS = 15;
const LEAST_SPAN_SECONDS = 20;
/** The longest a poll takes to fail, and the wait for the next one. */
const FRESH_SECONDS = 100;
/** The line of the penalty follows the refusal that was one too many. */
const AT_THE_SAME_TIME_SECONDS = 10;
const REFUSED_BEFORE_GITLAB = 'edge-waf-blocked';
/** What fails in a rhythm is over when it misses its turn more than once. */
const MISSED_TURNS = 3;
const LEAST_FRESH_SECONDS = 20;
/** What has a rule of its own, whatever the way. */
const TOLD_ANYWAY: ReadonlySet<string> = new Set(['fd-limit-reached', ...ASKED_TO_WAIT]);

export function pollCauses(indexed: SnapshotIndex): readonly Cause[] {
  const { runners } = indexed.hostContext;
  const failing = runners.flatMap((runner) => failingOf(indexed, runner) ?? []);
  return [
    ...fileLimit(indexed),
    ...runners.flatMap((runner) => rateLimited(indexed, runner)),
    ...mergeCauses(failing.flatMap((one) => explained(indexed, one) ?? [])),
  ];
}

/** Of several wordings the last one; none when it may be over, or was before the way was open. */
function failingOf(indexed: SnapshotIndex, runner: RunnerTarget): Failing | undefined {
  const way = openWay(indexed, runner);
  const token = indexed.tokenOf(runner);
  if (way === undefined || (token !== undefined && isFail(token))) return undefined;
  const main = indexed.hostContext.process;
  const [worked] = eventsOfRunner(indexed, runner, 'polls-worked', 'poll-worked');
  const begin = Math.max(
    wasEverClosed(way.states) ? way.since + SETTLE_SECONDS * 1000 : 0,
    main?.startedAt ?? 0,
    worked?.event.lastAt ?? 0,
    // A reload ends the penalty; the next poll tells whether it is mended.
    eventsOf(indexed, 'config-loaded')[0]?.event.lastAt ?? 0,
  );
  const found = eventsOfRunner(indexed, runner, 'poll-failed')
    .filter(({ event }) => !TOLD_ANYWAY.has(event.cause ?? ''))
    .map((seen) => ({ seen, times: seen.event.times.filter((at) => at > begin) }))
    .find(
      ({ seen, times }) =>
        isLasting(times, indexed.snapshot.takenAt) || isPunished(indexed, runner, seen, times),
    );
  return found && { runner, ...found, endpoint: way.endpoint, links: way.states };
}

/** Whether we saw it otherwise; what was before our first look nobody knows. */
function wasEverClosed(links: readonly CheckState[]): boolean {
  return links.some(({ recent }) =>
    recent.some(({ finding }) => finding.status !== 'pass' && finding.status !== 'warn'),
  );
}

/** The way was open long enough that what was written meanwhile speaks of now. */
function isWatched({ links, times }: Failing): boolean {
  const since = Math.max(...links.map((link) => link.since)) + SETTLE_SECONDS * 1000;
  return times.filter((at) => at > since).length >= LEAST_FAILURES;
}

/** Refused before GitLab so often that the runner has stopped to ask, while we were let through all the time. */
function isPunished(
  indexed: SnapshotIndex,
  runner: RunnerTarget,
  { event }: ObservedEvent,
  times: readonly Instant[],
): boolean {
  const penalty = penaltyOf(indexed, runner);
  if (penalty === undefined || event.cause !== REFUSED_BEFORE_GITLAB) return false;
  const gap = Math.abs(penalty.event.lastAt - event.lastAt);
  return times.length >= LEAST_FAILURES && gap <= AT_THE_SAME_TIME_SECONDS * 1000;
}

/** Often enough, long enough, and up to now. */
function isLasting(times: readonly Instant[], now: Instant): boolean {
  const [first = now] = times;
  const last = times.at(-1) ?? 0;
  return (
    times.length >= LEAST_FAILURES &&
    last - first >= LEAST_SPAN_SECONDS * 1000 &&
    now - last <= freshSeconds(times) * 1000
  );
}

/** What we cannot explain may be over: only what we watched long enough is told. Of a token the token link speaks. */
function isTold(failing: Failing): boolean {
  return isWatched(failing) && failing.seen.event.cause !== OWN_REFUSAL;
}

/** How long the last failure speaks of now: a poll that works logs nothing. */
function freshSeconds(times: readonly Instant[]): number {
  const gaps = times.slice(1).map((at, index) => (at - (times[index] ?? at)) / 1000);
  const turns = Math.max(LEAST_FRESH_SECONDS, Math.max(...gaps) * MISSED_TURNS);
  return Math.min(FRESH_SECONDS, turns);
}

function explained(indexed: SnapshotIndex, failing: Failing): Cause | undefined {
  const found = examined(failing, indexed);
  const { runner, seen, endpoint, links } = failing;
  if (found === undefined && !isTold(failing)) return undefined;
  const spec = requireCause(found?.id ?? 'unknown');
  const nearest = links.filter(({ check }) => check.probe.id === 'http');
  return buildCauseFromEvents(indexed, {
    spec,
    seen: [seen],
    scopeId: spec.scope === 'runner' ? runner.id : endpoint.id,
    runners: [runner],
    isConfirmed: found !== undefined && isWatched(failing),
    facts: { host: endpoint.url.hostname, ...found?.facts },
    states: found?.states ?? nearest,
    ruledOut: found?.ruledOut ?? ruledOutOf(seen, links),
  });
}

/** What the runner's words would mean if they were true for us, too. */
function ruledOutOf({ event }: ObservedEvent, links: readonly CheckState[]): Cause['ruledOut'] {
  const spec = causeSpec(event.cause ?? '');
  const link = spec?.from[0]?.split('/')[0];
  const passes = links.some(({ check }) => check.probe.id === link);
  return spec === undefined || !passes
    ? []
    : [{ id: spec.id, because: `the ${link} check of runnerwatch passes` }];
}
