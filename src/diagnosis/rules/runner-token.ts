/** The token that is on disk is not the one the runner polls with (fault matrix 2.1). */
import type { Instant } from '../../core/clock.ts';
import type { Cause } from '../../core/diagnosis.ts';
import type { RunnerTarget } from '../../core/target.ts';
import { mustHave } from '../build-cause.ts';
import type { Picture, Seen } from '../snapshot-index.ts';
import { hasReason } from '../snapshot-index.ts';
import { drawn, seenOf, seenOfRunner } from '../runner-events.ts';

/** Counters are read a moment after the poll that they count. */
const READ_LATE_SECONDS = 15;
/** One poll may have been on its way when GitLab began to refuse. */
const POLLS_ON = 2;

export function rotationCauses(picture: Picture): readonly Cause[] {
  const { runners, configPath } = picture.surroundings;
  const [unsaved] = seenOf(picture, 'config-not-saved');
  const started = picture.surroundings.process?.startedAt ?? 0;
  if (unsaved !== undefined && unsaved.sighting.lastAt > started) {
    return [causeOf(picture, unsaved, runners, configPath)];
  }
  const unknown = pollingUnknown(picture);
  return runners.flatMap((runner) => {
    const token = picture.tokenOf(runner);
    if (token === undefined || !hasReason(token, 'rejected')) return [];
    const polling = unknown ?? pollingOn(picture, runner, token.since);
    if (polling === undefined) return [];
    const cause = causeOf(picture, polling, [runner], runner.id);
    return [{ ...cause, explains: [token.check.id] }];
  });
}

/** An entry polls with success under a token that config.toml does not have. */
function pollingUnknown(picture: Picture): Seen | undefined {
  const known = new Set(picture.surroundings.runners.map(({ id }) => id));
  return seenOf(picture, 'polls-worked').find(
    ({ sighting }) => sighting.runner !== undefined && !known.has(sighting.runner),
  );
}

/** GitLab has refused the token of the file since then, and polls of the entry have worked all the same. */
function pollingOn(picture: Picture, runner: RunnerTarget, since: Instant): Seen | undefined {
  const begin = since + READ_LATE_SECONDS * 1000;
  return seenOfRunner(picture, runner, 'polls-worked', 'poll-worked').find(
    ({ sighting: { times } }) => times.filter((at) => at > begin).length >= POLLS_ON,
  );
}

function causeOf(
  picture: Picture,
  seen: Seen,
  runners: readonly RunnerTarget[],
  scopeId: string,
): Cause {
  return drawn(picture, {
    spec: mustHave('token-rotation-not-persisted'),
    seen: [seen],
    scopeId,
    runners,
    isConfirmed: true,
  });
}
