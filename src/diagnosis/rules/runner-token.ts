/** The token that is on disk is not the one the runner polls with (fault matrix 2.1). */
import type { Cause } from '../../core/diagnosis.ts';
import type { RunnerTarget } from '../../core/target.ts';
import { mustHave } from '../draft.ts';
import type { Picture, Seen } from '../picture.ts';
import { hasReason } from '../picture.ts';
import { drawn, seenOf } from '../sightings.ts';

export function rotationCauses(picture: Picture): readonly Cause[] {
  const { runners, configPath } = picture.surroundings;
  const [unsaved] = seenOf(picture, 'config-not-saved');
  const started = picture.surroundings.process?.startedAt ?? 0;
  if (unsaved !== undefined && unsaved.sighting.lastAt > started) {
    return [causeOf(picture, unsaved, runners, configPath)];
  }
  const polling = pollingUnknown(picture);
  if (polling === undefined) return [];
  return runners.flatMap((runner) => {
    const token = picture.tokenOf(runner);
    if (token === undefined || !hasReason(token, 'rejected')) return [];
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
