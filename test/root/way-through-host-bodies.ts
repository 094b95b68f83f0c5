/** Bodies of way-through-host.test.ts, each in a /proc, a network and mounts of its own. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readlink } from 'node:fs/promises';
import { promisify } from 'node:util';

import type { Paths } from '../../src/core/paths.ts';
import { HOST_PATHS } from '../../src/core/paths.ts';
import { inNetworkOf, networkOf } from '../../src/host/net/network.ts';
import type { WayThroughHost } from '../../src/host/net/way-through-host.ts';
import { closedSettingOf, findWayThroughHost } from '../../src/host/net/way-through-host.ts';
import { until } from '../support/until.ts';

const BRIDGE = '172.30.0.1';
const INSIDE = '172.30.0.2';
const PEER = '10.99.0.2';

async function shell(...commands: readonly string[]): Promise<void> {
  await promisify(execFile)('sh', ['-e', '-c', commands.join('\n')]);
}

interface Held extends AsyncDisposable {
  readonly pid: number;
}

/** A process in a new network, beside that of another one. */
async function newNetwork(): Promise<Held> {
  const child = spawn('unshare', ['--net', 'cat'], { stdio: ['pipe', 'ignore', 'inherit'] });
  const pid = child.pid ?? 0;
  const own = await readlink('/proc/self/ns/net');
  await until(async () => (await readlink(`/proc/${pid}/ns/net`)) !== own);
  return {
    pid,
    [Symbol.asyncDispose]: async () => {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

const UPLINK = [
  'ip link add up0 type veth peer name up1',
  'ip addr add 10.99.0.1/24 dev up0',
  'ip link set up0 up; ip link set up1 up',
];

/** `enter` begins each command on the host. */
function bridgeTo(pid: number, enter = ''): readonly string[] {
  const inside = `nsenter --target ${pid} --net`;
  return [
    `${enter} ip link add br0 type bridge`,
    `${enter} ip addr add ${BRIDGE}/24 dev br0`,
    `${enter} ip link add p0 type veth peer name eth0 netns ${pid}`,
    `${enter} ip link set p0 master br0`,
    `${enter} ip link set br0 up`,
    `${enter} ip link set p0 up`,
    `${inside} ip addr add ${INSIDE}/24 dev eth0`,
    `${inside} ip link set eth0 up`,
    `${inside} ip route add default via ${BRIDGE}`,
  ];
}

async function wayFrom(pid: number, peer: string): Promise<WayThroughHost | undefined> {
  const network = networkOf(pid, HOST_PATHS);
  if (network === undefined) throw new Error('it has no network of its own');
  const paths: Paths = { ...HOST_PATHS, network };
  return await inNetworkOf(paths, async () => await findWayThroughHost(peer, paths, HOST_PATHS));
}

/** To another host, to this host, and to a neighbour on the bridge; and from this host itself. */
export async function throughBridge() {
  await using made = await newNetwork();
  await shell('mount -t sysfs sysfs /sys', ...UPLINK, ...bridgeTo(made.pid));
  const [out, here, neighbour] = await Promise.all(
    [PEER, BRIDGE, '172.30.0.3'].map(async (peer) => await wayFrom(made.pid, peer)),
  );
  const own = await findWayThroughHost(BRIDGE, HOST_PATHS, HOST_PATHS);
  return { out, here, neighbour: neighbour === undefined, own: own === undefined };
}

/** By which setting nothing is passed on, after each of these commands. */
export async function settings(...commands: readonly string[]): Promise<readonly string[]> {
  await using made = await newNetwork();
  await shell('mount -t sysfs sysfs /sys', ...UPLINK, ...bridgeTo(made.pid));
  const way = await wayFrom(made.pid, PEER);
  if (way === undefined) throw new Error('no way');
  const found: string[] = [];
  for (const command of commands) {
    await shell(`sysctl -q -w ${command}`);
    found.push((await closedSettingOf(way)) ?? 'open');
  }
  return found;
}

/** A container of an engine that itself has a network of its own, with the addresses of one on this host. */
export async function nested(): Promise<boolean> {
  await using near = await newNetwork();
  await using middle = await newNetwork();
  await using far = await newNetwork();
  await shell(
    'mount -t sysfs sysfs /sys',
    ...UPLINK,
    ...bridgeTo(near.pid),
    // The end of its wire gets another number than that of the near one.
    `nsenter --target ${far.pid} --net ip link add d0 type veth peer name d1`,
    ...bridgeTo(far.pid, `nsenter --target ${middle.pid} --net`),
  );
  return (await wayFrom(far.pid, PEER)) === undefined;
}
