/** What executors need, with a daemon that serves Docker's API. Rights and full disks are in test/root. */
import { once } from 'node:events';
import { link, mkdir, rename } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import type { Finding } from '../../src/core/finding.ts';
import type { Place, ReplacedFile } from '../../src/core/place.ts';
import type { ExecutorBackend, ExecutorTarget } from '../../src/core/target.ts';
import { JOB_CONTAINERS } from '../../src/host/docker/jobs.ts';
import { FileSystemReader } from '../../src/host/fs/stat-file-system.ts';
import { PACKAGED_PLACE } from '../../src/host/place/packaged.ts';
import { createExecutor } from '../../src/probes/executor.ts';
import { make, makeRoot } from '../support/certificates.ts';
import type { RootFolder } from '../support/dns-server.ts';
import { rootFolder } from '../support/dns-server.ts';
import type { DockerScript } from '../support/docker-stand-in.ts';
import { startDockerServer } from '../support/docker-stand-in.ts';
import { runProbe } from '../support/run-probe.ts';
import { closedPort, startDeafServer } from '../support/tcp-server.ts';

const SOCKET = '/run/docker.sock';
const DOCKER: ExecutorBackend = { kind: 'docker', source: 'default address' };

function targetOf(id: string, backend: ExecutorBackend, over: Partial<ExecutorTarget> = {}) {
  return { kind: 'executor', id, executor: 'docker', runners: ['a'], backend, ...over } as const;
}

type Probe = ReturnType<typeof createExecutor>;

const OPTIONS = { answer_seconds: 5 };

async function runOnce(
  root: RootFolder,
  target: ExecutorTarget = targetOf(`unix://${SOCKET}`, DOCKER),
  probe: Probe = createExecutor(new FileSystemReader()),
  answer_seconds = 5,
): Promise<Finding> {
  return await runProbe(probe, target, {
    tools: { paths: root.paths },
    options: { answer_seconds },
  });
}

/** A root with a daemon on its socket. */
async function withDocker(says: DockerScript, answerSeconds?: number): Promise<Finding> {
  await using root = await rootFolder({ '/run/x': '', '/var/lib/docker/x': '' });
  await using stack = new AsyncDisposableStack();
  stack.use(await startDockerServer(says, join(root.paths.rootfs, SOCKET)));
  return await runOnce(root, undefined, undefined, answerSeconds);
}

test('an executor that no check knows is not examined, with the reason', async () => {
  await using root = await rootFolder({});
  const because = 'runnerwatch has no check of this executor';
  const target = targetOf('ssh', { kind: 'unseen', because }, { executor: 'ssh' });

  expect(await runOnce(root, target)).toMatchObject({
    status: 'unknown',
    reason: 'not-examined',
    detail: `whether the executor ssh can run jobs is not known: ${because}`,
  });
});

test('a daemon that answers passes, with its versions and its root', async () => {
  expect(await withDocker({})).toEqual({
    status: 'pass',
    measures: {
      answer_seconds: expect.any(Number),
      running_containers: 3,
      root_free_ratio: expect.any(Number),
      overdue_jobs: 0,
    },
    facts: {
      stands_on: 'unix:///run/docker.sock',
      executor: 'docker',
      uid: 0,
      source: 'default address',
      server_version: '29.1.2',
      api_version: '1.52',
      minimum_api_version: '1.44',
      root: '/var/lib/docker',
    },
  });
});

test('a podman socket, which reports less, passes too', async () => {
  const says = { info: { DockerRootDir: undefined }, version: { MinAPIVersion: '1.24' } };

  expect(await withDocker(says)).toMatchObject({ status: 'pass' });
});

async function inContainer(root: RootFolder, replacedOnHost: Place['replacedOnHost']) {
  const paths = { ...root.paths, container: 'docker:a' };
  const place: Place = { ...PACKAGED_PLACE, paths, ...(replacedOnHost && { replacedOnHost }) };
  const target = targetOf(`unix://${SOCKET}`, DOCKER);
  const probe = createExecutor(new FileSystemReader());
  return await runProbe(probe, target, { tools: { paths, place }, options: OPTIONS });
}

describe('in a container nothing listens', () => {
  const replaced: ReplacedFile = { source: '/run/docker.sock', isThere: true };

  test('since no socket is mounted', async () => {
    await using root = await rootFolder({ '/run/x': '' });

    expect(await inContainer(root, undefined)).toMatchObject({
      status: 'fail',
      reason: 'socket-not-mounted',
      detail: 'the container of the runner has no socket at /run/docker.sock',
    });
  });

  test.each<readonly [title: string, found: ReplacedFile | undefined, reason: string]>([
    ['since Docker made a new socket', replaced, 'socket-replaced'],
    ['since Docker has ended', { ...replaced, isThere: false }, 'daemon-down'],
    ['and the socket is the same', undefined, 'daemon-down'],
  ])('%s', async (_title, found, reason) => {
    await using root = await rootFolder({ '/run/x': '' });
    const left = createServer().listen(join(root.paths.rootfs, SOCKET));
    await once(left, 'listening');
    const kept = join(root.paths.rootfs, '/run/kept');
    await link(join(root.paths.rootfs, SOCKET), kept);
    left.close();
    await once(left, 'close');
    await rename(kept, join(root.paths.rootfs, SOCKET));

    expect(await inContainer(root, async () => await Promise.resolve(found))).toMatchObject({
      status: 'fail',
      reason,
    });
  });
});

