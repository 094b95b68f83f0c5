/** Whether runnerwatch itself is in a container beside that of the runner. */
import { mkdir, symlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import type { Paths } from '../../../src/core/paths.ts';
import {
  isInContainer,
  makerOfPod,
  markedContainer,
  readOwnContainer,
  rootOfHost,
} from '../../../src/host/place/own-container.ts';
import { rootFolder } from '../../support/dns-server.ts';

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
const IN_POD = { KUBERNETES_SERVICE_HOST: '10.96.0.1' };

async function kindOf(
  files: Readonly<Record<string, string>>,
  environment: Readonly<Record<string, string>> = {},
): Promise<string | undefined> {
  await using root = await rootFolder(files);
  return (await markedContainer(root.paths, environment))?.kind;
}

test.each([
  ['the account of a pod', { [`${ACCOUNT}/token`]: '' }, {}, 'pod'],
  ['the variable of a pod without an account', { '/etc/hosts': '' }, IN_POD, 'pod'],
  ['the mark of Docker', { '/.dockerenv': '' }, {}, 'container'],
  ['the mark of podman', { '/run/.containerenv': '' }, {}, 'container'],
  ['no mark', { '/etc/hosts': '' }, {}, undefined],
])('%s', async (_title, files, environment, kind) => {
  expect(await kindOf(files, environment)).toBe(kind);
});

test.each([
  ['the program of the runner', '/usr/bin/gitlab-runner', ''],
  ['systemd', '/run/systemd/system/mark', ''],
  ['an init as process 1', '/proc/1/comm', 'systemd\n'],
  ['all processes of the machine', '/proc/2/comm', 'kthreadd\n'],
])('a container with %s is looked at like a host', async (_title, file, text) => {
  expect(await kindOf({ '/.dockerenv': '', [file]: text }, IN_POD)).toBeUndefined();
});

test.each([
  ['by its manifest', 'gitlab-runner-7d9f8b6c5d-x2x4z', 'gitlab-runner-7d9f8b6c5d-x2x4z'],
  ['of the host, where that is no name of a pod', '$(id)', hostname()],
  ['of the host otherwise', undefined, hostname()],
])('its name is that %s', async (_of, given, name) => {
  await using root = await rootFolder({ [`${ACCOUNT}/token`]: '' });
  const environment = given === undefined ? {} : { POD_NAME: given };
  expect(await markedContainer(root.paths, environment)).toMatchObject({ pod: { name } });
});

test('the namespace is that of its account', async () => {
  await using root = await rootFolder({ [`${ACCOUNT}/namespace`]: 'ci\n' });
  expect(await markedContainer(root.paths, {})).toMatchObject({ pod: { namespace: 'ci' } });
});

test('with the root of a host mounted elsewhere our own container does not matter', async () => {
  await using root = await rootFolder({ '/.dockerenv': '' });
  expect(await readOwnContainer(root.paths, IN_POD)).toBeUndefined();
});

test.each([
  [
    'the chart',
    'gitlab-runner verify --url= | grep -E "is (alive|valid)"',
    { isOfChart: true, livenessProbe: 'asks-gitlab' },
  ],
  ['an older chart', 'if /usr/bin/pgrep gitlab.*runner; then exit 0; fi', { isOfChart: true }],
])('the liveness probe of %s', async (_title, script, maker) => {
  await using root = await rootFolder({
    '/configmaps/entrypoint': '',
    '/configmaps/check-live': script,
  });

  expect(await makerOfPod(root.paths)).toEqual(maker);
});

test('a pod that the chart did not make has a liveness probe that is not known to us', async () => {
  await using root = await rootFolder({ '/configmaps/check-live': 'gitlab-runner verify' });

  expect(await makerOfPod(root.paths)).toEqual({ isOfChart: false });
});

const ALL_PROCESSES = { '/proc/2/comm': 'kthreadd\n', '/proc/1/comm': 'systemd\n' };

/** With the root of the first process, by the folder that it is. */
async function ofFirst<T>(
  files: Readonly<Record<string, string>>,
  first: 'ours' | 'another',
  look: (paths: Paths) => Promise<T>,
): Promise<T> {
  await using root = await rootFolder(files);
  const { procfs, rootfs } = root.paths;
  await mkdir(join(procfs, '1'), { recursive: true });
  await symlink(first === 'ours' ? '/' : rootfs, join(procfs, '1/root'));
  return await look(root.paths);
}

test.each([
  ['is one, whatever processes it sees', {}, 'container'],
  ['in a pod is looked at like its node', IN_POD, undefined],
])(
  'a container beside the host, whose first process has another root, %s',
  async (_is, env, kind) => {
    const files = { '/.dockerenv': '', ...ALL_PROCESSES };
    const own = await ofFirst(files, 'another', async (paths) => await markedContainer(paths, env));

    expect(own?.kind).toBe(kind);
  },
);

test.each([
  ['of the first process', { '/.dockerenv': '', ...ALL_PROCESSES }, 'another', '/proc/1/root'],
  ['ours, on the host itself', ALL_PROCESSES, 'another', ''],
  ['ours, where the first process has it too', { '/.dockerenv': '', ...ALL_PROCESSES }, 'ours', ''],
  ['ours, without the processes of the host', { '/.dockerenv': '' }, 'another', ''],
  [
    'ours, where the runner is installed in it',
    { '/.dockerenv': '', '/usr/bin/gitlab-runner': '', ...ALL_PROCESSES },
    'another',
    '',
  ],
] as const)('without a flag the root of the host is %s', async (_whose, files, first, expected) => {
  const [found, rootfs] = await ofFirst(files, first, async (paths) => [
    await rootOfHost(paths),
    paths.rootfs,
  ]);

  expect(found).toBe(`${rootfs}${expected}`);
});

test('a folder that is no mount is no host that is mounted for a container', async () => {
  await using root = await rootFolder({ '/.dockerenv': '' });
  expect(await isInContainer(root.paths, {})).toBe(false);
});
