/** Which installations of the runner are found on one host, and what each of their targets is called. */
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import type { HostContext } from '../../src/core/host-context.ts';
import type { Target } from '../../src/core/target.ts';
import { Discovery } from '../../src/discovery/discovery.ts';
import type { SetClock } from '../support/clock.ts';
import { setClock } from '../support/clock.ts';
import type { RootFolder } from '../support/dns-server.ts';
import { rootFolder } from '../support/dns-server.ts';
import { buildInfo, elf } from '../support/go-program.ts';
import { BOOTED_SECONDS, PROC_STAT, procProcess } from '../support/proc-process.ts';

const USUAL = '/etc/gitlab-runner/config.toml';
const SECOND = '/srv/second/config.toml';
const MOUNTS = '22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n';

/** Both entries have the same GitLab, the same token and the same Docker. */
const ENTRY = `concurrent = 1
[[runners]]
  name = "builder"
  url = "https://gitlab.test/"
  token = "glrt-abcdefghi0123456789x"
  executor = "docker"
  [runners.docker]
    image = "alpine"
`;

interface Process {
  readonly pid: number;
  readonly config: string;
  readonly unit?: string;
  readonly startedSeconds?: number;
}

function filesOf({ pid, config, unit, startedSeconds = 10 }: Process) {
  const args = ['/usr/bin/gitlab-runner', 'run', '--config', config];
  return {
    ...procProcess(pid, { args, startedSeconds, environment: [] }),
    ...(unit === undefined
      ? { [`/proc/${pid}/cgroup`]: '0::/user.slice/user-0.slice/session-1.scope\n' }
      : {
          [`/proc/${pid}/cgroup`]: `0::/system.slice/${unit}\n`,
          [`/etc/systemd/system/${unit}`]: `[Service]\nExecStart=${args.join(' ')}\n`,
        }),
  };
}

const DEFAULT: Process = { pid: 100, config: USUAL, unit: 'gitlab-runner.service' };
const OTHER: Process = { pid: 90, config: SECOND, unit: 'second-runner.service' };

async function hostWith(...processes: readonly Process[]): Promise<RootFolder> {
  return await rootFolder({
    ...PROC_STAT,
    '/run/systemd/system/x': '',
    '/proc/self/mountinfo': MOUNTS,
    '/proc/1/mountinfo': MOUNTS,
    [USUAL]: ENTRY,
    [SECOND]: ENTRY,
    '/srv/third.toml': ENTRY,
    ...Object.assign({}, ...processes.map((one) => filesOf(one))),
  });
}

interface Seen {
  readonly contexts: HostContext['contexts'];
  readonly targets: readonly Target[];
}

function discoveryOf(root: RootFolder, clock: SetClock, runnerConfig?: string) {
  const discovery = new Discovery({ paths: root.paths, clock });
  return async (): Promise<Seen> => {
    await discovery.refresh(runnerConfig === undefined ? {} : { runnerConfig });
    return { contexts: discovery.hostContext().contexts, targets: discovery.targets() };
  };
}

const later = (): SetClock => setClock((BOOTED_SECONDS + 3600) * 1000);
const idsOf = ({ targets }: Seen, ...kinds: readonly string[]): readonly string[] =>
  targets.filter(({ kind }) => kinds.includes(kind)).map(({ id }) => id);
const pathsOf = ({ contexts }: Seen): readonly string[] =>
  contexts.map(({ configPath }) => configPath);

test('every process on a file of its own is an installation, in the order of their files', async () => {
  await using root = await hostWith(OTHER, DEFAULT);
  const found = await discoveryOf(root, later())();

  expect(
    found.contexts.map(({ place, process, configPath }) => [place.unit, process?.pid, configPath]),
  ).toEqual([
    ['gitlab-runner.service', 100, USUAL],
    ['second-runner.service', 90, SECOND],
  ]);
});

