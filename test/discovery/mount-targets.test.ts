import { describe, expect, test } from 'vitest';

import { mountTargetsOf } from '../../src/discovery/mount-targets.ts';
import { readRunnerText } from '../../src/config/runner/runner-config.ts';
import type { RunnerProcess } from '../../src/core/reading.ts';
import type { Mount } from '../../src/host/fs/mounts.ts';
import { runnerProcess } from '../support/runner-process.ts';

const CONFIG = '/etc/gitlab-runner/config.toml';

function mount(mountPoint: string, over: Partial<Mount> = {}): Mount {
  return {
    mountPoint,
    fileSystemType: 'ext4',
    device: '/dev/vda1',
    mountOptions: ['rw', 'relatime'],
    superOptions: ['rw'],
    ...over,
  };
}

const SQUASHFS: Partial<Mount> = {
  fileSystemType: 'squashfs',
  mountOptions: ['ro', 'nodev'],
  superOptions: ['ro'],
};

interface Question {
  readonly entries?: readonly string[];
  readonly mounts: readonly Mount[];
  readonly process?: RunnerProcess;
  readonly meantWritable?: readonly string[];
  readonly meantReadOnly?: readonly string[];
  readonly dockerRoot?: string;
  readonly ids?: readonly string[];
}

function targets({ entries = [], mounts, process, ...rest }: Question) {
  const text = entries.map((lines) => `[[runners]]\nname = "one"\n${lines}\n`).join('');
  const { document } = readRunnerText(Buffer.from(text), CONFIG);
  return mountTargetsOf({ document, configPath: CONFIG, process, mounts, ...rest });
}

function roles(question: Question): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(targets(question).map(({ id, roles }) => [id, roles]));
}

test('a shell entry writes its builds and its cache, asked by the first of its paths', () => {
  const entries = ['executor = "shell"\nbuilds_dir = "/data/builds"\ncache_dir = "/data/cache"'];

  expect(
    targets({ entries, mounts: [mount('/'), mount('/data', { fileSystemType: 'xfs' })] }),
  ).toEqual([
    {
      kind: 'mount',
      id: '/data',
      fileSystemType: 'xfs',
      readOnly: false,
      path: '/data/builds',
      roles: ['builds_dir of one', 'cache_dir of one'],
      isOfJobs: true,
    },
    {
      kind: 'mount',
      id: '/',
      fileSystemType: 'ext4',
      readOnly: false,
      path: '/etc/gitlab-runner',
      roles: ['config', 'TMPDIR', 'home', '/var/log', '/'],
      isOfJobs: true,
    },
  ]);
});

test('jobs need what is written for them, not the files of the runner and its logs', () => {
  const paths = ['/', '/tmp', '/etc/gitlab-runner', '/var/log', '/var/lib/docker'];
  const found = targets({
    entries: ['executor = "docker"'],
    mounts: paths.map((path) => mount(path)),
  });

  expect(found.filter(({ isOfJobs }) => isOfJobs === true).map(({ id }) => id)).toEqual([
    '/var/lib/docker',
    '/tmp',
  ]);
});

test('entries that share a file system are one target', () => {
  const entries = ['executor = "shell"', 'executor = "docker"', 'executor = "docker"'];

  expect(roles({ entries, mounts: [mount('/')] })).toEqual({
    '/': [
      'builds_dir of one',
      'cache_dir of one',
      'Docker root',
      'config',
      'TMPDIR',
      'home',
      '/var/log',
      '/',
    ],
  });
});

test('unrelated mounts are left alone: data, snaps, overlays of containers', () => {
  const overlay = { fileSystemType: 'overlay', device: 'overlay' };
  const mounts = [
    mount('/'),
    mount('/mnt/data'),
    mount('/snap/core/1', SQUASHFS),
    mount('/var/lib/docker/overlay2/abc/merged', overlay),
    mount('/home'),
  ];

  expect(roles({ entries: ['executor = "docker"'], mounts })).toEqual({
    '/': ['Docker root', 'config', 'TMPDIR', '/var/log', '/'],
    '/home': ['home'],
  });
});

