/** For each kind of target one that fails: it does not exist, or it closes the connection. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect } from 'node:net';

import { systemClock } from '../../src/core/clock.ts';
import type { LinkTools, Probe, Walk } from '../../src/core/probe.ts';
import { Secret } from '../../src/core/secret.ts';
import type { EndpointTarget, TargetKinds } from '../../src/core/target.ts';
import { ExchangeError } from '../../src/core/exchange-error.ts';
import { proxyAt } from './connect-proxy.ts';
import { closedUdpPort, rootFolder } from './dns-server.ts';
import { runnerTarget } from './probes.ts';
import { toolsIn } from './places.ts';
import { unlimitedBudget } from './run-probe.ts';
import { closedPort, startTcpServer } from './tcp-server.ts';

export interface Refusal extends AsyncDisposable {
  targetFor(probe: Probe): TargetKinds[keyof TargetKinds];
  /** The tools of one run; the sockets of its walk end with the refusal. */
  toolsFor(probe: Probe, signal: AbortSignal): Promise<LinkTools>;
}

const CONFIG = '/etc/gitlab-runner/config.toml';

/** A host without anything, and a peer that closes every connection at once. */
export async function startRefusal(): Promise<Refusal> {
  await using stack = new AsyncDisposableStack();
  const root = stack.use(await rootFolder({}));
  const peer = stack.use(await startTcpServer((socket) => socket.end()));
  const dnsPort = await closedUdpPort();
  const targets = targetsAt(await closedPort(), root.paths.rootfs);
  const sockets: Socket[] = [];
  stack.defer(() => {
    for (const socket of sockets) socket.destroy();
  });
  const open = async (): Promise<Socket> => {
    const socket = connect({ host: '127.0.0.1', port: peer.port });
    socket.on('error', () => {});
    sockets.push(socket);
    await once(socket, 'connect');
    return socket;
  };
  const end = stack.move();
  return {
    targetFor: ({ kind, id }) => (id === 'proxy' ? targets.proxied : targets[kind]),
    toolsFor: async (_probe, signal) => ({
      clock: systemClock,
      signal,
      ...toolsIn({ paths: root.paths }),
      dnsPort,
      budget: unlimitedBudget,
      walk: await refusingWalk(open),
    }),
    [Symbol.asyncDispose]: async () => await end.disposeAsync(),
  };
}

async function refusingWalk(open: () => Promise<Socket>): Promise<Walk> {
  return {
    addresses: [{ address: '127.0.0.1', family: 4 }],
    socket: await open(),
    open,
    send: async () => {
      throw new ExchangeError('closed', 'the connection was closed before a response');
    },
  };
}

function targetsAt(port: number, rootfs: string): TargetKinds & { proxied: EndpointTarget } {
  const endpoint: TargetKinds['endpoint'] = {
    kind: 'endpoint',
    id: `https://gitlab.invalid:${port}/`,
    url: new URL(`https://gitlab.invalid:${port}/`),
    trust: { certsDirectory: '/etc/gitlab-runner/certs' },
    proxy: { kind: 'direct', because: 'HTTPS_PROXY is not set' },
  };
  const problem = {
    code: 'missing',
    file: CONFIG,
    message: 'there is no such file',
    fix: 'create it',
  };
  return {
    host: { kind: 'host', id: 'host' },
    endpoint,
    proxied: { ...endpoint, proxy: proxyAt(port) },
    runner: {
      ...runnerTarget('aaaaaaaaa', endpoint.id),
      token: new Secret('glrt-aaaaaaaaaaaaaaaaaaaa'),
    },
    mount: {
      kind: 'mount',
      id: `${rootfs}/no-mount`,
      fileSystemType: 'ext4',
      readOnly: false,
      path: `${rootfs}/no-mount`,
      roles: ['TMPDIR'],
    },
    config: {
      kind: 'config',
      id: CONFIG,
      reading: { path: CONFIG, foundBy: 'default', readAt: 0, problems: [problem] },
    },
    service: {
      kind: 'service',
      id: 'gitlab-runner.service',
    },
    executor: {
      kind: 'executor',
      id: 'unix:///var/run/docker.sock',
      executor: 'docker',
      runners: ['aaaaaaaaa'],
      backend: { kind: 'docker', source: 'default address' },
    },
  };
}
