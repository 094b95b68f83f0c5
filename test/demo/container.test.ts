/** Without a container engine, or with one that cannot run the runner: one sentence, and nothing stays. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { DemoEngine } from '../../src/demo/engine.ts';
import { findEngine } from '../../src/demo/engine.ts';
import { liveInContainer } from '../../src/demo/runner-in-container.ts';
import { startDockerServer } from '../support/docker-stand-in.ts';

const DOCKER = 'var/run/docker.sock';
const PODMAN = 'run/podman/podman.sock';
const ROOT_USER = 0;

let rootfs: string;

beforeEach(async () => {
  rootfs = await mkdtemp(join(tmpdir(), 'runnerwatch-engine-'));
});
afterEach(async () => {
  await rm(rootfs, { recursive: true, force: true });
});

async function engineAt(path: string): Promise<AsyncDisposable> {
  await mkdir(dirname(join(rootfs, path)), { recursive: true });
  return await startDockerServer({}, join(rootfs, path));
}

describe('the engine of the host', () => {
  test('none at all: one sentence with what to install or to start', async () => {
    const sentence = await findEngine({ rootfs }, ROOT_USER).catch(String);

    expect(sentence).toBe(
      `Error: with --container it needs Docker or podman, and none answers at ${rootfs}/${DOCKER} or ${rootfs}/${PODMAN}: ` +
        'install one (sudo apt-get install docker.io), or start it (sudo systemctl start docker, or podman.socket)',
    );
  });

  test('for another user than root: one sentence with what to type', async () => {
    await using stack = new AsyncDisposableStack();
    stack.use(await engineAt(DOCKER));

    await expect(findEngine({ rootfs }, 1000)).rejects.toThrow(
      'with --container it needs root, to look into the container: type the same command with sudo',
    );
  });

  test('Docker comes first, podman where Docker does not answer', async () => {
    await using stack = new AsyncDisposableStack();
    stack.use(await engineAt(PODMAN));
    expect(await findEngine({ rootfs }, ROOT_USER)).toMatchObject({ name: 'podman' });

    stack.use(await engineAt(DOCKER));
    expect(await findEngine({ rootfs }, ROOT_USER)).toMatchObject({
      name: 'docker',
      socket: join(rootfs, DOCKER),
    });
  });
});

/** An engine whose containers end at once, and what it was told to do. */
function brokenEngine(over: Partial<DemoEngine> = {}) {
  const orders: string[] = [];
  const note = (order: string) => async (name: string) => void orders.push(`${order} ${name}`);
  const engine: DemoEngine = {
    name: 'docker',
    socket: '/var/run/docker.sock',
    importImage: note('import'),
    removeImage: note('rmi'),
    createContainer: note('create'),
    startContainer: note('start'),
    stopContainer: note('stop'),
    signalContainer: note('kill'),
    endOfContainer: async () => 'exec: no such file',
    processOf: async () => 0,
    removeContainer: note('rm'),
    ...over,
  };
  const told = () => orders.map((order) => order.replace(/ gitlab-runner-demo-[0-9a-f]{6}$/, ''));
  return { engine, told };
}

const order = () => ({
  folder: rootfs,
  port: 443,
  host: 'gitlab.test',
  caPem: '',
  entries: [],
  configPath: '/etc/gitlab-runner/config.toml',
});

describe('an engine that cannot run the runner', () => {
  test('its last words are told, and image and container are removed', async () => {
    const { engine, told } = brokenEngine();

    await expect(liveInContainer(engine, order())).rejects.toThrow(
      'the runner does not start in a container of /var/run/docker.sock: exec: no such file',
    );
    expect(told()).toEqual(['import', 'create', 'start', 'rm', 'rmi']);
  });

  test('a container that it did not make is not removed', async () => {
    const { engine, told } = brokenEngine({
      createContainer: () => Promise.reject(new Error('the name is already in use')),
    });

    await expect(liveInContainer(engine, order())).rejects.toThrow('the name is already in use');
    expect(told()).toEqual(['import', 'rmi']);
  });
});