test('a root that is an overlay is the disk of a runner in a container', () => {
  const mounts = [mount('/', { fileSystemType: 'overlay', device: 'overlay' })];

  expect(targets({ mounts })).toMatchObject([
    { id: '/', fileSystemType: 'overlay', readOnly: false },
  ]);
});

test('a root that is read-only by nature is no target where nothing is written to it', () => {
  const mounts = [mount('/', SQUASHFS), mount('/tmp'), mount('/var')];

  expect(roles({ entries: ['executor = "docker"'], mounts })).toEqual({
    '/var': ['Docker root', '/var/log'],
    '/tmp': ['TMPDIR'],
  });
});

test('a root that is mounted read-only is no target where nothing is written to it', () => {
  const mounts = [mount('/', { superOptions: ['ro'] }), mount('/etc'), mount('/tmp')];

  expect(Object.keys(roles({ mounts }))).toEqual(['/etc', '/tmp']);
});

test('a config that lies on a root turned read-only is a fault', () => {
  const mounts = [mount('/', { superOptions: ['ro', 'errors=remount-ro'] }), mount('/tmp')];

  expect(targets({ mounts })).toMatchObject([
    { id: '/', readOnly: true, roles: ['config', 'home', '/var/log', '/'] },
    { id: '/tmp', readOnly: false },
  ]);
});

test('builds on a read-only image are a fault', () => {
  const entries = ['executor = "shell"\nbuilds_dir = "/img/builds"\ncache_dir = "/tmp/cache"'];

  expect(targets({ entries, mounts: [mount('/'), mount('/img', SQUASHFS)] })).toMatchObject([
    { id: '/img', readOnly: true, roles: ['builds_dir of one'] },
    { id: '/' },
  ]);
});

test('a mount point that is read-only for this process alone says nothing about the runner', () => {
  const mounts = [mount('/', { mountOptions: ['ro', 'relatime'] })];

  expect(targets({ mounts })).toMatchObject([{ id: '/', readOnly: false }]);
});

test('relative folders and TMPDIR are those of the process', () => {
  const process = runnerProcess({
    workingDirectory: '/srv/work',
    environment: { TMPDIR: '/scratch/tmp' },
  });
  const mounts = [mount('/'), mount('/srv'), mount('/scratch')];

  expect(roles({ entries: ['executor = "shell"'], mounts, process })).toEqual({
    '/srv': ['builds_dir of one', 'cache_dir of one'],
    '/': ['config', 'home', '/var/log', '/'],
    '/scratch': ['TMPDIR'],
  });
});

test.each([
  ['executor = "kubernetes"', []],
  ['executor = "ssh"\nbuilds_dir = "/data/b"', []],
  ['executor = "custom"', []],
  ['executor = "custom"\nbuilds_dir = "builds"', []],
  [
    'executor = "custom"\nbuilds_dir = "/data/b"\ncache_dir = "/data/c"',
    ['builds_dir of one', 'cache_dir of one'],
  ],
  [
    'executor = "docker"\nbuilds_dir = "/data/b"\n[runners.docker]\nhost = "tcp://10.0.0.2:2376"',
    [],
  ],
])('an entry with %j writes %j on this host', (entry, written) => {
  const found = roles({ entries: [entry], mounts: [mount('/'), mount('/data')] });

  expect(found['/data'] ?? []).toEqual(written);
  expect(found['/']).toEqual(['config', 'TMPDIR', 'home', '/var/log', '/']);
});

test('DOCKER_HOST of the process may point to another host', () => {
  const process = runnerProcess({ environment: { DOCKER_HOST: 'tcp://10.0.0.2:2376' } });

  expect(roles({ entries: ['executor = "docker"'], mounts: [mount('/')], process })).toEqual({
    '/': ['config', 'TMPDIR', 'home', '/var/log', '/'],
  });
});

