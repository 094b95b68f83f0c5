/**
 * Is there a route from this host to an address, and is its interface up? From /proc/net/route, /proc/net/ipv6_route
 * and /sys/class/net. These contain only the main table, so a missing route proves nothing: a policy route may exist.
 * A route over an interface that is down is proof, and so is a route of a rejecting kind.
 */
import { readFile } from 'node:fs/promises';
import { BlockList, isIPv6 } from 'node:net';
import { endianness } from 'node:os';
import { join } from 'node:path';

import { isLoopbackAddress } from '../../core/address.ts';
import type { Paths } from '../../core/paths.ts';
import { addressesByInterface } from './own-addresses.ts';
import { readProc } from '../proc/proc-files.ts';

export interface Route {
  readonly family: 'ipv4' | 'ipv6';
  /** Network address, as text. */
  readonly network: string;
  readonly bits: number;
  readonly interface: string;
  /** Absent where the peer is on the network of the interface itself. */
  readonly gateway?: string;
  /** A route of kind blackhole, unreachable or prohibit (ip-route(8)). */
  readonly isClosed: boolean;
}

const UP = 0x1;
const REJECT = 0x2_00;
const LOOPBACK = 'lo';
/** IPv4 lines without an interface: the only sign of a blackhole. */
const NO_INTERFACE = '*';
/** The kernel's own last IPv6 line, which means "no route". */
const LAST_METRIC = 'ffffffff';

/** Lines of /proc/net/route. */
export function parseIpv4Routes(text: string): readonly Route[] {
  return text
    .split('\n')
    .slice(1)
    .flatMap((line): readonly Route[] => {
      const [name = '', destination = '', gateway = '', flags = '', , , , mask = ''] = line
        .trim()
        .split(/\s+/);
      const isClosed = hasFlag(flags, REJECT) || name === NO_INTERFACE;
      if (mask === '' || !(isClosed || hasFlag(flags, UP))) return [];
      const bits = Number.parseInt(mask, 16).toString(2).replaceAll('0', '').length;
      const target = { family: 'ipv4', network: ipv4Of(destination), bits } as const;
      return [{ ...target, interface: name, ...gatewayOf(ipv4Of(gateway)), isClosed }];
    });
}

/** The kernel prints the number as this machine holds it in memory. */
function ipv4Of(hex: string): string {
  const bytes = [...Buffer.from(hex.padStart(8, '0'), 'hex')];
  return (endianness() === 'LE' ? bytes.toReversed() : bytes).join('.');
}

/** Lines of /proc/net/ipv6_route about what is outside of this host, or a network of it. */
export function parseIpv6Routes(text: string): readonly Route[] {
  return text.split('\n').flatMap((line): readonly Route[] => {
    const fields = line.trim().split(/\s+/);
    const [destination = '', prefix = '', , , gateway = '', metric = ''] = fields;
    const [flags = '', name = ''] = fields.slice(-2);
    const isClosed = hasFlag(flags, REJECT);
    const leadsOut = hasFlag(flags, UP) && name !== LOOPBACK;
    if (destination.length !== 32 || metric === LAST_METRIC || !(isClosed || leadsOut)) return [];
    const bits = Number.parseInt(prefix, 16);
    const target = { family: 'ipv6', network: ipv6Of(destination), bits } as const;
    return [{ ...target, interface: name, ...gatewayOf(ipv6Of(gateway)), isClosed }];
  });
}

function ipv6Of(hex: string): string {
  return (hex.match(/.{4}/g) ?? []).join(':');
}

/** The kernel prints zeros where there is none. */
function gatewayOf(gateway: string): Pick<Route, 'gateway'> {
  return /[1-9a-f]/.test(gateway) ? { gateway } : {};
}

function hasFlag(flags: string, flag: number): boolean {
  return (Number.parseInt(flags, 16) & flag) !== 0;
}

/** The line that the kernel would follow: the longest prefix. */
function routeTo(address: string, routes: readonly Route[]): Route | undefined {
  const family = isIPv6(address) ? 'ipv6' : 'ipv4';
  return routes
    .filter((route) => route.family === family && isWithin(address, route))
    .toSorted((a, b) => b.bits - a.bits)[0];
}

