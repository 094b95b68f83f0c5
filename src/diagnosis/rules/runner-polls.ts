/**
 * The runner's own polls fail although our requests pass: this difference is examined before it is reported.
 * If no examination explains it, it is an unknown fault, seen by the runner itself.
 */
import type { CheckState } from '../../core/check.ts';
import { recoveredAt } from '../../core/check.ts';
import type { Instant } from '../../core/clock.ts';
import type { Cause } from '../../core/diagnosis.ts';
import {
  FRESH_SECONDS,
  overdueSeconds,
  PENALTY_LINE_SECONDS,
  SETTLE_SECONDS,
} from '../../core/poll-times.ts';
import type { Repetition, Sightings } from '../../core/sightings.ts';
import { isRepeated, sightingsAfter } from '../../core/sightings.ts';
import type { EventKind, RunnerEvent } from '../../core/runner-event.ts';
import type { RunnerTarget } from '../../core/target.ts';
import { LOCAL_FAULT_CAUSES } from '../../runner/log/local-fault-fragments.ts';
import { causeSpec, probesOf } from '../catalogue/index.ts';
import { mergeCauses, requireCause } from '../build-cause.ts';
import type { SnapshotIndex, ObservedEvent } from '../snapshot-index.ts';
import { hasReason, isFail } from '../snapshot-index.ts';
import {
  buildCauseFromEvents,
  explainedUntil,
  hadTurnsSince,
  momentOf,
  openPathOf,
  eventsOf,
  eventsOfRunner,
  quoteUnknown,
} from '../runner-events.ts';
import type { Failing } from './poll-failure-explanations.ts';
import { explainFailure, MIN_FAILURES, OWN_REFUSAL } from './poll-failure-explanations.ts';
import { penaltyOf } from './runner-disabled.ts';
import { ASKED_TO_WAIT, pollWaitCauses, rateLimitCauses } from './runner-limits.ts';

const LASTING: Repetition = { times: MIN_FAILURES, seconds: 20 };
const REFUSED_BEFORE_GITLAB = 'edge-waf-blocked';
/** A link that the runner contradicts is asked again within that time, if the reserve allows it. */
const ASKED_AGAIN_SECONDS = 30;
/** Kinds that have their own rule, independent of the path. */
const HAS_OWN_RULE: ReadonlySet<string> = new Set([...LOCAL_FAULT_CAUSES, ...ASKED_TO_WAIT]);

/** Lines of the log say why, and come first; counters only how many. */
const FAILED: readonly EventKind[] = ['poll-failed', 'polls-failed'];

export function pollCauses(indexed: SnapshotIndex): readonly Cause[] {
  const { runners } = indexed.context;
  const failing = runners.flatMap((runner) => unexplainedPolls(indexed, runner) ?? []);
  return [
    ...mergeCauses(runners.flatMap((runner) => rateLimitCauses(indexed, runner))),
    ...pollWaitCauses(indexed),
    ...mergeCauses(failing.flatMap((one) => buildPollCause(indexed, one) ?? [])),
  ];
}

/** Polls of an entry that fail, one after the other; none if it may be over, or is from before the path was open. */
export function failingPolls(indexed: SnapshotIndex, runner: RunnerTarget): Failing | undefined {
  return failuresOf(indexed, runner, () => true);
}

/** What the rule of this file explains: the last of several messages without a rule of its own. */
function unexplainedPolls(indexed: SnapshotIndex, runner: RunnerTarget): Failing | undefined {
  const named = eventsOfRunner(indexed, runner, 'poll-failed').filter(hasOwnRule);
  return failuresOf(
    indexed,
    runner,
    (event) => !hasOwnRule({ event }) && !named.some((one) => isCounted(event, one.event)),
  );
}

function hasOwnRule({ event: { cause = '' } }: Pick<ObservedEvent, 'event'>): boolean {
  return HAS_OWN_RULE.has(cause);
}

/** A counter of the polls that a line of the log is about. */
function isCounted({ kind, cause, lastAt }: RunnerEvent, line: RunnerEvent): boolean {
  const isNear = Math.abs(lastAt - line.lastAt) <= FRESH_SECONDS * 1000;
  return kind === 'polls-failed' && cause === undefined && isNear;
}

function failuresOf(
  indexed: SnapshotIndex,
  runner: RunnerTarget,
  isWanted: (event: RunnerEvent) => boolean,
): Failing | undefined {
  const now = indexed.snapshot.takenAt;
  return recentFailures(indexed, runner).find(
    ({ seen, failures }) =>
      isWanted(seen.event) &&
      (isLasting(failures, now) || isPunished(indexed, runner, seen, failures)),
  );
}

/** Several polls failed up to now, and no cause names it: nothing proves that the entry works, nor that it does not. */
export function doubtOfPolls(indexed: SnapshotIndex, runner: RunnerTarget): string | undefined {
  const now = indexed.snapshot.takenAt;
  const found = recentFailures(indexed, runner).find(
    ({ failures }) =>
      failures.count >= MIN_FAILURES && now - failures.lastAt <= overdueSeconds(failures) * 1000,
  );
  if (found !== undefined) {
    return `its last ${found.failures.count} polls failed (${found.seen.event.text})`;
  }
  const [frozen] = eventsOfRunner(indexed, runner, 'polls-frozen');
  return frozen?.event.text;
}

