/** Two runners on one host, each in a place of its own: a cause at one of them has the commands of that place. */
import { expect, test } from 'vitest';

import type { CheckState, Snapshot } from '../../src/core/check.ts';
import { HOST_PATHS } from '../../src/core/paths.ts';
import type { Place } from '../../src/core/place.ts';
import { diagnose } from '../../src/diagnosis/diagnose.ts';
import { placeOnHost } from '../../src/host/place/on-host.ts';
import { contextIn } from '../support/places.ts';
import { DOCKER, fail, snapshotOf } from '../support/snapshots.ts';

const HERE = {
  paths: HOST_PATHS,
  program: 'gitlab-runner',
  host: { hasSystemd: true },
  engines: { hasPodmanUnit: false },
};
const ROOTS = placeOnHost({
  ...HERE,
  manager: { kind: 'systemd', unit: 'gitlab-runner.service' },
  user: { name: 'root', uid: 0 },
});
const CAROLS = placeOnHost({
  ...HERE,
  manager: { kind: 'systemd', unit: 'carols-runner.service' },
  user: { name: 'carol', uid: 1002 },
});
const OTHER_DOCKER = 'unix:///run/user/1002/docker.sock';

const REFUSED = fail('socket-permission', {
  stands_on: 'unix:///run/x.sock',
  source: 'host',
  uid: 1,
  group: 'dockers',
});

/** Each executor in its place. */
function snapshotWith(placeOf: Readonly<Record<string, Place>>): Snapshot {
  const snapshot = snapshotOf(
    Object.fromEntries(Object.keys(placeOf).map((id) => [`executor@${id}`, REFUSED])),
    { executors: { [DOCKER]: ['runnerAA1'], [OTHER_DOCKER]: ['runnerAA2'] } },
  );
  const [context] = snapshot.hostContext.contexts;
  const placed = (state: CheckState): CheckState => {
    const { check } = state;
    const place = placeOf[check.target.id];
    return place === undefined
      ? state
      : { ...state, check: { ...check, target: { ...check.target, place: place.id } } };
  };
  return {
    ...snapshot,
    hostContext: { host: 'ci-07', contexts: [{ ...context, place: ROOTS }, contextIn(CAROLS)] },
    checks: snapshot.checks.map((state) => placed(state)),
  };
}

test.each([
  [{ [DOCKER]: ROOTS, [OTHER_DOCKER]: CAROLS }],
  [{ [DOCKER]: CAROLS, [OTHER_DOCKER]: ROOTS }],
])('each cause has the user and the restart of its own runner', (placeOf) => {
  const causes = diagnose(snapshotWith(placeOf)).causes.filter(
    ({ id }) => id === 'docker-socket-permission',
  );
  const told = causes.map(({ scope, summary, fix }) => [
    scope.id,
    /user (?<name>\w+) has/.exec(summary)?.groups?.['name'],
    fix.at(-1)?.command,
    fix[0]?.command?.includes('usermod -aG dockers carol'),
  ]);

  expect(new Set(told)).toEqual(
    new Set(
      Object.entries(placeOf).map(([id, { user, commands }]) => [
        id,
        user.name,
        commands.restart,
        user.name === 'carol',
      ]),
    ),
  );
});
