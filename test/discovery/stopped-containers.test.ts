/** Containers of runners that do not run when runnerwatch starts: which of them are places, and what is known of them. */
import { rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import type { RunnerContext } from '../../src/core/host-context.ts';
import { Discovery } from '../../src/discovery/discovery.ts';
import type { SetClock } from '../support/clock.ts';
import { setClock } from '../support/clock.ts';
import type { RootFolder } from '../support/dns-server.ts';
import { rootFolder, writeFiles } from '../support/dns-server.ts';
import type { DockerScript, DockerStandIn } from '../support/docker-stand-in.ts';
import { startDockerServer } from '../support/docker-stand-in.ts';
import type { MadeContainer } from '../support/engine-containers.ts';
import { containerId, engineWith } from '../support/engine-containers.ts';
import { BOOTED_SECONDS, PROC_STAT, procProcess } from '../support/proc-process.ts';

const NOW = (BOOTED_SECONDS + 48 * 3600) * 1000;
const HOUR = 3_600_000;
const SOCKET = '/var/run/docker.sock';
const CONFIG_FOLDER = '/etc/gitlab-runner';
const CONFIG = `${CONFIG_FOLDER}/config.toml`;
const MOUNTS = '22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n';
const entry = (token: string): string =>
  `[[runners]]\n  name = "${token}"\n  url = "https://gitlab.test/"\n  token = "glrt-${token}"\n  executor = "shell"\n`;

const OWN: MadeContainer = {
  digit: 'a',
  name: 'own',
  status: 'exited',
  endedAt: NOW - HOUR,
  mounts: { [CONFIG_FOLDER]: '/srv/own' },
};
const OTHER: MadeContainer = {
  ...OWN,
  digit: 'b',
  name: 'other',
  endedAt: NOW - 2 * HOUR,
  mounts: { [CONFIG_FOLDER]: '/srv/other' },
};
const FAILED = { exitCode: 1 } as const;
const PROGRAM = { '/usr/bin/gitlab-runner': '' };
const HOST_CONFIG = { [CONFIG]: entry('hostrunner') };

/** A runner on the host, on this config.toml. */
function hostRunner(config = CONFIG) {
  const args = ['/usr/bin/gitlab-runner', 'run', '--config', config];
  return { ...procProcess(50, { args, startedSeconds: 10, environment: [] }) };
}

/** A process in the container of this digit. */
function runnerIn({ digit }: MadeContainer) {
  return {
    ...procProcess(60, {
      args: ['gitlab-runner', 'run'],
      startedSeconds: 3600 * 47,
      environment: [],
    }),
    '/proc/60/cgroup': `0::/docker/${containerId(digit)}\n`,
    '/proc/60/mountinfo': '60 1 0:60 / / rw - overlay overlay rw\n',
    [`/proc/60/root${CONFIG}`]: entry('inside'),
  };
}

interface Host extends AsyncDisposable {
  readonly root: RootFolder;
  readonly clock: SetClock;
  readonly engine: DockerStandIn;
  look(): Promise<readonly RunnerContext[]>;
}

async function hostWith(
  says: DockerScript,
  files: Readonly<Record<string, string>> = {},
  runnerConfig?: string,
): Promise<Host> {
  await using stack = new AsyncDisposableStack();
  const root = stack.use(
    await rootFolder({
      ...PROC_STAT,
      '/proc/self/mountinfo': MOUNTS,
      '/proc/1/mountinfo': MOUNTS,
      '/var/run/x': '',
      '/srv/own/config.toml': entry('ownrunner'),
      '/srv/other/config.toml': entry('otherrunner'),
      ...files,
    }),
  );
  const engine = stack.use(await startDockerServer(says, join(root.paths.rootfs, SOCKET)));
  const clock = setClock(NOW);
  const discovery = new Discovery({ paths: root.paths, clock });
  const kept = stack.move();
  return {
    root,
    clock,
    engine,
    look: async () => {
      await discovery.refresh(runnerConfig === undefined ? {} : { runnerConfig });
      return discovery.hostContext().contexts;
    },
    [Symbol.asyncDispose]: async () => await kept.disposeAsync(),
  };
}

async function placesOf(
  says: DockerScript,
  files: Readonly<Record<string, string>> = {},
): Promise<readonly string[]> {
  await using host = await hostWith(says, files);
  return (await host.look()).map(({ place }) => place.id);
}

/** Of the runner that its package would bring. */
const HOST = 'gitlab-runner';

describe('without any runner that runs', () => {
  test.each<readonly [string, MadeContainer]>([
    ['stopped by a person', OWN],
    ['killed for lack of memory', { ...OWN, exitCode: 137, isOutOfMemory: true }],
    ['about to be started again', { ...OWN, status: 'restarting', policy: 'always', ...FAILED }],
    ['never started', { ...OWN, status: 'created', endedAt: undefined, createdAt: NOW - HOUR }],
    ['of long ago, the only one', { ...OWN, endedAt: NOW - 5000 * HOUR }],
    ['running, and its process is not there yet', { ...OWN, status: 'running' }],
  ] as readonly (readonly [string, MadeContainer])[])(
    'one that is %s is a place',
    async (_title, one) => {
      expect(await placesOf(engineWith(one))).toEqual(['docker:own']);
    },
  );

  test.each<readonly [string, readonly MadeContainer[]]>([
    ['none', []],
    ['one of a job', [{ ...OWN, labels: { 'com.gitlab.gitlab-runner.managed': 'true' } }]],
    ['one that registered an entry', [{ ...OWN, given: ['register'], ...FAILED }]],
    ['one that is being removed', [{ ...OWN, status: 'removing' }]],
  ])('%s is none', async (_title, containers) => {
    expect(await placesOf(engineWith(...containers))).toEqual([HOST]);
  });

  test('of those of today each is one, of an earlier day none beside them', async () => {
    const old = { ...OTHER, digit: 'c', name: 'old', endedAt: NOW - 25 * HOUR };

    expect(await placesOf(engineWith(old, OTHER, OWN))).toEqual(['docker:other', 'docker:own']);
  });

  test('of several of long ago it is the latest', async () => {
    const earlier = { ...OTHER, endedAt: NOW - 300 * HOUR };
    const later = { ...OWN, endedAt: NOW - 200 * HOUR };

    expect(await placesOf(engineWith(earlier, later))).toEqual(['docker:own']);
  });

  test('of several on one config.toml it is the latest', async () => {
    const earlier = { ...OTHER, mounts: OWN.mounts ?? {}, ...FAILED };

    expect(await placesOf(engineWith(earlier, OWN))).toEqual(['docker:own']);
  });

  test('beside one whose process is not there yet a stopped one is not missed', async () => {
    const says = engineWith({ ...OWN, status: 'running' }, OTHER);

    expect(await placesOf(says)).toEqual(['docker:own']);
  });
});

describe('beside a runner that runs on the host', () => {
  const files = { ...PROGRAM, ...HOST_CONFIG, ...hostRunner() };

  test.each<readonly [string, Partial<MadeContainer>]>([
    ['stopped by a person', {}],
    ['killed as it did not stop in time', { exitCode: 137 }],
    ['that its engine would start again, had nobody stopped it', { ...FAILED, policy: 'always' }],
    [
      'out of memory before a person stopped it',
      { exitCode: 137, isOutOfMemory: true, policy: 'always' },
    ],
    ['failed long ago', { ...FAILED, endedAt: NOW - 25 * HOUR }],
    ['never started', { status: 'created' }],
    ['a task that Swarm has moved', { ...FAILED, labels: { 'com.docker.swarm.task.id': 'x' } }],
    [
      'on the config.toml of that runner',
      { ...FAILED, mounts: { [CONFIG_FOLDER]: CONFIG_FOLDER } },
    ],
    ['with that file alone', { ...FAILED, mounts: { [CONFIG]: CONFIG } }],
    ['running, unseen', { status: 'running' }],
  ])('one is not missed: %s', async (_title, over) => {
    expect(await placesOf(engineWith({ ...OWN, ...over }), files)).toHaveLength(1);
  });

  test.each<readonly [string, Partial<MadeContainer>]>([
    ['ended with an error', FAILED],
    ['killed for lack of memory', { exitCode: 137, isOutOfMemory: true }],
    ['given up by its engine', { ...FAILED, policy: 'on-failure:3', restarts: 3 }],
    ['about to be started again', { ...FAILED, status: 'restarting', policy: 'always' }],
    [
      'not started again with its engine',
      { exitCode: 128, policy: 'always', error: 'error while creating mount source path' },
    ],
    ['running for a moment only', { status: 'running', restarts: 9 }],
  ])('one is missed: %s', async (_title, over) => {
    expect((await placesOf(engineWith({ ...OWN, ...over }), files)).at(-1)).toBe('docker:own');
  });
});

describe('beside a runner that is installed on the host and does not run', () => {
  test.each<readonly [string, readonly string[], MadeContainer, Readonly<Record<string, string>>]>([
    ['the host has a config.toml of its own', [HOST], OWN, HOST_CONFIG],
    [
      'the same, and the container failed',
      [HOST, 'docker:own'],
      { ...OWN, ...FAILED },
      HOST_CONFIG,
    ],
    ['the host has no config.toml', ['docker:own'], OWN, {}],
    [
      'its config.toml is that of the container',
      ['docker:own'],
      { ...OWN, mounts: { [CONFIG_FOLDER]: CONFIG_FOLDER } },
      HOST_CONFIG,
    ],
    ['the container is of long ago', [HOST], { ...OWN, endedAt: NOW - 25 * HOUR }, {}],
  ])('%s: %j', async (_title, expected, container, files) => {
    const places = await placesOf(engineWith(container), { ...PROGRAM, ...files });

    expect(places.toSorted()).toEqual([...expected].toSorted());
  });
});

test('its entries are those of its config.toml, as the host has it', async () => {
  await using host = await hostWith(
    engineWith({ ...OWN, environment: ['HTTPS_PROXY=http://p:1'] }),
  );
  const [found] = await host.look();

  expect(found).toMatchObject({
    configPath: CONFIG,
    configFoundBy: 'default',
    process: undefined,
    configLoad: { successful: true },
    runners: [{ name: 'ownrunner', executor: 'shell' }],
    endpoints: [{ proxy: { kind: 'proxy' } }],
    place: { configOnHost: '/srv/own/config.toml', container: { name: 'own' } },
  });
  expect(found?.place.hostPath(CONFIG)).toBe('/srv/own/config.toml');
  expect(found?.place.hostPath('/opt/x')).toBe('/opt/x');
  expect(found?.place.commands.start).toBe('sudo docker start own');
});

test.each<readonly [string, string, Partial<MadeContainer>]>([
  ['its command', '/conf/a.toml', { given: ['run', '-c', '/conf/a.toml'] }],
  [
    'a file that is mounted alone',
    '/conf/alone.toml',
    { given: ['run', '-c', '/conf/alone.toml'] },
  ],
  ['its environment', '/conf/a.toml', { environment: ['CONFIG_FILE=/conf/a.toml'] }],
  ['the home of its user', '/home/ci/.gitlab-runner/config.toml', { user: '999:999' }],
])('its config.toml is found by %s', async (_title, expected, over) => {
  const mounts = {
    '/conf': '/srv/conf',
    '/conf/alone.toml': '/srv/own/config.toml',
    '/home/ci/.gitlab-runner': '/srv/own',
  };
  const files = { '/srv/conf/a.toml': entry('named') };
  await using host = await hostWith(engineWith({ ...OWN, mounts, ...over }), files);
  const [found] = await host.look();

  expect(found?.configPath).toBe(expected);
  expect(found?.runners).toHaveLength(1);
});

test('a link in its volume leads to no file of the host', async () => {
  await using host = await hostWith(engineWith(OWN), { '/secret.toml': entry('ofthehost') });
  const config = join(host.root.paths.rootfs, 'srv/own/config.toml');
  await rm(config);
  await symlink(join(host.root.paths.rootfs, 'secret.toml'), config);
  const [found] = await host.look();

  expect(found?.place.id).toBe('docker:own');
  expect(found?.runners).toEqual([]);
});

test('it is the same place once it runs, and is missed when it ends again', async () => {
  await using host = await hostWith(engineWith(OWN));
  const before = await host.look();
  await writeFiles(host.root.paths.rootfs, runnerIn(OWN));
  const running = await host.look();
  await rm(join(host.root.paths.procfs, '60'), { recursive: true });
  const after = await host.look();

  expect(
    [before, running, after].map((contexts) =>
      contexts.map(({ place, process, runners }) => [place.id, process?.pid, runners[0]?.name]),
    ),
  ).toEqual([
    [['docker:own', undefined, 'ownrunner']],
    [['docker:own', 60, 'inside']],
    [['docker:own', undefined, 'inside']],
  ]);
});

test('a runner that starts elsewhere ends the search for one that a person stopped', async () => {
  await using host = await hostWith(engineWith(OWN));
  const before = await host.look();
  await writeFiles(host.root.paths.rootfs, { ...HOST_CONFIG, ...hostRunner() });

  expect(before.map(({ place }) => place.id)).toEqual(['docker:own']);
  expect((await host.look()).map(({ process }) => process?.pid)).toEqual([50]);
});

test('an editor that puts a new config.toml in the place of the old one changes nothing', async () => {
  const shared = { ...OWN, ...FAILED, mounts: { [CONFIG_FOLDER]: CONFIG_FOLDER } };
  await using host = await hostWith(engineWith(shared), {
    ...HOST_CONFIG,
    ...hostRunner(),
  });
  const { rootfs } = host.root.paths;
  const before = await host.look();
  await writeFile(join(rootfs, 'new.toml'), entry('edited'));
  await rename(join(rootfs, 'new.toml'), join(rootfs, CONFIG));

  expect(before).toHaveLength(1);
  expect(await host.look()).toHaveLength(1);
});

test('the engine is asked once a minute without a runner, and every five minutes beside one', async () => {
  await using host = await hostWith(engineWith());
  const lists = (): number => host.engine.asked.filter((path) => path.includes('all=1')).length;
  await host.look();
  await host.look();
  const first = lists();
  host.clock.advance(60);
  await host.look();
  const second = lists();
  await writeFiles(host.root.paths.rootfs, { ...HOST_CONFIG, ...hostRunner() });
  host.clock.advance(299);
  await host.look();
  const early = lists();
  host.clock.advance(1);
  await host.look();

  expect([first, second, early, lists()]).toEqual([1, 2, 2, 3]);
});

test('of a crowd only so many are asked about, first those that are named like runners', async () => {
  const crowd = Array.from({ length: 60 }, (_one, index) => ({
    Id: index.toString(16).padStart(64, '0'),
    Image: 'node',
    Command: 'npm run start',
    State: 'exited',
  }));
  const { containers = [], inspected = {} } = engineWith(OWN);
  await using host = await hostWith({ containers: [...crowd, ...containers], inspected });

  expect((await host.look()).map(({ place }) => place.id)).toEqual(['docker:own']);
  const asked = host.engine.asked.filter((path) => path.endsWith('/json'));
  expect(new Set(asked).size).toBe(20);
});

test.each<readonly [string, DockerScript]>([
  ['never answers', { instead: { '/containers/json?all=1': 'silent' } }],
  ['refuses', { instead: { '/containers/json?all=1': { status: 403, message: 'no' } } }],
  ['gives what is no list', { containers: { message: 'x' } as never }],
  ['gives what is no container', { containers: [{ Id: '../x', Command: 'run' }, null as never] }],
  ['gives a long list', { containers: [{ Id: 'x'.repeat(5 * 1024 * 1024), Command: 'run' }] }],
])('an engine that %s tells of none', async (_title, says) => {
  expect(await placesOf(says)).toEqual([HOST]);
});

test('what an engine said holds while it does not answer', async () => {
  await using host = await hostWith(engineWith(OWN));
  await host.look();
  await host.engine[Symbol.asyncDispose]();
  host.clock.advance(61);

  expect((await host.look()).map(({ place }) => place.id)).toEqual(['docker:own']);
});

test('a chosen config.toml of the host is that of the container that mounts it', async () => {
  const path = '/srv/other/config.toml';
  await using host = await hostWith(engineWith(OWN, OTHER), {}, path);

  expect((await host.look()).map(({ place, configPath }) => [place.id, configPath])).toEqual([
    ['docker:other', CONFIG],
  ]);
});