test('the first has the ids of one alone; equal ones of the other carry its place', async () => {
  await using root = await hostWith(OTHER, DEFAULT);
  await using lonely = await hostWith(DEFAULT);
  const both = await discoveryOf(root, later())();
  const alone = await discoveryOf(lonely, later())();
  const all = both.targets.map(({ kind, id }) => `${kind} ${id}`);

  expect(new Set(all).size).toBe(all.length);
  expect(all).toEqual(expect.arrayContaining(alone.targets.map(({ kind, id }) => `${kind} ${id}`)));
  expect(idsOf(both, 'endpoint', 'runner', 'service', 'config', 'executor')).toEqual([
    USUAL,
    'gitlab-runner.service',
    SECOND,
    'second-runner.service',
    'unix:///var/run/docker.sock',
    'unix:///var/run/docker.sock#second-runner.service',
    'https://gitlab.test/',
    'https://gitlab.test/#second-runner.service',
    'abcdefghi',
    'abcdefghi#second-runner.service',
  ]);
  expect(idsOf(both, 'host')).toEqual(['host']);
});

test('what refers to another target has its id', async () => {
  await using root = await hostWith(OTHER, DEFAULT);
  const { targets, contexts } = await discoveryOf(root, later())();
  const own = targets.filter(({ place }) => place === 'second-runner.service');

  expect(own.find(({ kind }) => kind === 'runner')).toMatchObject({
    endpoint: 'https://gitlab.test/#second-runner.service',
    plainId: 'abcdefghi',
  });
  expect(own.find(({ kind }) => kind === 'executor')).toMatchObject({
    runners: ['abcdefghi#second-runner.service'],
    plainId: 'unix:///var/run/docker.sock',
  });
  expect(contexts[1]?.runners.map(({ id }) => id)).toEqual(['abcdefghi#second-runner.service']);
});

test('a file system of both is one target with the uses of both', async () => {
  await using root = await hostWith(OTHER, DEFAULT);
  const { targets } = await discoveryOf(root, later())();
  const mounts = targets.filter(({ kind }) => kind === 'mount');

  expect(mounts).toMatchObject([{ id: '/', roles: expect.arrayContaining(['config', 'TMPDIR']) }]);
  expect(mounts[0]?.place).toBeUndefined();
});

test('two that a person started are told apart by their files', async () => {
  await using root = await hostWith(
    { pid: 100, config: USUAL },
    { pid: 90, config: SECOND, startedSeconds: 20 },
  );
  const { contexts } = await discoveryOf(root, later())();

  expect(contexts.map(({ place }) => place.id)).toEqual([
    'gitlab-runner',
    `gitlab-runner#${SECOND}`,
  ]);
  expect(contexts[1]?.place.commands.restart).toContain('kill 90;');
});

test('two processes on one file are one installation', async () => {
  await using root = await hostWith(DEFAULT, { ...DEFAULT, pid: 101 });

  expect(pathsOf(await discoveryOf(root, later())())).toEqual([USUAL]);
});

test('--runner.config selects one', async () => {
  await using root = await hostWith(OTHER, DEFAULT);

  expect(pathsOf(await discoveryOf(root, later(), SECOND)())).toEqual([SECOND]);
});

test('one that ends stays, and is the only one when all have ended', async () => {
  await using root = await hostWith(OTHER, DEFAULT);
  const look = discoveryOf(root, later());
  await look();
  await rm(join(root.paths.procfs, '90'), { recursive: true });
  const one = await look();
  await rm(join(root.paths.procfs, '100'), { recursive: true });
  const none = await look();

  expect(one.contexts.map(({ process }) => process?.pid)).toEqual([100, undefined]);
  expect(one.contexts[1]?.place.commands.start).toContain('second-runner');
  expect(pathsOf(none)).toEqual([USUAL, SECOND]);
});

test('one whose unit has another file by now goes', async () => {
  await using root = await hostWith(DEFAULT, OTHER);
  await using moved = await hostWith(DEFAULT, {
    ...OTHER,
    pid: 95,
    config: '/srv/third.toml',
    startedSeconds: 3601,
  });
  const look = discoveryOf(root, later());
  await look();
  await rm(root.paths.procfs, { recursive: true });
  await cp(moved.paths.procfs, root.paths.procfs, { recursive: true });

  expect(pathsOf(await look())).toEqual([USUAL, '/srv/third.toml']);
});