function isWithin(address: string, { family, network, bits }: Route): boolean {
  const list = new BlockList();
  list.addSubnet(network, bits, family);
  return list.check(address.split('%')[0] ?? '', family);
}

/** The line of the kernel's table for an address. */
export async function findRoute(address: string, paths: Paths): Promise<Route | undefined> {
  const known = await readRoutes(paths);
  return known && routeTo(address, known.routes);
}

interface HostRoutes {
  readonly routes: readonly Route[];
  /** Interfaces of these routes that are down, or have no carrier. */
  readonly down: readonly string[];
}

/** Undefined when the kernel's table cannot be read: then no route is known. */
async function readRoutes(paths: Paths): Promise<HostRoutes | undefined> {
  const ipv4 = await readProc(paths, 'net/route');
  const ipv6 = await readProc(paths, 'net/ipv6_route');
  if (ipv4 === undefined) return undefined;
  const routes = [...parseIpv4Routes(ipv4), ...parseIpv6Routes(ipv6 ?? '')];
  const open = routes.filter(({ isClosed }) => !isClosed).map((route) => route.interface);
  const names = [...new Set(open)].filter((name) => name !== LOOPBACK);
  const states = await Promise.all(
    names.map(async (name) => ({ name, isDown: await isDown(name, paths) })),
  );
  return { routes, down: states.filter((state) => state.isDown).map(({ name }) => name) };
}

/**
 * A /sys that was mounted in another network namespace does not know the interface; then what counts is whether
 * the system lists it among those that are up and have a carrier.
 */
async function isDown(name: string, paths: Paths): Promise<boolean> {
  // An interface of ours may have the same name.
  if (paths.network !== undefined) return !isListed(name);
  const file = join(paths.sysfs, 'class/net', name, 'operstate');
  const state = await readFile(file, 'utf8').catch(() => undefined);
  if (state === undefined) return !isListed(name);
  return /^(?:down|lowerlayerdown)$/.test(state.trim());
}

function isListed(name: string): boolean {
  const known = addressesByInterface();
  return known === undefined || known[name] !== undefined;
}

/**
 * Why none of these addresses can be reached, as a clause; undefined when the table proves nothing. A resolver on this
 * host is always reached, but cannot reach its own upstream when no route leads out of the host.
 */
export async function findRouteObstacle(
  addresses: readonly string[],
  paths: Paths,
): Promise<string | undefined> {
  const known = await readRoutes(paths);
  if (known === undefined || addresses.length === 0) return undefined;
  if (addresses.every((address) => isLoopbackAddress(address))) {
    return isOffline(known)
      ? `this host has no usable route to any network${downInterfacesText(known)}`
      : undefined;
  }
  const obstacles = addresses
    .filter((address) => !isLoopbackAddress(address))
    .map((address) => closedRouteText(address, known) ?? downInterfaceTo(address, known));
  return obstacles.includes(undefined) ? undefined : [...new Set(obstacles)].join(', ');
}

/**
 * Why this host itself reports "unreachable" or "prohibited" for all of these addresses; undefined when it does not.
 */
export async function findClosedRoute(
  addresses: readonly string[],
  paths: Paths,
): Promise<string | undefined> {
  const known = await readRoutes(paths);
  if (known === undefined || addresses.length === 0) return undefined;
  const closed = addresses.map((address) => closedRouteText(address, known));
  return closed.includes(undefined) ? undefined : [...new Set(closed)].join(', ');
}

function closedRouteText(address: string, { routes }: HostRoutes): string | undefined {
  const route = routeTo(address, routes);
  return route?.isClosed === true
    ? `the route ${route.network}/${route.bits} in this host's routing table rejects ${address}`
    : undefined;
}

/** The interface of the route to the address, when that interface is down. */
function downInterfaceTo(address: string, { routes, down }: HostRoutes): string | undefined {
  const name = routeTo(address, routes)?.interface;
  return name !== undefined && down.includes(name) ? `${name} is down` : undefined;
}

/** No route leads out of this host, or all of them are down: no resolver on it can reach its upstream. */
function isOffline({ routes, down }: HostRoutes): boolean {
  return routes.every(
    (route) => route.isClosed || route.interface === LOOPBACK || down.includes(route.interface),
  );
}

function downInterfacesText({ down }: HostRoutes): string {
  return down.length === 0 ? '' : `, ${down.join(', ')} is down`;
}