describe('nothing listens', () => {
  test('where there is no socket', async () => {
    await using root = await rootFolder({});

    expect(await runOnce(root)).toMatchObject({
      status: 'fail',
      reason: 'daemon-down',
      detail:
        'unix:///run/docker.sock (default address): the socket /run/docker.sock does not exist',
    });
  });

  test('behind a file that is no socket any more', async () => {
    await using root = await rootFolder({ [SOCKET]: '' });

    expect(await runOnce(root)).toMatchObject({
      reason: 'daemon-down',
      detail: expect.stringMatching(
        /(?:connection refused|it is not a socket) \(E(?:CONNREFUSED|NOTSOCK)\)$/,
      ),
    });
  });

  test('on a port that is closed', async () => {
    await using root = await rootFolder({});
    const id = `tcp://127.0.0.1:${await closedPort()}`;

    expect(await runOnce(root, targetOf(id, DOCKER))).toMatchObject({ reason: 'daemon-down' });
  });

  test('at a name without an address, as the runner asks for it', async () => {
    await using root = await rootFolder({
      '/etc/hosts': '',
      '/etc/nsswitch.conf': 'hosts: files\n',
    });

    expect(await runOnce(root, targetOf('tcp://docker.test:2375', DOCKER))).toMatchObject({
      reason: 'daemon-down',
      detail: 'tcp://docker.test:2375 (default address): its name does not resolve (ENOTFOUND)',
    });
  });

  test('at a place where timed out', async () => {
    await using root = await rootFolder({});
    await using server = await startDeafServer();
    const finding = await runOnce(
      root,
      targetOf(`tcp://127.0.0.1:${server.port}`, DOCKER),
      undefined,
      0.3,
    );

    expect(finding).toMatchObject({
      reason: 'daemon-down',
      detail: expect.stringMatching(/timed out \(ETIMEDOUT\)$/),
    });
  });
});

test('a daemon is found by its name in the hosts file, as the runner finds it', async () => {
  await using root = await rootFolder({ '/etc/hosts': '127.0.0.1 docker.test\n' });
  await using docker = await startDockerServer();

  expect(await runOnce(root, targetOf(`tcp://docker.test:${docker.port}`, DOCKER))).toMatchObject({
    status: 'pass',
  });
});

test.each(['/_ping', '/info', '/version'])(
  'a daemon that is silent at %s does not respond',
  async (path) => {
    expect(await withDocker({ instead: { [path]: 'silent' } }, 0.3)).toMatchObject({
      status: 'fail',
      reason: 'not-responding',
      detail: `unix:///run/docker.sock (default address) did not answer ${path} within 0.3 s`,
    });
  },
);

test.each([
  [
    400,
    'client version 1.43 is too old. Minimum supported API version is 1.44',
    'api-incompatible',
  ],
  [500, 'write /var/lib/docker/tmp/x: no space left on device', 'root-full'],
])('what a daemon complains of with %i is read: %s', async (status, message, reason) => {
  expect(await withDocker({ instead: { '/info': { status, message } } })).toMatchObject({
    status: 'fail',
    reason,
    detail: expect.stringContaining(message),
  });
});

test('an unknown error is a warning with its message', async () => {
  const instead = { '/info': { status: 500, message: 'layer does not exist' } };

  expect(await withDocker({ instead })).toMatchObject({
    status: 'warn',
    reason: 'docker-error',
    detail: 'unix:///run/docker.sock (default address): 500: layer does not exist',
  });
});

test('a daemon that wants a newer API than the runner speaks is incompatible', async () => {
  expect(await withDocker({ version: { MinAPIVersion: '1.99' } })).toMatchObject({
    status: 'fail',
    reason: 'api-incompatible',
    detail: expect.stringMatching(/requires API 1.99 or newer; the runner uses 1.51$/),
  });
});

test('an answer without end is cut off', async () => {
  const info = { Name: 'x'.repeat(300 * 1024) };

  expect(await withDocker({ info })).toMatchObject({ reason: 'docker-error' });
});