test('the home of the user and the root of Docker are where process and settings say', () => {
  const process = runnerProcess({ environment: { HOME: '/data/home' } });
  const question = { mounts: [mount('/'), mount('/data')], process, dockerRoot: '/data/docker' };

  expect(roles({ ...question, entries: ['executor = "docker"'] })['/data']).toEqual([
    'Docker root',
    'home',
  ]);
});

test('a block device is named by its number, and a file system without one is not', () => {
  const mounts = [mount('/', { deviceNumber: '8:1' }), mount('/tmp', { deviceNumber: '0:31' })];

  expect(targets({ mounts }).map(({ id, deviceNumber }) => [id, deviceNumber])).toEqual([
    ['/', '8:1'],
    ['/tmp', undefined],
  ]);
});

describe('a root that is read-only now', () => {
  const mounts = [mount('/', { superOptions: ['ro'] }), mount('/etc'), mount('/tmp')];

  test('and was writable before, or is so by fstab, is a fault', () => {
    expect(targets({ mounts, meantWritable: ['/'] })).toMatchObject([
      { id: '/etc' },
      { id: '/tmp' },
      { id: '/', readOnly: true },
    ]);
  });

  test('and holds the config is none where fstab says so', () => {
    const both = [mount('/', { superOptions: ['ro'] }), mount('/tmp')];

    expect(Object.keys(roles({ mounts: both, meantReadOnly: ['/'] }))).toEqual(['/tmp']);
  });

  test('and holds the builds is a fault with any fstab', () => {
    const entries = ['executor = "shell"\nbuilds_dir = "/b"\ncache_dir = "/tmp/c"'];

    expect(roles({ entries, mounts, meantReadOnly: ['/'] })['/']).toContain('builds_dir of one');
  });
});

test('without a mount table there is nothing to ask', () => {
  expect(targets({ entries: ['executor = "shell"'], mounts: [] })).toEqual([]);
});

describe('what no job begins without', () => {
  test('is the builds folder of a shell entry, below its short token', () => {
    const entries = [
      'executor = "shell"\nbuilds_dir = "/data/builds"',
      'executor = "shell"\nbuilds_dir = "/data/builds"',
    ];
    const ids = ['abcdefghi', 'abcdefghi#2'];

    expect(targets({ entries, ids, mounts: [mount('/'), mount('/data')] })).toMatchObject([
      {
        id: '/data',
        jobFolders: [
          { runner: 'abcdefghi', workingCopies: '/data/builds/abcdefghi' },
          { runner: 'abcdefghi#2', workingCopies: '/data/builds/abcdefghi' },
        ],
      },
      { id: '/' },
    ]);
  });

  test.each(['', '..', '../../../..', '.', 'a/../../etc', 'abc def', '$(reboot)'])(
    'is nothing to remove by hand when the entry is called "%s"',
    (id) => {
      const found = targets({
        entries: ['executor = "shell"\nbuilds_dir = "/data/builds"'],
        ids: [id],
        mounts: [mount('/data')],
      });

      expect(found.map(({ jobFolders }) => jobFolders)).toEqual([[{ runner: id }]]);
    },
  );

  test('is the data of a Docker on this host, of which nothing is removed by hand', () => {
    const [found] = targets({
      entries: ['executor = "docker"'],
      ids: ['abcdefghi'],
      mounts: [mount('/var/lib/docker')],
    });

    expect(found?.jobFolders).toEqual([{ runner: 'abcdefghi' }]);
  });

  test('is no folder of an executor that may keep its jobs elsewhere', () => {
    const entries = ['executor = "custom"\nbuilds_dir = "/data/builds"'];
    const found = targets({ entries, ids: ['abcdefghi'], mounts: [mount('/data')] });

    expect(found.map(({ jobFolders }) => jobFolders)).toEqual([undefined]);
  });
});