test('one that a person started and that has no file any more is forgotten', async () => {
  await using root = await hostWith(DEFAULT, { pid: 90, config: SECOND });
  const look = discoveryOf(root, later());
  await look();
  await rm(join(root.paths.procfs, '90'), { recursive: true });
  const ended = await look();
  await rm(join(root.paths.rootfs, SECOND));

  expect(pathsOf(ended)).toEqual([USUAL, SECOND]);
  expect(pathsOf(await look())).toEqual([USUAL]);
});

test('one that ended while its file cannot be read stays', async () => {
  await using root = await hostWith(DEFAULT, { pid: 90, config: SECOND });
  const look = discoveryOf(root, later());
  await look();
  await rm(join(root.paths.procfs, '90'), { recursive: true });
  await rm(join(root.paths.rootfs, SECOND));
  await mkdir(join(root.paths.rootfs, SECOND));

  expect(pathsOf(await look())).toEqual([USUAL, SECOND]);
});

const program = (toml: string) =>
  elf(buildInfo('go1.24.9', `dep\tgithub.com/BurntSushi/toml\t${toml}\th1:a=\n`));
const problemsOf = ({ contexts }: Seen) => contexts[0].configProblems.map(({ code }) => code);

describe('while the runner is down, its program still decides how config.toml is read', () => {
  const NEW_TOML =
    '[[runners]]\n  url = "https://gitlab.test/"\n  feature_flags = {\n    FF_X = true,\n  }\n';
  const PROGRAM = '/usr/bin/gitlab-runner';
  const UNIT = '/etc/systemd/system/gitlab-runner.service';
  const down = { [USUAL]: NEW_TOML, '/run/systemd/system/x': '', '/proc/self/mountinfo': MOUNTS };

  test('that of the process that ran last, where the file is gone', async () => {
    await using root = await hostWith(DEFAULT);
    await writeFile(join(root.paths.procfs, '100/exe'), program('v1.4.0'));
    await writeFile(join(root.paths.rootfs, USUAL), NEW_TOML);
    const read = discoveryOf(root, later());
    expect(problemsOf(await read())).toEqual(['syntax-error']);

    await rm(join(root.paths.procfs, '100'), { recursive: true });
    const after = await read();
    expect(after.contexts[0].process).toBeUndefined();
    expect(problemsOf(after)).toEqual(['syntax-error']);
    expect(after.contexts[0].program?.go).toMatchObject({ minor: 24, toml: 'v1.4.0' });
  });

  test.each([
    ['v1.4.0', ['syntax-error']],
    ['v1.6.0', []],
  ])('that of the unit before the first start: %s', async (toml, expected) => {
    await using root = await rootFolder({
      ...PROC_STAT,
      ...down,
      [UNIT]: '[Service]\nExecStart=-"/opt/runner/gitlab-runner" "run"\n',
      '/opt/runner/gitlab-runner': program(toml),
      [PROGRAM]: program('v1.3.2'),
    });
    expect(problemsOf(await discoveryOf(root, later())())).toEqual(expected);
  });

  test('an update that does not start is the newer program', async () => {
    await using root = await hostWith(DEFAULT);
    await writeFile(join(root.paths.procfs, '100/exe'), program('v1.4.0'));
    await writeFile(join(root.paths.rootfs, USUAL), NEW_TOML);
    const read = discoveryOf(root, later());
    await read();

    await rm(join(root.paths.procfs, '100'), { recursive: true });
    await mkdir(join(root.paths.rootfs, '/usr/bin'), { recursive: true });
    await writeFile(join(root.paths.rootfs, PROGRAM), program('v1.6.0'));
    expect(problemsOf(await read())).toEqual([]);
  });

  test('of a program that says nothing the newest is assumed', async () => {
    await using root = await rootFolder({ ...PROC_STAT, ...down, [PROGRAM]: '#!/bin/sh\n' });
    expect(problemsOf(await discoveryOf(root, later())())).toEqual([]);
  });
});
