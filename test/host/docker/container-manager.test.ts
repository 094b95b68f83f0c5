/** What a container says has made it: believed where it may be, and never more than a name or a path. */
import { expect, test } from 'vitest';

import { managerOf } from '../../../src/host/docker/container-manager.ts';
import { rootFolder } from '../../support/dns-server.ts';
import { patient } from '../../support/until.ts';

const QUADLET = '/etc/containers/systemd/ci.container';
const HOST_FILES = {
  '/proc/1/mountinfo':
    '22 1 8:1 / / rw - ext4 /dev/sda1 rw\n60 22 0:50 / /srv/far rw - nfs4 far:/ rw\n',
  '/srv/far/compose.yml': 'services: {}\n',
  '/srv/ci/compose.yml': 'services: {}\n',
  '/run/systemd/generator/ci.service': `[Unit]\nSourcePath=${QUADLET}\n`,
  '/etc/systemd/system/made.service':
    '[Service]\nRestart=always\nExecStart=/usr/bin/podman container run \\\n  --replace --name made x\n',
  '/etc/systemd/system/starts.service': '[Service]\nExecStart=/usr/bin/podman start starts\n',
  '/etc/systemd/system/sshd.service': '[Service]\nExecStart=/usr/sbin/sshd -D\n',
};
const COMPOSE = {
  'com.docker.compose.project': 'ci',
  'com.docker.compose.service': 'runner',
  'com.docker.compose.container-number': '1',
  'com.docker.compose.project.working_dir': '/srv/ci',
  'com.docker.compose.project.config_files': '/srv/ci/compose.yml',
};
const AS_FOUND = {
  kind: 'compose',
  program: 'docker compose',
  project: 'ci',
  service: 'runner',
  directory: '/srv/ci',
  files: ['/srv/ci/compose.yml'],
  environmentFiles: [],
  isHere: true,
};
const SWARM = {
  'com.docker.swarm.task.id': 'x1',
  'com.docker.swarm.service.name': 'ci_runner',
  'com.docker.stack.namespace': 'ci',
};
const PODMAN_COMPOSE = {
  ...COMPOSE,
  'io.podman.compose.project': 'ci',
  'com.docker.compose.project.config_files': 'compose.yml',
  PODMAN_SYSTEMD_UNIT: 'podman-compose@ci.service',
};

type Labels = Readonly<Record<string, string>>;

const isSwarmManager = async (): Promise<boolean> => await Promise.resolve(true);

async function found(
  labels: Labels,
  engine: 'docker' | 'podman' = 'docker',
  imageLabels: Labels = {},
) {
  await using root = await rootFolder(HOST_FILES);
  return await managerOf({
    engine,
    labels,
    imageLabels,
    isSwarmManager,
    paths: root.paths,
    signal: patient(),
  });
}

test.each<readonly [title: string, labels: Labels, expected: unknown]>([
  ['compose', COMPOSE, AS_FOUND],
  [
    'compose of the first version',
    { ...COMPOSE, 'com.docker.compose.version': '1.29.2' },
    { ...AS_FOUND, program: 'docker-compose' },
  ],
  [
    'a file that is not on this host',
    { ...COMPOSE, 'com.docker.compose.project.config_files': '/data/compose/1/compose.yml' },
    { ...AS_FOUND, files: ['/data/compose/1/compose.yml'], isHere: false },
  ],
  [
    'a file on a server that may not answer',
    { ...COMPOSE, 'com.docker.compose.project.config_files': '/srv/far/compose.yml' },
    { ...AS_FOUND, files: ['/srv/far/compose.yml'], isHere: false },
  ],
  [
    'a file from standard input',
    { ...COMPOSE, 'com.docker.compose.project.config_files': '-' },
    { ...AS_FOUND, files: [], isHere: false },
  ],
  ['a swarm', SWARM, { kind: 'swarm', service: 'ci_runner', stack: 'ci', isManager: true }],
])('%s', async (_title, labels, expected) => {
  expect(await found(labels)).toEqual(expected);
});

test('podman-compose names a unit that is not there, and a file below its folder', async () => {
  const manager = await found(PODMAN_COMPOSE, 'podman');

  expect(manager).toEqual({ ...AS_FOUND, program: 'podman-compose' });
});

test.each([
  ['ci.service', { quadlet: QUADLET, makesContainer: true }],
  ['made.service', { makesContainer: true }],
  ['starts.service', { makesContainer: false }],
])('the unit %s', async (unit, expected) => {
  expect(await found({ PODMAN_SYSTEMD_UNIT: unit }, 'podman')).toEqual({
    kind: 'unit',
    unit,
    ...expected,
  });
});

test.each([
  ['a unit that is not there', { PODMAN_SYSTEMD_UNIT: 'gone.service' }],
  ['a unit of something else', { PODMAN_SYSTEMD_UNIT: 'sshd.service' }],
  ['no unit', { PODMAN_SYSTEMD_UNIT: '../../tmp/x.service' }],
  ['no project', { ...COMPOSE, 'com.docker.compose.project': 'a; reboot' }],
  ['an option', { ...COMPOSE, 'com.docker.compose.service': '--all' }],
  ['no service', { ...SWARM, 'com.docker.swarm.service.name': '$(reboot)' }],
])('a label with %s is not believed', async (_title, labels) => {
  expect(await found(labels, 'podman')).toBeUndefined();
});

test.each(['/srv/ci/\ncompose.yml', 'https://host/compose.yml', '/a,-'])(
  'the path %j is in no command',
  async (path) => {
    const labels = { ...COMPOSE, 'com.docker.compose.project.config_files': path };

    expect(await found(labels)).toMatchObject({ files: [], isHere: false });
  },
);

test('the image may have said it: then nothing is believed', async () => {
  expect(await found(COMPOSE, 'docker', COMPOSE)).toBeUndefined();
});

test('compose writes its project into the images that it builds', async () => {
  const { 'com.docker.compose.project': project } = COMPOSE;

  expect(await found(COMPOSE, 'docker', { 'com.docker.compose.project': project })).toEqual(
    AS_FOUND,
  );
});
