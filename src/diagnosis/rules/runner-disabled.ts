/**
 * An entry that switched itself off after three refusals, and nobody refuses any more (fault matrix 2.9). The end
 * of the penalty is counted from the last healthy answer (network reference 7).
 */
import type { CheckState } from '../../core/check.ts';
import type { Cause } from '../../core/diagnosis.ts';
import type { RunnerTarget } from '../../core/target.ts';
import { mustHave } from '../build-cause.ts';
import type { Picture, Seen } from '../snapshot-index.ts';
import { isFail } from '../snapshot-index.ts';
import { drawn, openWay, seenOfRunner } from '../runner-events.ts';

/** After its end the runner asks once more at its next turn. */
const GRACE_SECONDS = 90;
/** An entry that is passed over so often within the last minutes is not fed at all. */
const MANY_FEEDS = 3;
const LATELY_SECONDS = 60;

export function disabledCauses(picture: Picture): readonly Cause[] {
  return picture.surroundings.runners.flatMap((runner) => {
    const way = openWay(picture, runner);
    const token = picture.tokenOf(runner);
    // While the refusal lasts it is the cause, and the penalty its symptom.
    if (way === undefined || (token !== undefined && isFail(token))) return [];
    const line = penaltyOf(picture, runner);
    const seen = line === undefined ? countedFor(picture, runner) : ([line] as const);
    return seen === undefined ? [] : [causeOf(picture, runner, seen, token)];
  });
}

function causeOf(
  picture: Picture,
  runner: RunnerTarget,
  seen: readonly [Seen, ...Seen[]],
  token: CheckState | undefined,
): Cause {
  const [{ sighting }] = seen;
  const until = Number(sighting.facts['until_milliseconds'] ?? Number.NaN);
  // A GitLab that knows only verify is asked once an hour: what it said before the refusals rules nothing out.
  const isAsked = (token?.last?.startedAt ?? 0) > sighting.lastAt;
  return drawn(picture, {
    spec: mustHave('runner-disabled-unhealthy'),
    seen,
    scopeId: runner.id,
    runners: [runner],
    isConfirmed: true,
    facts: {
      until: Number.isNaN(until) ? 'an hour at most' : new Date(until).toISOString(),
      is_asked: isAsked,
    },
    states: token === undefined ? [] : [token],
    ruledOut: isAsked
      ? [{ id: 'token-rejected', because: 'GitLab does not refuse the token now' }]
      : [],
  });
}

/** The line, with nothing after it that takes it back. */
export function penaltyOf(picture: Picture, runner: RunnerTarget): Seen | undefined {
  const [line] = seenOfRunner(picture, runner, 'disabled');
  if (line === undefined) return undefined;
  const { process: main } = picture.surroundings;
  const { lastAt, facts } = line.sighting;
  const until = Number(facts['until_milliseconds'] ?? 0);
  const isOver = picture.snapshot.takenAt > until + GRACE_SECONDS * 1000;
  const isRestarted = main !== undefined && main.startedAt > lastAt;
  const [worked] = seenOfRunner(picture, runner, 'polls-worked', 'poll-worked');
  const hasPolled = worked !== undefined && worked.sighting.lastAt > lastAt;
  return isOver || isRestarted || hasPolled ? undefined : line;
}

/** Without a log: refusals were counted, and since then it is passed over and polls no more. */
function countedFor(picture: Picture, runner: RunnerTarget): readonly [Seen, Seen] | undefined {
  const [feeds] = seenOfRunner(picture, runner, 'feeds-failed');
  const [health] = seenOfRunner(picture, runner, 'health-failed');
  if (feeds === undefined || health === undefined) return undefined;
  const [polls] = seenOfRunner(picture, runner, 'polls-worked', 'polls-failed');
  const now = picture.snapshot.takenAt;
  const isFed =
    feeds.sighting.count < MANY_FEEDS ||
    now - feeds.sighting.lastAt > LATELY_SECONDS * 1000 ||
    (polls !== undefined && polls.sighting.lastAt > health.sighting.lastAt);
  return isFed ? undefined : [health, feeds];
}
