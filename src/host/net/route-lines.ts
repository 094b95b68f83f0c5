/** The routing table as short lines that change only when a route changes, from /proc/net/route and ipv6_route. */
import { endianness } from 'node:os';

import type { Paths } from '../../core/paths.ts';
import { readProc } from '../proc/proc-files.ts';

const UP = 0x1;
const REJECT = 0x2_00;
/** RTF_LOCAL: to an address of this host, which has a line once no neighbour has claimed it. */
const LOCAL = 0x80_00_00_00;
const LOOPBACK = 'lo';
/** Of a route that leads nowhere. */
const NO_DEVICE = '*';
const NO_GATEWAY = /^[0:.]*$/;

/** `0.0.0.0/0 via 10.0.0.1 dev eth0`, sorted; undefined when the kernel's table cannot be read. */
export async function readRouteLines(paths: Paths): Promise<readonly string[] | undefined> {
  const [ipv4, ipv6] = await Promise.all([
    readProc(paths, 'net/route'),
    readProc(paths, 'net/ipv6_route'),
  ]);
  if (ipv4 === undefined) return undefined;
  return [...ipv4Lines(ipv4), ...ipv6Lines(ipv6 ?? '')].toSorted();
}

export function ipv4Lines(text: string): readonly string[] {
  return text
    .split('\n')
    .slice(1)
    .flatMap((line): readonly string[] => {
      const [name = '', destination = '', gateway = '', flags = '', , , metric = '', mask = ''] =
        line.trim().split(/\s+/);
      if (mask === '' || !isUp(flags)) return [];
      const bits = Number.parseInt(mask, 16).toString(2).replaceAll('0', '').length;
      const where = `${ipv4Of(destination)}/${bits}`;
      return [lineOf({ where, gateway: ipv4Of(gateway), name, metric, flags })];
    });
}

/** Routes within this host are left out: they come and go with its addresses. */
export function ipv6Lines(text: string): readonly string[] {
  return text.split('\n').flatMap((line): readonly string[] => {
    const [destination = '', bits = '', , , gateway = '', metric = '', , , flags = '', name = ''] =
      line.trim().split(/\s+/);
    if (destination.length !== 32 || isLocal(flags) || isRejectByDefault(flags, bits)) return [];
    if (name === LOOPBACK && !isRejected(flags)) return [];
    const where = `${ipv6Of(destination)}/${Number.parseInt(bits, 16)}`;
    const priority = String(Number.parseInt(metric, 16));
    return [lineOf({ where, gateway: ipv6Of(gateway), name, metric: priority, flags })];
  });
}

interface Route {
  readonly where: string;
  readonly gateway: string;
  readonly name: string;
  readonly metric: string;
  readonly flags: string;
}

function lineOf({ where, gateway, name, metric, flags }: Route): string {
  const cost = metric === '0' ? '' : ` metric ${metric}`;
  if (isRejected(flags)) return `unreachable ${where}${cost}`;
  if (name === NO_DEVICE) return `blackhole ${where}${cost}`;
  const via = NO_GATEWAY.test(gateway) ? '' : ` via ${gateway}`;
  return `${where}${via} dev ${name}${cost}`;
}

function isUp(flags: string): boolean {
  return (Number.parseInt(flags, 16) & UP) !== 0;
}

function isRejected(flags: string): boolean {
  return (Number.parseInt(flags, 16) & REJECT) !== 0;
}

/** Not in use, or to this host itself. */
function isLocal(flags: string): boolean {
  return !isUp(flags) || (Number.parseInt(flags, 16) & LOCAL) !== 0;
}

/** Without a default route the kernel shows one that rejects. */
function isRejectByDefault(flags: string, bits: string): boolean {
  return isRejected(flags) && Number.parseInt(bits, 16) === 0;
}

/** The kernel prints the number as this machine holds it in memory. */
function ipv4Of(hex: string): string {
  const bytes = [...Buffer.from(hex.padStart(8, '0'), 'hex')];
  return (endianness() === 'LE' ? bytes.toReversed() : bytes).join('.');
}

/** The longest run of zero groups is left out, as in the usual notation. */
function ipv6Of(hex: string): string {
  const groups = (hex.match(/.{4}/g) ?? []).map((group) => group.replace(/^0{1,3}/, ''));
  const text = `:${groups.join(':')}:`;
  const longest = (text.match(/(?::0){2,}:/g) ?? []).toSorted((a, b) => b.length - a.length)[0];
  const short = longest === undefined ? text : text.replace(longest, '::');
  return short.replace(/^:(?!:)/, '').replace(/(?<!:):$/, '');
}
