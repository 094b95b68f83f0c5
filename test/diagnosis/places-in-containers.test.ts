/** The fixes of every cause for a runner in a container: its engine's commands, and paths as the host sees them. */
import { describe, expect, test } from 'vitest';

import type { Container } from '../../src/core/container.ts';
import { HOST_PATHS } from '../../src/core/paths.ts';
import type { Place } from '../../src/core/place.ts';
import { catalogue } from '../../src/diagnosis/catalogue/index.ts';
import { diagnose } from '../../src/diagnosis/diagnose.ts';
import { parseMountInfo } from '../../src/host/fs/mounts.ts';
import { placeInContainer } from '../../src/host/place/in-container.ts';
import { contextAt, HOLE } from '../support/fix-context.ts';
import { runnerProcess } from '../support/runner-process.ts';
import { fail, GITLAB, snapshotOf } from '../support/snapshots.ts';
import { inPlace } from '../support/two-installations.ts';

const CONFIG = '/etc/gitlab-runner/config.toml';
const ON_HOST = parseMountInfo('22 1 8:1 / / rw - ext4 /dev/sda1 rw');
const INSIDE = parseMountInfo(
  [
    '60 1 0:90 / / rw - overlay overlay rw',
    '61 60 8:1 /srv/runner /etc/gitlab-runner rw - ext4 /dev/sda1 rw',
    '62 60 8:1 /run/docker.sock /var/run/docker.sock rw - ext4 /dev/sda1 rw',
  ].join('\n'),
);

function placeOf(container: Container, isRunning = true): Place {
  return placeInContainer({
    container,
    started: runnerProcess({ pid: 812, container, network: { pid: 812, inode: 7 } }),
    isRunning,
    closed: undefined,
    configPath: CONFIG,
    user: 'root',
    logFile: undefined,
    paths: HOST_PATHS,
    mounts: { inside: INSIDE, onHost: ON_HOST },
    services: {
      host: { hasSystemd: true, packageManager: 'apt-get' },
      engines: { dockerUnit: 'docker', hasPodmanUnit: true },
    },
  });
}

const NAME = 'runner-1';
const KINDS: readonly (readonly [title: string, place: Place, restarts: RegExp])[] = [
  [
    'Docker',
    placeOf({ id: `docker:${NAME}`, engine: 'docker', name: NAME, socket: '/var/run/docker.sock' }),
    /^sudo docker restart runner-1$/,
  ],
  [
    'Docker, while it does not run',
    placeOf({ id: `docker:${NAME}`, engine: 'docker', name: NAME }, false),
    /^sudo docker restart runner-1$/,
  ],
  [
    'podman',
    placeOf({ id: `podman:${NAME}`, engine: 'podman', name: NAME }),
    /^sudo podman restart runner-1$/,
  ],
  [
    'a cluster',
    placeOf({ id: 'containerd:0a1b', engine: 'containerd', name: '0a1b' }),
    /^sudo crictl stop 0a1b$/,
  ],
  ['no engine', placeOf({ id: 'container:/srv/jail', name: '/srv/jail' }), /^sudo kill 812 /],
];

/** Commands of a runner on the host, and paths that mean another file there. */
const FOREIGN =
  /(?:systemctl|service|journalctl)[^;&|]* gitlab-runner|nohup|(?<=^| )'?\/etc\/gitlab-runner/;
/** These run in the container. */
const INSIDE_IT = / exec | --all -- /;

describe.each(KINDS)('%s', (_title, place, restarts) => {
  test('is restarted by its engine', () => {
    expect(place.commands.restart).toMatch(restarts);
  });

  test.each(catalogue.map((spec) => [spec.id, spec] as const))(
    '%s: every command fits, and no step has a hole',
    (_id, spec) => {
      const steps = spec.fix(contextAt(place));
      const commands = steps.flatMap(({ command }) => command ?? []);
      const own = commands.filter((command) => !/systemctl \w+ runnerwatch\b/.test(command));

      expect(own.filter((command) => FOREIGN.test(command) && !INSIDE_IT.test(command))).toEqual(
        [],
      );
      const texts = [...own, ...steps.map(({ text }) => text)];
      expect(texts.filter((text) => HOLE.test(text))).toEqual([]);
    },
  );
});

test('a step names the path on the host, and that in the container', () => {
  const [, place] = KINDS[0] ?? [];
  if (place === undefined) throw new Error('no place');
  const snapshot = inPlace(snapshotOf({ [`dns@${GITLAB}`]: fail('not-found') }), place);
  const [cause] = diagnose(snapshot).causes;

  expect(cause?.fix.map(({ text }) => text).join(' ')).toContain(
    `/srv/runner/config.toml (${CONFIG} in the container)`,
  );
  expect(cause?.fix.map(({ command }) => command).join(' ')).toContain(
    'sudo grep -n url /srv/runner/config.toml',
  );
});

test('a command in its network enters it, and that of the host does not', () => {
  const [, place] = KINDS[0] ?? [];

  expect(place?.inNetwork('curl https://gitlab.test; true')).toBe(
    "sudo nsenter --target 812 --net sh -c 'curl https://gitlab.test; true'",
  );
  expect(place?.engineAt().client('ps')).toBe('sudo docker ps');
  expect(place?.engineAt('unix:///var/run/docker.sock').client('ps')).toBe(
    'sudo docker -H unix:///run/docker.sock ps',
  );
});