test('a daemon on TCP is asked there, and its root is not checked on this host', async () => {
  await using root = await rootFolder({});
  await using docker = await startDockerServer();

  const finding = await runOnce(root, targetOf(`tcp://127.0.0.1:${docker.port}`, DOCKER));

  expect(finding).toMatchObject({ status: 'pass', facts: { root: '' } });
  expect(docker.asked.map((path) => path.split('?')[0])).toEqual([
    '/_ping',
    '/info',
    '/version',
    '/containers/json',
  ]);
});

test('a daemon behind TLS is asked with the files of the folder, which alone are trusted', async () => {
  const authority = makeRoot({ name: 'Authority of Docker' });
  const own = make({ name: 'docker', ip: ['127.0.0.1'] }, authority);
  await using root = await rootFolder({
    '/certs/ca.pem': authority.pem,
    '/certs/cert.pem': own.pem,
    '/certs/key.pem': own.keyPem,
    '/mixed/ca.pem': authority.pem,
    '/mixed/cert.pem': own.pem,
    '/mixed/key.pem': make({ name: 'other' }).keyPem,
    '/none/x': '',
  });
  const files = { ca: authority.pem, cert: own.pem, key: own.keyPem };
  await using docker = await startDockerServer({}, undefined, files);
  const id = `tcp://127.0.0.1:${docker.port}`;
  const at = (certificates: string) => runOnce(root, targetOf(id, { ...DOCKER, certificates }));

  expect(await at('/certs')).toMatchObject({ status: 'pass' });
  expect(await at('/none')).toMatchObject({ status: 'warn', reason: 'docker-error' });
  expect(await at('/mixed')).toMatchObject({
    status: 'warn',
    reason: 'docker-error',
    detail: expect.stringMatching(/the files for TLS cannot be used/),
  });
});

test('an address without a scheme is invalid, as it is for the runner', async () => {
  await using root = await rootFolder({});

  expect(await runOnce(root, targetOf('/var/run/docker.sock', DOCKER))).toMatchObject({
    status: 'fail',
    reason: 'host-invalid',
  });
});

const container = (ageSeconds: number, timeout?: string) => ({
  Id: 'abcdef0123456789',
  Created: Math.floor(Date.now() / 1000) - ageSeconds,
  Labels: {
    'com.gitlab.gitlab-runner.managed': 'true',
    'com.gitlab.gitlab-runner.job.id': '7',
    ...(timeout === undefined ? {} : { 'com.gitlab.gitlab-runner.job.timeout': timeout }),
  },
});

describe('containers of jobs', () => {
  test('that run long after the timeout of their job are overdue', async () => {
    expect(await withDocker({ containers: [container(9000, '1h0m0s')] })).toMatchObject({
      status: 'warn',
      reason: 'job-overdue',
      detail:
        'container abcdef012345 of job 7 has run for 150 min, but the timeout of the job is 60 min',
      measures: { overdue_jobs: 1 },
    });
  });

  test.each([
    ['within the timeout', container(3500, '1h0m0s')],
    ['that clean up a little after it', container(4000, '1h0m0s')],
    ['without a timeout', container(900_000, '0s')],
    ['of a runner that reports none', container(900_000)],
    ['in an unknown format', { Id: 7, Created: 'x', Labels: null }],
  ])('%s are not', async (_what, one) => {
    expect(await withDocker({ containers: [one] })).toMatchObject({
      status: 'pass',
      measures: { overdue_jobs: 0 },
    });
  });

  test('that Docker does not report are unknown', async () => {
    const instead = { [JOB_CONTAINERS]: { status: 500, message: 'x' } };
    const finding = await withDocker({ instead });

    expect(finding.status).toBe('pass');
    expect(finding.measures).not.toHaveProperty('overdue_jobs');
  });
});

describe('a shell executor', () => {
  const backend = { kind: 'folder', path: '/builds', user: 'ci' } as const;
  const passwd = { '/etc/passwd': 'root:x:0:0::/root:/bin/sh\nci:x:1500:1500::/home/ci:/bin/sh\n' };
  const shell = targetOf('/builds', backend, { executor: 'shell' });

  test('whose user does not exist is named', async () => {
    await using root = await rootFolder({ '/etc/passwd': 'root:x:0:0::/root:/bin/sh\n' });

    expect(await runOnce(root, shell)).toMatchObject({
      status: 'fail',
      reason: 'user-missing',
      detail: 'user ci is not in /etc/passwd',
    });
  });

  test('whose user a directory service may know is no fault', async () => {
    await using root = await rootFolder({ '/etc/nsswitch.conf': 'passwd: files sss\n' });

    expect(await runOnce(root, shell)).toMatchObject({ status: 'pass' });
  });

  test('whose user exists and may write passes', async () => {
    await using root = await rootFolder(passwd);
    await mkdir(join(root.paths.rootfs, 'builds'), { mode: 0o777 });

    expect(
      await runOnce(root, targetOf('/builds', { kind: 'folder', path: '/builds' })),
    ).toMatchObject({
      status: 'pass',
    });
  });
});
