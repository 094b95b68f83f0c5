/** What jobs see from their containers: a network and a resolv.conf of their own, for real. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { expect, test } from 'vitest';

import type { HostPort } from '../../src/core/target.ts';
import { JobNetwork } from '../../src/go/container/job-network.ts';
import { FileSystemReader } from '../../src/host/fs/stat-file-system.ts';
import { createExecutor } from '../../src/probes/executor.ts';
import type { SetClock } from '../support/clock.ts';
import { setClock } from '../support/clock.ts';
import type { RootFolder } from '../support/dns-server.ts';
import { rootFolder } from '../support/dns-server.ts';
import type { DockerScript } from '../support/docker-stand-in.ts';
import { startDockerServer } from '../support/docker-stand-in.ts';
import { runProbe } from '../support/run-probe.ts';
import { startTcpServer } from '../support/tcp-server.ts';
import { patient } from '../support/until.ts';

const PAUSE_MILLISECONDS = 10;
const ID = 'abcdef0123456789';
const LABELS = { 'com.gitlab.gitlab-runner.job.id': '12' };

interface Container extends AsyncDisposable {
  readonly pid: number;
}

/** A process in a network where nothing listens, with these files; `more` is mounted at another place. */
async function startContainer(
  root: RootFolder,
  files: Readonly<Record<string, string>>,
  more: readonly string[] = [],
): Promise<Container> {
  const own = await Promise.all(
    Object.entries(files).map(async ([place, text], nth) => {
      const file = join(root.paths.rootfs, `inside-${nth}`);
      await writeFile(file, text);
      return `${file} ${place}`;
    }),
  );
  const mounts = [...own, ...more].map((args) => `mount --bind ${args} && `);
  const script = `${mounts.join('')}ip link set lo up && exec sleep infinity`;
  const child = spawn('unshare', ['--net', '--mount', 'sh', '-c', script], { stdio: 'ignore' });
  const pid = child.pid ?? 0;
  while (!(await readFile(`/proc/${pid}/comm`, 'utf8')).startsWith('sleep'))
    await delay(PAUSE_MILLISECONDS);
  return {
    pid,
    [Symbol.asyncDispose]: async () => {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

async function hostThatKnows(name: string): Promise<RootFolder> {
  return await rootFolder({ '/etc/hosts': `127.0.0.1 ${name}\n`, '/etc/resolv.conf': '' });
}

interface RunOptions {
  readonly place: HostPort;
  readonly root: RootFolder;
  readonly network?: JobNetwork;
  readonly clock?: SetClock;
}

async function runOnce(
  pid: number | undefined,
  { place, root, network = new JobNetwork(), clock = setClock() }: RunOptions,
): Promise<string | undefined> {
  const job = pid === undefined ? undefined : { container: 'abc', job: '12', pid };
  const paths = { ...root.paths, procfs: '/proc' };
  return await network.check('docker', [place], job, {
    clock,
    signal: patient(),
    paths,
  });
}

const NOBODY = { '/etc/resolv.conf': 'nameserver 127.0.0.1\n', '/etc/hosts': '' };

test('a name that this host knows and the container does not', async () => {
  await using server = await startTcpServer();
  await using root = await hostThatKnows('gitlab.test');
  await using container = await startContainer(root, NOBODY);
  const { port } = server;

  expect(await runOnce(container.pid, { place: { host: 'gitlab.test', port }, root })).toBe(
    `container abc of job 12 cannot resolve gitlab.test:${port} (gitlab.test: 127.0.0.1 connection-refused), but this host can (gitlab.test (hosts): 127.0.0.1:${port} ok)`,
  );
});

test('a port that this host reaches and the container does not', async () => {
  await using server = await startTcpServer();
  await using root = await hostThatKnows('gitlab.test');
  await using container = await startContainer(root, { '/etc/hosts': '127.0.0.1 gitlab.test\n' });
  const place = { host: 'gitlab.test', port: server.port };

  expect(await runOnce(container.pid, { place, root })).toMatch(
    /^container abc of job 12 cannot connect to gitlab\.test:\d+ \(gitlab\.test \(hosts\): 127\.0\.0\.1:\d+ ECONNREFUSED\)/,
  );
});

test('what this host does not reach either is no matter of the container', async () => {
  await using root = await rootFolder({
    '/etc/hosts': '',
    '/etc/resolv.conf': NOBODY['/etc/resolv.conf'],
  });
  await using container = await startContainer(root, NOBODY);

  expect(await runOnce(container.pid, { place: { host: 'gitlab.test', port: 443 }, root })).toBe(
    undefined,
  );
});

test('what two jobs met counts for a quarter of an hour, or until another one reaches it', async () => {
  await using server = await startTcpServer();
  await using root = await hostThatKnows('gitlab.test');
  const place = { host: 'gitlab.test', port: server.port };
  const [network, clock] = [new JobNetwork(), setClock()];
  const options = { place, root, network, clock };
  await using container = await startContainer(root, NOBODY);
  const lost = await runOnce(container.pid, options);

  expect(await runOnce(undefined, options)).toBeUndefined();
  expect(await runOnce(container.pid, options)).toBe(lost);
  clock.advance(800);
  expect(await runOnce(undefined, options)).toBe(lost);
  clock.advance(200);
  expect(await runOnce(undefined, options)).toBeUndefined();
});

test('a job that reaches it takes back what others met', async () => {
  await using server = await startTcpServer();
  await using root = await hostThatKnows('gitlab.test');
  const options = {
    place: { host: 'gitlab.test', port: server.port },
    root,
    network: new JobNetwork(),
  };
  await using container = await startContainer(root, NOBODY);
  await runOnce(container.pid, options);
  await runOnce(container.pid, options);
  const here = { host: '127.0.0.1', port: server.port };

  // A container in the network of the host reaches what it reaches.
  expect(await runOnce(process.pid, { ...options, place: here })).toBeUndefined();
  expect(await runOnce(undefined, options)).toBeUndefined();
});

test('a device in place of a file of the container is nothing', async () => {
  await using server = await startTcpServer();
  await using root = await hostThatKnows('gitlab.test');
  await using container = await startContainer(root, {}, ['/dev/zero /etc/resolv.conf']);
  const place = { host: 'gitlab.test', port: server.port };

  expect(await runOnce(container.pid, { place, root })).toMatch(/cannot resolve/);
});

test('a process that is gone says nothing', async () => {
  await using root = await hostThatKnows('gitlab.test');
  const container = await startContainer(root, NOBODY);
  await container[Symbol.asyncDispose]();

  expect(await runOnce(container.pid, { place: { host: 'gitlab.test', port: 443 }, root })).toBe(
    undefined,
  );
});

/** The check of the executor, with a Docker that lists these containers. */
async function checked(says: DockerScript) {
  await using server = await startTcpServer();
  await using root = await rootFolder({
    '/run/x': '',
    '/var/lib/docker/x': '',
    '/etc/hosts': '127.0.0.1 gitlab.test\n',
    '/etc/resolv.conf': '',
  });
  await using container = await startContainer(root, NOBODY);
  await using stack = new AsyncDisposableStack();
  const processes = { [ID]: container.pid };
  stack.use(
    await startDockerServer({ processes, ...says }, join(root.paths.rootfs, '/run/docker.sock')),
  );
  const target = {
    kind: 'executor',
    id: 'unix:///run/docker.sock',
    executor: 'docker',
    runners: ['a'],
    backend: { kind: 'docker', source: 'default address' },
    gitlabs: [{ host: 'gitlab.test', port: server.port }],
  } as const;
  const tools = { paths: { ...root.paths, procfs: '/proc' } };
  return await runProbe(createExecutor(new FileSystemReader()), target, { tools });
}

test('the executor check reports it of the newest container that has a network', async () => {
  const others = [
    { Id: 'aaaa', Created: 1, Labels: LABELS },
    { Id: 'bbbb', Created: 3, Labels: LABELS, HostConfig: { NetworkMode: 'none' } },
  ];

  expect(
    await checked({ containers: [...others, { Id: ID, Created: 2, Labels: LABELS }] }),
  ).toMatchObject({
    status: 'fail',
    reason: 'job-network',
    detail: expect.stringMatching(/^container abcdef012345 of job 12 cannot resolve gitlab\.test:/),
  });
  expect(await checked({ containers: others })).toMatchObject({ status: 'pass' });
});

test('a container that goes by a proxy need not reach it itself', async () => {
  const containers = [{ Id: ID, Created: 2, Labels: LABELS }];
  const environment = ['CI=true', 'https_proxy=http://proxy.test:3128'];

  expect(await checked({ containers, environment })).toMatchObject({ status: 'pass' });
});

test('the processes of a daemon on another kernel are not ours', async () => {
  const containers = [{ Id: ID, Created: 2, Labels: LABELS }];

  expect(await checked({ containers, info: { KernelVersion: '1.2.3-vm' } })).toMatchObject({
    status: 'pass',
  });
});