/** What the runner said and counted of failed polls since anything may have changed it; the last message first. */
function recentFailures(indexed: SnapshotIndex, runner: RunnerTarget): readonly Failing[] {
  const path = openPathOf(indexed, runner);
  const token = indexed.tokenOf(runner);
  if (path === undefined || (token !== undefined && isFail(token))) return [];
  const begin = Math.max(
    recoveredAt([...path.states, ...(token === undefined ? [] : [token])]) + SETTLE_SECONDS * 1000,
    explainedUntil(indexed, runner, 'polls'),
    newBegin(indexed, runner),
  );
  const events = FAILED.flatMap((kind) => eventsOfRunner(indexed, runner, kind));
  return events.flatMap((seen) => {
    const failures = sightingsAfter(seen.event, begin);
    if (failures === undefined) return [];
    return [{ runner, seen, failures, endpoint: path.endpoint, links: path.states }];
  });
}

/** When the runner itself began anew: it started, read its config or got an answer. */
function newBegin(indexed: SnapshotIndex, runner: RunnerTarget): Instant {
  const [worked] = eventsOfRunner(indexed, runner, 'polls-worked', 'poll-worked');
  // A reload ends the penalty; the next poll shows whether it is fixed.
  const [loaded] = eventsOf(indexed, 'config-loaded');
  const { process: main } = indexed.context;
  return Math.max(main?.startedAt ?? 0, worked?.event.lastAt ?? 0, loaded?.event.lastAt ?? 0);
}

/** The path was open long enough that log lines since then describe the present. */
function isWatched({ links, failures }: Failing): boolean {
  const since = Math.max(...links.map((link) => link.since)) + SETTLE_SECONDS * 1000;
  return (sightingsAfter(failures, since)?.count ?? 0) >= MIN_FAILURES;
}

/** Rejected before GitLab so often that the runner stopped polling, while our requests passed all the time. */
function isPunished(
  indexed: SnapshotIndex,
  runner: RunnerTarget,
  { event }: ObservedEvent,
  failures: Sightings,
): boolean {
  const penalty = penaltyOf(indexed, runner);
  if (penalty === undefined || event.cause !== REFUSED_BEFORE_GITLAB) return false;
  const gap = Math.abs(penalty.event.lastAt - event.lastAt);
  return failures.count >= MIN_FAILURES && gap <= PENALTY_LINE_SECONDS * 1000;
}

/** Often enough, long enough, and up to now. */
function isLasting(failures: Sightings, now: Instant): boolean {
  return isRepeated(failures, LASTING) && now - failures.lastAt <= overdueSeconds(failures) * 1000;
}

/** What we cannot explain may be over: only what we observed long enough is reported. The token link reports tokens. */
function isCovered(failing: Failing, indexed: SnapshotIndex): boolean {
  const { runner, seen, failures } = failing;
  if (!isWatched(failing) || !isWalkedSince(failing, indexed)) return false;
  if (seen.event.cause !== OWN_REFUSAL) return true;
  // A counted 403 may be of a server in front of GitLab: it is, if GitLab accepts the token since then.
  const askedAt = indexed.tokenOf(runner)?.last?.startedAt ?? 0;
  return seen.event.kind === 'polls-failed' && askedAt > failures.firstAt;
}

/** The next round may find what the runner has seen first; so may a link that is to be asked again. */
function isWalkedSince({ links, failures }: Failing, { snapshot }: SnapshotIndex): boolean {
  const rhythm = Math.min(...links.map(({ check }) => check.intervalSeconds));
  const [walked, slow] = [true, false].map((isOfEach) =>
    links.filter(({ check }) => check.intervalSeconds <= rhythm === isOfEach),
  );
  const lasting = momentOf(failures, MIN_FAILURES);
  const now = snapshot.takenAt;
  const isAsked = links.some((link) => hasReason(link, 'contradicted'));
  return (
    hadTurnsSince(walked ?? [], lasting, now) &&
    hadTurnsSince(slow ?? [], failures.firstAt, now) &&
    (!isAsked || now - lasting > ASKED_AGAIN_SECONDS * 1000)
  );
}

function buildPollCause(indexed: SnapshotIndex, failing: Failing): Cause | undefined {
  const found = explainFailure(failing, indexed);
  const { runner, seen, endpoint, links } = failing;
  if (found === undefined && !isCovered(failing, indexed)) return undefined;
  const spec = requireCause(found?.id ?? 'unknown');
  const nearest = links.filter(({ check }) => check.probe.id === 'http');
  const cause = buildCauseFromEvents(indexed, {
    spec,
    seen: [seen],
    scopeId: spec.scope === 'runner' ? runner.id : endpoint.id,
    runners: [runner],
    isConfirmed: found !== undefined && isWatched(failing),
    facts: { host: endpoint.url.hostname, ...found?.facts },
    states: found?.states ?? nearest,
    ruledOut: found?.ruledOut ?? ruledOutOf(seen, links),
  });
  return quoteUnknown(cause, seen.event);
}

/** The cause that the runner's message would mean if it were true for us, too. */
function ruledOutOf({ event }: ObservedEvent, links: readonly CheckState[]): Cause['ruledOut'] {
  const spec = causeSpec(event.cause ?? '');
  const [link] = spec === undefined ? [] : probesOf(spec);
  const passes = links.some(({ check }) => check.probe.id === link);
  return spec === undefined || !passes
    ? []
    : [{ id: spec.id, because: `the ${link} check of runnerwatch passes` }];
}
