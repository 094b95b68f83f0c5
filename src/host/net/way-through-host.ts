/**
 * The way of packets from a network behind this host, such as that of a container: by which interface they come into the
 * host, and by which they leave it.
 *
 * Source  the route of that network (/proc/PID/net/route), the addresses of the host, and the ends of its wires
 *         (/proc/PID/net/igmp, /sys/class/net).
 *
 * Only a network that is certainly wired to this host has such a way: the gateway is an address of the host, and the
 * other end of the wire is an interface of the host that has this address, or is a port of a bridge that has it.
 */
import { readFile, readdir } from 'node:fs/promises';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';

import { isErrno } from '../../core/errno.ts';
import type { Paths } from '../../core/paths.ts';
import { readProc } from '../proc/proc-files.ts';
import { isInNetwork } from './firewall/address-match.ts';
import { inNetworkOf, networkOf, newTcpSocket } from './network.ts';
import { addressesByInterface, isForeignAddress } from './own-addresses.ts';
import { findOwnEnd } from './own-end.ts';
import { findRoute } from './routes.ts';

export interface WayThroughHost {
  /** As which the packets come: an address of the network behind the host. */
  readonly source: string;
  /** That network; absent where no route of the host leads there. */
  readonly subnet?: string;
  /** The interface of the host that it is wired to. */
  readonly bridge: string;
  /** The interface by which packets leave the host; absent where it is not known. */
  readonly out?: string;
  /** The peer is the host itself. */
  readonly endsHere: boolean;
  /** With the network of the host. */
  readonly paths: Paths;
}

const ALL_BITS = 128;
const FIRST_PROCESS = 1;

/** From the network at hand, with its paths, to the peer; undefined where the host does not pass its packets on. */
export async function findWayThroughHost(
  peer: string,
  paths: Paths,
  hostPaths: Paths,
): Promise<WayThroughHost | undefined> {
  const own = await findOwnEnd(peer);
  const route = await findRoute(peer, paths);
  const index = await indexOf(own?.interface, paths);
  if (own === undefined || index === undefined || route === undefined) return undefined;
  for (const there of networksOf(hostPaths, paths)) {
    const bridge = await inNetworkOf(
      there,
      async () => await interfaceTo(route.gateway ?? peer, index, there),
    );
    if (bridge !== undefined) {
      return await inNetworkOf(there, async () => await wayBy(bridge, own.address, peer, there));
    }
  }
  return undefined;
}

/** Ours, and where that is not the one of the host, that of its first process; not the one that the packets come from. */
function networksOf(hostPaths: Paths, from: Paths): readonly Paths[] {
  const first = networkOf(FIRST_PROCESS, hostPaths);
  const all = first === undefined ? [hostPaths] : [hostPaths, { ...hostPaths, network: first }];
  return all.filter(({ network }) => network?.inode !== from.network?.inode);
}

async function wayBy(
  bridge: string,
  source: string,
  peer: string,
  paths: Paths,
): Promise<WayThroughHost> {
  const endsHere = !isForeignAddress(peer);
  const out = endsHere ? undefined : (await findOwnEnd(peer))?.interface;
  const back = await findRoute(source, paths);
  return {
    source,
    ...(back === undefined ? {} : { subnet: `${back.network}/${back.bits}` }),
    bridge,
    ...(out === undefined ? {} : { out }),
    endsHere,
    paths,
  };
}

/** The kernel's number of an interface in another network; its /sys is not for us to read. */
async function indexOf(name: string | undefined, paths: Paths): Promise<string | undefined> {
  const text = (await readProc(paths, 'net/igmp')) ?? '';
  const lines = text.split('\n').map((line) => /^(?<index>\d+)\s+(?<name>\S+)/.exec(line)?.groups);
  return lines.find((groups) => groups?.['name'] === name)?.['index'];
}

async function interfaceTo(
  gateway: string,
  index: string,
  paths: Paths,
): Promise<string | undefined> {
  const all = Object.entries(addressesByInterface() ?? {});
  const owners = all.filter(([, own = []]) =>
    own.some(({ address }) => isInNetwork(address, gateway, ALL_BITS)),
  );
  for (const [name] of owners) if (await isWiredTo(name, index, paths)) return name;
  return undefined;
}

/** One of its ports, or itself where it has none, has the other end of its wire at that number. */
async function isWiredTo(name: string, index: string, { sysfs }: Paths): Promise<boolean> {
  const folder = join(sysfs, 'class/net');
  const ports = await readdir(join(folder, name, 'brif')).catch(() => [name]);
  const ends = await Promise.all(
    ports.map(async (port) => await readFile(join(folder, port, 'iflink'), 'utf8').catch(() => '')),
  );
  return ends.some((end) => end.trim() === index);
}

/** The setting of the host by which it passes nothing on; undefined where it does, or that is not known. */
export async function closedSettingOf({
  source,
  bridge,
  out,
  paths,
}: WayThroughHost): Promise<string | undefined> {
  const isOff = async (name: string): Promise<boolean> =>
    (await readProc(paths, `sys/net/${name}`))?.trim() === '0';
  if (isIPv6(source)) {
    return (await isOff('ipv6/conf/all/forwarding')) ? 'net.ipv6.conf.all.forwarding' : undefined;
  }
  // That of the interface decides, and ip_forward sets all of them. The answer comes in by the other one.
  for (const name of out === undefined ? [bridge] : [bridge, out]) {
    // As sysctl names an interface with a dot.
    if (await isOff(`ipv4/conf/${name}/forwarding`))
      return (await isOff('ipv4/ip_forward'))
        ? 'net.ipv4.ip_forward'
        : `net.ipv4.conf.${name.replaceAll('.', '/')}.forwarding`;
  }
  return undefined;
}

const PATIENCE_MILLISECONDS = 2000;

/** Whether the peer answers the network at hand at all, with a connection or a refusal. */
export async function isAnswered(
  address: string,
  port: number,
  signal: AbortSignal,
): Promise<boolean> {
  const socket = newTcpSocket(isIPv6(address) ? 6 : 4);
  const patience = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MILLISECONDS)]);
  try {
    const connected = once(socket, 'connect', { signal: patience });
    socket.connect({ host: address, port });
    await connected;
    return true;
  } catch (error) {
    return isErrno(error, 'ECONNREFUSED');
  } finally {
    socket.destroy();
  }
}
