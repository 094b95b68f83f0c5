/**
 * The runner in a container of this host, started as GitLab's documentation has it. The image is empty: libraries, Node
 * and this program are mounted from the host, read-only. Image and container have a name of their own and go with the demo.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

import type { DemoEngine } from './engine.ts';
import type { RunnerHome, RunnerOrder } from './runner-home.ts';
import { OPTIONS_VARIABLE } from './runner-options.ts';
import { STAND_IN } from './runner-process.ts';

/** Of the C library and the C++ library, with which Node is linked. */
const LIBRARIES = ['/lib', '/lib64', '/usr/lib', '/usr/lib64'];
/** Folders of the demo that the container has at the same path. */
const FOLDERS = ['etc/gitlab-runner', 'builds', 'cache', 'home/gitlab-runner'];
const PROGRAM = '/usr/bin/gitlab-runner';
const PACKAGE = join(import.meta.dirname, '../..');
/** In the folder of the demo: closes when the demo ends, for whatever reason, and the runner ends with it. */
const LIFELINE = 'lifeline';

export async function liveInContainer(engine: DemoEngine, order: RunnerOrder): Promise<RunnerHome> {
  await using stack = new AsyncDisposableStack();
  const { folder, configPath } = order;
  const name = `gitlab-runner-demo-${randomBytes(3).toString('hex')}`;
  const lifeline = stack.use(await openLifeline(join(folder, LIFELINE)));
  await engine.importImage(name);
  stack.defer(async () => await engine.removeImage(name));
  await engine.createContainer(name, containerOf(name, engine.socket, order));
  stack.defer(async () => await engine.removeContainer(name));
  await start(engine, name, lifeline);
  const pid = async (): Promise<number> => {
    const found = await engine.processOf(name);
    if (found > 0) return found;
    throw new Error(`the container does not run: type sudo ${engine.name} start ${name}`);
  };
  const all = stack.move();
  return {
    rootfs: '/',
    procfs: '/proc',
    configPath: join(folder, configPath),
    runnerLog: `sudo ${engine.name} logs ${name}`,
    hostsFile: async () => `/proc/${await pid()}/root/etc/hosts`,
    pid,
    signal: async (signal) => await engine.signalContainer(name, signal),
    stop: async () => await engine.stopContainer(name),
    restart: async () => {
      await engine.stopContainer(name);
      await start(engine, name, lifeline);
    },
    [Symbol.asyncDispose]: async () =>
      await all.disposeAsync().catch(() => Promise.reject(new Error(leftText(engine, name)))),
  };
}

function leftText({ name: program }: DemoEngine, name: string): string {
  const commands = `sudo ${program} rm -f ${name}; sudo ${program} rmi ${name}`;
  return `its container is left, since ${program} did not remove it: when ${program} answers again, type ${commands}`;
}

/** The body of POST /containers/create. */
function containerOf(image: string, socket: string, order: RunnerOrder) {
  const { folder, port, host, caPem, entries, configPath } = order;
  const lifeline = join(folder, LIFELINE);
  const options = { port, host, caPem, entries, lifeline };
  const readOnly = [...LIBRARIES.filter((one) => existsSync(one)), PACKAGE];
  return {
    Image: `${image}:latest`,
    Entrypoint: [PROGRAM],
    Cmd: ['run', '--config', configPath],
    Env: [
      'HOME=/root',
      'PATH=/usr/bin',
      `NODE_OPTIONS=--import=${STAND_IN.href}`,
      `${OPTIONS_VARIABLE}=${JSON.stringify(options)}`,
    ],
    StopSignal: 'SIGQUIT',
    HostConfig: {
      // The simulated GitLab listens on the loopback address of the host.
      NetworkMode: 'host',
      ExtraHosts: [`${host}:127.0.0.1`],
      // Nothing listens there: without the line in the hosts file the name cannot be resolved.
      Dns: ['127.0.0.9'],
      Binds: [
        ...FOLDERS.map((one) => `${join(folder, one)}:/${one}`),
        ...readOnly.map((one) => `${one}:${one}:ro`),
        `${process.execPath}:${PROGRAM}:ro`,
        `${lifeline}:${lifeline}`,
        `${socket}:/var/run/docker.sock`,
      ],
      // SELinux keeps containers from files that are not labelled for them.
      SecurityOpt: ['label=disable'],
    },
  };
}

/** Resolves as soon as the runner in it has started. */
async function start(engine: DemoEngine, name: string, lifeline: Lifeline): Promise<void> {
  const waiting = new AbortController();
  const started = lifeline.grasped();
  await engine.startContainer(name);
  const ended = engine.endOfContainer(name, waiting.signal).then((said) => {
    throw new Error(`the runner does not start in a container of ${engine.socket}: ${said}`);
  });
  await Promise.race([started, ended]);
  waiting.abort();
}

interface Lifeline extends Disposable {
  /** Resolves when the next runner holds it. */
  grasped(): Promise<void>;
}

async function openLifeline(path: string): Promise<Lifeline> {
  const server = createServer((socket) =>
    socket
      .on('error', () => {})
      .resume()
      .unref(),
  );
  server.listen(path);
  await once(server, 'listening');
  server.unref();
  return {
    grasped: async () => void (await once(server, 'connection')),
    [Symbol.dispose]: () => void server.close(),
  };
}
