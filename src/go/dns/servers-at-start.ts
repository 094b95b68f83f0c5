/**
 * Name servers that a runner in a container would ask if its container were started now, and does not ask yet: the engine
 * copies them from the host at each start, and leaves them alone after that.
 *
 * Source  /etc/resolv.conf of the host, or that of systemd-resolved behind its stub; what the engine says of the container and
 *         has in its own settings; docs/reference/runner-places.md#name-servers.
 */
import { isLoopbackAddress } from '../../core/address.ts';
import type { Instant } from '../../core/clock.ts';
import type { Engine } from '../../core/container.ts';
import type { Query, Resolution } from '../../core/lookup.ts';
import type { Paths } from '../../core/paths.ts';
import type { PlaceResolver } from '../../core/place.ts';
import type { Tools } from '../../core/probe.ts';
import { readTextIn, statIn } from '../../host/fs/in-root.ts';
import { inNetworkOf } from '../../host/net/network.ts';
import { isForeignAddress } from '../../host/net/own-addresses.ts';
import { forwarderOf, upstreamsNamed } from './further-servers.ts';
import { lookupOptionsOf } from './lookup-options.ts';
import { parseResolvConf } from './resolv-conf.ts';
import { queryEachServer } from './resolver.ts';

const RESOLV_CONF = '/etc/resolv.conf';
/** What the engines read where the host has this server alone. */
const STUB = '127.0.0.53';
const BEHIND_STUB = '/run/systemd/resolve/resolv.conf';

/** Settings of an engine as a whole, and how they name its servers. */
const ENGINE_SETTINGS: Readonly<Partial<Record<Engine, readonly [file: string, set: RegExp]>>> = {
  docker: ['/etc/docker/daemon.json', /"dns"\s*:\s*\[\s*"/],
  podman: ['/etc/containers/containers.conf', /^\s*dns_servers\s*=\s*\[\s*["']/m],
};

export interface ServersAtStart {
  /** Of the host; the runner asks none of them now. */
  readonly servers: readonly string[];
  /** The runner would ask one of them first. */
  readonly isFirstNew: boolean;
  /** The file of the host that has them. */
  readonly file: string;
  /** Where others are set for the container, after "set": at its next start it gets those again. */
  readonly setBy?: string;
  /** Asks them for a name, as the container would. */
  ask(name: string): Promise<readonly Query[]>;
}

type Looks = Pick<
  Tools,
  'place' | 'paths' | 'process' | 'program' | 'clock' | 'signal' | 'dnsPort'
>;

/** Undefined outside of containers, and where a start would bring nothing new. */
export async function serversAtStart(
  found: Resolution,
  tools: Looks,
): Promise<ServersAtStart | undefined> {
  const { resolver, hostPaths } = tools.place;
  if (resolver === undefined || hostPaths === undefined) return undefined;
  const own = await textOf(tools.paths, RESOLV_CONF);
  const [copied, setBy] = await Promise.all([
    copiedServers(resolver, isEngines(found), hostPaths),
    placeOfSetting(resolver, own, hostPaths),
  ]);
  const known = isEngines(found)
    ? serversOfEngine(own, copied, tools)
    : serversOfFile(found, resolver, hostPaths);
  const servers = copied.servers.filter((server) => known?.includes(server) === false);
  if (servers.length === 0) return undefined;
  return {
    servers,
    isFirstNew: servers[0] === copied.servers[0],
    file: copied.file,
    ...(setBy === undefined ? {} : { setBy }),
    ask: async (name) => await askAsContainer(name, servers, tools, hostPaths),
  };
}

/** The name server is Docker's own, in the network of the container. */
function isEngines({ servers }: Resolution): boolean {
  return forwarderOf(servers)?.name === "Docker's DNS server";
}

interface Copied {
  readonly file: string;
  readonly servers: readonly string[];
  readonly changedAt: Instant | undefined;
}

/** In a network of its own a container cannot ask the loopback of the host; Docker's server does that for it. */
async function copiedServers(
  { hasHostNetwork }: PlaceResolver,
  isForwarded: boolean,
  hostPaths: Paths,
): Promise<Copied> {
  const read = async (file: string): Promise<Copied> => {
    const { servers, isFallback } = parseResolvConf(await textOf(hostPaths, file));
    const all = isFallback ? [] : servers;
    const usable = all.filter(
      (server) => hasHostNetwork || isForwarded || !isLoopbackAddress(server),
    );
    const info = await statIn(hostPaths, file).catch(() => undefined);
    return { file, servers: usable, changedAt: info?.mtimeMs };
  };
  const stub = parseResolvConf(await textOf(hostPaths, RESOLV_CONF)).servers;
  const isStub = stub.length === 1 && stub[0] === STUB;
  return await read(isStub && !hasHostNetwork ? BEHIND_STUB : RESOLV_CONF);
}

async function placeOfSetting(
  { engine, servers, mountedFrom, where }: PlaceResolver,
  own: string,
  hostPaths: Paths,
): Promise<string | undefined> {
  if (mountedFrom !== undefined && mountedFrom !== RESOLV_CONF) return `in ${mountedFrom}`;
  if (servers.length > 0) return where;
  const [file, set] = ENGINE_SETTINGS[engine] ?? [];
  if (file !== undefined && set?.test(await textOf(hostPaths, file)) === true) {
    return `in ${file}, for all containers`;
  }
  // Docker says so in the file that it writes; then it was started with an option.
  return /^# Overrides: \[.*nameservers/m.test(own) ? 'in the options of Docker' : undefined;
}

/** An older Docker does not name those that it asks: it took them when the container started. */
function serversOfEngine(
  own: string,
  { changedAt }: Copied,
  { process }: Looks,
): readonly string[] | undefined {
  const named = upstreamsNamed(own);
  if (named !== undefined) return named;
  const isNewer = process !== undefined && changedAt !== undefined && changedAt > process.startedAt;
  return isNewer ? [] : undefined;
}

/** A server on the host itself may be one of the engine for this network, which is no copy. */
function serversOfFile(
  { servers, isFallback }: Resolution,
  { hasHostNetwork }: PlaceResolver,
  hostPaths: Paths,
): readonly string[] | undefined {
  if (isFallback) return [];
  const isOfHost = (server: string): boolean =>
    inNetworkOf(hostPaths, () => !isForeignAddress(server));
  return !hasHostNetwork && servers.some((server) => isOfHost(server)) ? undefined : servers;
}

async function askAsContainer(
  name: string,
  servers: readonly string[],
  tools: Looks,
  hostPaths: Paths,
): Promise<readonly Query[]> {
  const deps = lookupOptionsOf(tools);
  const [onHost, onOwn] = [true, false].map((isOnHost) =>
    servers.filter((server) => isLoopbackAddress(server) === isOnHost),
  );
  const answers = await Promise.all([
    queryEachServer(name, onOwn ?? [], deps),
    inNetworkOf(hostPaths, async () => await queryEachServer(name, onHost ?? [], deps)),
  ]);
  return answers.flat();
}

async function textOf(paths: Paths, path: string): Promise<string> {
  return await readTextIn(paths, path).catch(() => '');
}
