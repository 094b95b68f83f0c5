/**
 * A real Docker or podman on the runner's host of a row, with all its state in the row's own root. It ends with the
 * row's process namespace, and so do its containers.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

import type { Network } from '../network.ts';

export type EngineName = 'docker' | 'podman';

export interface Engine extends AsyncDisposable {
  readonly name: EngineName;
  /** Its client with these arguments, as a person types them on the host. */
  run(words: string): Promise<string>;
  /** Ends what serves its API, as a person or an upgrade does, and starts it again. */
  restart(): Promise<void>;
}

/** Written into the host's files before podman is used: runc knows control groups of both versions. */
export const ENGINE_FILES: Readonly<Record<EngineName, Readonly<Record<string, string>>>> = {
  docker: {},
  podman: {
    '/etc/containers/containers.conf':
      '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n',
    '/etc/containers/storage.conf':
      '[storage]\ndriver = "vfs"\nrunroot = "/run/containers/storage"\ngraphroot = "/var/lib/containers/storage"\n',
  },
};

/** What serves the API, and the line by which it says so. */
const SERVICES: Readonly<Record<EngineName, readonly [readonly string[], RegExp]>> = {
  docker: [['dockerd', '--storage-driver=vfs'], /API listen on/],
  podman: [
    [
      'podman',
      '--log-level=info',
      'system',
      'service',
      '--time=0',
      'unix:///run/podman/podman.sock',
    ],
    /API service listening|listening on/i,
  ],
};

export async function startEngine(network: Network, name: EngineName): Promise<Engine> {
  let service = await startService(network, name);
  return {
    name,
    run: async (words) => await network.run('rn', `${name} ${words}`),
    restart: async () => {
      await service.end('SIGTERM');
      service = await startService(network, name);
    },
    [Symbol.asyncDispose]: async () => await service.end('SIGKILL'),
  };
}

interface Service {
  end(signal: NodeJS.Signals): Promise<void>;
}

async function startService(network: Network, name: EngineName): Promise<Service> {
  const [command, isUp] = SERVICES[name];
  const [program = '', ...args] = [...network.prefix('rn'), ...command];
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const exit = once(child, 'exit');
  await untilSays(child.stderr, isUp, name);
  return {
    end: async (signal) => {
      child.kill(signal);
      await exit;
    },
  };
}

/** Its log is read to its end, since a full pipe would stop it. */
async function untilSays(log: NodeJS.ReadableStream, isUp: RegExp, name: string): Promise<void> {
  const up = Promise.withResolvers<void>();
  const said: string[] = [];
  createInterface({ input: log })
    .on('line', (line) => {
      said.push(line);
      if (isUp.test(line)) up.resolve();
    })
    .once('close', () => up.reject(new Error(`${name} has ended:\n${said.slice(-10).join('\n')}`)));
  await up.promise;
}
