/** Whether runnerwatch itself is in a container beside that of the runner. */
import { hostname } from 'node:os';

import { expect, test } from 'vitest';

import {
  makerOfPod,
  markedContainer,
  readOwnContainer,
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
