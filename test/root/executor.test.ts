/** Executors that the runner's user may not use, and Docker on a full disk: real modes, a real file system. */
import { chmod, chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import type { Finding } from '../../src/core/finding.ts';
import type { Credentials } from '../../src/core/reading.ts';
import type { ExecutorTarget } from '../../src/core/target.ts';
import { FileSystemReader } from '../../src/host/fs/stat-file-system.ts';
import { createExecutor } from '../../src/probes/executor.ts';
import { rootFolder } from '../support/dns-server.ts';
import { startDockerServer } from '../support/docker-stand-in.ts';
import { inMountNamespace } from '../support/mount-namespace.ts';
import { runBody } from '../support/run-body.ts';
import { processOf } from '../support/places.ts';
import { runProbe } from '../support/run-probe.ts';
import { recordReason, SEEN_VARIABLE } from '../support/recorded-reasons.ts';
import { askAsNobody, fillDockerRoot } from './executor-bodies.ts';

const BODIES = import.meta.resolve('./executor-bodies.ts');
const SOCKET = '/run/docker.sock';
const RUNNER: Credentials = { uid: 1500, groups: [1500, 998] };

const DOCKER: ExecutorTarget = {
  kind: 'executor',
  id: `unix://${SOCKET}`,
  executor: 'docker',
  runners: ['a'],
  backend: { kind: 'docker', source: 'default address' },
};

async function runOnce(mode: number, group: number, folderMode = 0o755): Promise<Finding> {
  await using root = await rootFolder({
    '/run/x': '',
    '/var/lib/docker/x': '',
    '/etc/group': 'docker-users:x:997:\n',
  });
  const place = join(root.paths.rootfs, SOCKET);
  await using stack = new AsyncDisposableStack();
  stack.use(await startDockerServer({}, place));
  await chown(place, 0, group);
  await chmod(place, mode);
  await chmod(join(root.paths.rootfs, 'run'), folderMode);
  const probe = createExecutor(new FileSystemReader());
  const process = processOf(RUNNER);
  return await runProbe(probe, DOCKER, { tools: { paths: root.paths, process } });
}

test.each([
  ['root alone may use', 0o700, 0, 0o755, SOCKET],
  ['another group may use', 0o660, 997, 0o755, SOCKET],
  ['it may read and not write', 0o644, 0, 0o755, SOCKET],
  ['lies in a folder of root', 0o666, 0, 0o700, '/run'],
])('a socket that %s is no use to the runner, though we may use it', async (...given) => {
  const [, mode, group, folderMode, denied] = given;

  expect(await runOnce(mode, group, folderMode)).toMatchObject({
    status: 'fail',
    reason: 'socket-permission',
    detail: `unix://${SOCKET} (default address): user 1500 has no permission for ${denied}`,
    facts: { uid: 1500 },
  });
});

const groupOf = async (...given: Parameters<typeof runOnce>) =>
  (await runOnce(...given)).facts?.['group'];

test('the group that may use the socket goes with the denial, and root is none to join', async () => {
  expect(await groupOf(0o660, 997)).toBe('docker-users');
  expect(await groupOf(0o660, 996)).toBe('996');
  expect(await groupOf(0o660, 0)).toBeUndefined();
  expect(await groupOf(0o600, 997)).toBeUndefined();
  expect(await groupOf(0o660, 997, 0o700)).toBeUndefined();
});

test('a socket of a group that the runner is in passes', async () => {
  expect(await runOnce(0o660, 998)).toMatchObject({ status: 'pass' });
});

test('a socket that no process serves is down, with any mode', async () => {
  await using root = await rootFolder({ [SOCKET]: '' });
  await chmod(join(root.paths.rootfs, SOCKET), 0o600);
  const probe = createExecutor(new FileSystemReader());

  expect(await runProbe(probe, DOCKER, { tools: { paths: root.paths } })).toMatchObject({
    reason: 'daemon-down',
  });
});

test('a socket that only we may not use is unknown, and no fault', async () => {
  await using root = await rootFolder({ '/run/x': '' });
  const place = join(root.paths.rootfs, SOCKET);
  await using stack = new AsyncDisposableStack();
  stack.use(await startDockerServer({}, place));
  await chmod(place, 0o600);
  await chmod(root.paths.rootfs, 0o755);
  const env = { [SEEN_VARIABLE]: '/dev/null' };
  const finding = await runBody(BODIES, askAsNobody, [root.paths.rootfs], { env });
  recordReason('executor', finding);

  expect(finding).toMatchObject({ status: 'unknown', reason: 'blind' });
});

test('a folder of builds that belongs to root is no use to the user of the jobs', async () => {
  await using root = await rootFolder({ '/etc/passwd': 'ci:x:1500:1500::/home/ci:/bin/sh\n' });
  await mkdir(join(root.paths.rootfs, 'srv'), { mode: 0o755 });
  const backend = { kind: 'folder', path: '/srv/builds', user: 'ci' } as const;
  const shell = { ...DOCKER, id: '/srv/builds', executor: 'shell', backend };
  const probe = createExecutor(new FileSystemReader());
  const judge = async () => await runProbe(probe, shell, { tools: { paths: root.paths } });
  const before = await judge();

  await chown(join(root.paths.rootfs, 'srv'), 1500, 0);

  expect([before, await judge()]).toMatchObject([
    {
      status: 'fail',
      reason: 'folder-not-writable',
      detail: 'user ci has no write permission in /srv/builds (/srv)',
    },
    { status: 'pass' },
  ]);
});

test('Docker’s root on a full disk is the fault, also when the daemon then dies of it', async () => {
  await using root = await rootFolder({});
  const folder = `${root.paths.rootfs}/mount`;
  const { before, full, gone } = await inMountNamespace(BODIES, fillDockerRoot, folder);

  expect(before).toMatchObject({ status: 'pass' });
  expect(full).toMatchObject({
    status: 'fail',
    reason: 'root-full',
    detail: `the file system of Docker's data directory ${folder}/docker is full`,
    measures: { root_free_ratio: expect.closeTo(0, 2) },
  });
  expect(gone).toMatchObject({
    reason: 'root-full',
    detail: expect.stringMatching(/is full; unix:.* the socket .* does not exist/),
  });
});
