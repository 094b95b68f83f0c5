/**
 * A runner in a container whose processes runnerwatch shares from a container of its own: every command of every cause is
 * for a shell on the host, where the numbers of these processes mean other ones.
 */
import { spawnSync } from 'node:child_process';

import { describe, expect, test } from 'vitest';

import type { Container } from '../../src/core/container.ts';
import { HOST_PATHS } from '../../src/core/paths.ts';
import type { Place } from '../../src/core/place.ts';
import { hostArgument } from '../../src/core/place.ts';
import { catalogue } from '../../src/diagnosis/catalogue/index.ts';
import type { CauseContext } from '../../src/diagnosis/cause-spec.ts';
import { parseMountInfo } from '../../src/host/fs/mounts.ts';
import { NO_REAL_PATHS } from '../../src/host/fs/real-paths.ts';
import { watchedFromContainer } from '../../src/host/place/beside.ts';
import type { ContainerPlace } from '../../src/host/place/in-container.ts';
import { placeInContainer } from '../../src/host/place/in-container.ts';
import { PACKAGED_PLACE } from '../../src/host/place/packaged.ts';
import { contextAt } from '../support/fix-context.ts';
import { runnerProcess } from '../support/runner-process.ts';

const CONFIG = '/etc/gitlab-runner/config.toml';
const INSIDE = parseMountInfo(
  [
    '60 1 0:90 / / rw - overlay overlay rw',
    '61 60 8:1 /srv/runner /etc/gitlab-runner rw - ext4 /dev/sda1 rw',
  ].join('\n'),
);

function placeBeside(container: Container, over: Partial<ContainerPlace> = {}): Place {
  return placeInContainer({
    container,
    started: runnerProcess({ pid: 812, container }),
    isRunning: true,
    closed: undefined,
    configPath: CONFIG,
    user: 'root',
    logFile: undefined,
    paths: HOST_PATHS,
    mounts: { inside: INSIDE, onHost: [] },
    realPaths: NO_REAL_PATHS,
    services: { host: { hasSystemd: false }, engines: { hasPodmanUnit: false } },
    isBeside: true,
    ...over,
  });
}

const NAME = 'runner-1';
const SOCKET = '/var/run/docker.sock';
const MOUNTED = [{ source: '/srv/runner', target: '/etc/gitlab-runner' }];
const TOLD = placeBeside({
  id: `docker:${NAME}`,
  engine: 'docker',
  name: NAME,
  socket: SOCKET,
  mounted: MOUNTED,
});
const UNTOLD = placeBeside({ id: 'docker:0a1b', engine: 'docker', name: '0a1b' });
const FIRST = `"$(sudo docker inspect --format '{{.State.Pid}}' 0a1b)"`;

const KINDS: readonly (readonly [title: string, place: Place])[] = [
  ['Docker, with its socket', TOLD],
  ['Docker', UNTOLD],
  ['podman', placeBeside({ id: 'podman:0a1b', engine: 'podman', name: '0a1b' })],
  ['no engine', placeBeside({ id: 'container:/srv/jail', name: '/srv/jail' })],
];

/** As the finding has them: from within the container. */
function contextBeside(place: Place): CauseContext {
  const context = contextAt(place);
  const facts = new Map([
    ['pid', '812'],
    ['other_pid', '813'],
  ]);
  return { ...context, fact: (name) => facts.get(name) ?? context.fact(name) };
}

function commandsOf(place: Place): readonly string[] {
  const fit = place.fitted ?? ((one) => one);
  return catalogue.flatMap((spec) =>
    spec.fix(contextBeside(place)).flatMap((one) => fit(one).command ?? []),
  );
}

describe.each(KINDS)('%s', (_title, place) => {
  test('no command has the number of a process in the container', () => {
    expect(commandsOf(place).filter((command) => /\b81[23]\b/.test(command))).toEqual([]);
  });

  test('a shell can read every command', () => {
    const script = commandsOf(place)
      .map((command) => `f() {\n:\n${command}\n}`)
      .join('\n');
    const { status, stderr } = spawnSync('sh', ['-n'], { input: script, encoding: 'utf8' });

    expect([status, stderr]).toEqual([0, '']);
  });

  test('its network is entered by the host', () => {
    expect(place.inNetwork('true')).toMatch(/^sudo nsenter --target "\$\(.*\)" --net sh -c true$/);
  });
});

test.each([
  ['as its engine tells', TOLD, CONFIG, '/srv/runner/config.toml'],
  ['by the root of its first process', UNTOLD, CONFIG, `/proc/${FIRST}/root${CONFIG}`],
  ['with a blank in it', UNTOLD, '/srv/a b', `/proc/${FIRST}/root'/srv/a b'`],
  [
    'in no volume',
    TOLD,
    '/etc/hosts',
    expect.stringMatching(/^\/proc\/"\$\(.* runner-1\)"\/root\/etc\/hosts$/),
  ],
])('a path is that of the host: %s', (_how, place, path, expected) => {
  expect(hostArgument(place, path)).toEqual(expected);
});

test('where the host is mounted for us, a path in the root of a process is below /proc of the host', () => {
  const container = { id: 'docker:0a1b', engine: 'docker', name: '0a1b' } as const;
  const place = placeBeside(container, {
    paths: { rootfs: '/host', procfs: '/host/proc', sysfs: '/host/sys' },
    mounts: { inside: INSIDE, onHost: parseMountInfo('22 1 8:2 / / rw - ext4 /dev/sda2 rw') },
    isBeside: false,
  });

  expect(place.hostPath(CONFIG)).toBe(`/proc/812/root${CONFIG}`);
});

test.each([['on the host', PACKAGED_PLACE] as const, ...KINDS])(
  'no command starts a runnerwatch that is in a container: %s',
  (_where, place) => {
    const commands = commandsOf(watchedFromContainer(place));

    expect(commands.length).toBeGreaterThan(100);
    const others = commands.map((command) => command.replaceAll('zz-runnerwatch.conf', ''));

    expect(others.filter((command) => command.includes('runnerwatch'))).toEqual([]);
  },
);

test.each([
  ['of a volume, by its path on the host', '/etc/gitlab-runner/builds/abc', true],
  ['in the container alone', '/builds/abc', false],
])('working copies %s', (_where, folder, isRemoved) => {
  const context = contextBeside(TOLD);
  const optional: CauseContext['optional'] = (name) =>
    name === 'working_copies' ? folder : context.optional(name);
  const spec = catalogue.find(({ id }) => id === 'disk-space-exhausted');
  const commands = (spec?.fix({ ...context, optional }) ?? []).flatMap(
    ({ command }) => command ?? [],
  );

  // In the container a link could lead elsewhere.
  expect(commands.some((command) => command.startsWith('sudo rm -rf '))).toBe(isRemoved);
});

test.each([
  ['sudo runnerwatch lint /etc/gitlab-runner/config.toml', false],
  ['runnerwatch check', false],
  ['sudo systemctl edit runnerwatch.service', false],
  ['sudo systemctl restart gitlab-runner && sudo systemctl restart runnerwatch', false],
  ['sudo touch /srv/runnerwatch-stack/gitlab-runner/config.toml', true],
  ['sudoedit /etc/runnerwatch/runnerwatch.toml', false],
  ['sudo docker restart gitlab-runner-beside-runnerwatch', true],
])('in a container of its own runnerwatch prints %s: %s', (command, isPrinted) => {
  const { fitted } = watchedFromContainer(PACKAGED_PLACE);

  expect(fitted?.({ text: 'Do it.', command }).command !== undefined).toBe(isPrinted);
});
