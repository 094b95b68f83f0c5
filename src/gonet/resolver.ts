/**
 * What does the runner get when it looks a name up? Go's pure resolver (network reference, section 5):
 * nsswitch order, hosts file, resolv.conf, A and AAAA in parallel and waiting for both, the next server
 * only after a server's failure, the search list also after "no such name".
 */
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';

import { DeadlineError } from '../core/abort.ts';
import type { Clock } from '../core/clock.ts';
import type { Paths } from '../core/paths.ts';
import { inRoot } from '../core/paths.ts';
import type { Address } from '../core/probe.ts';
import type { Outcome, Query } from './dns-query.ts';
import { ask } from './dns-query.ts';
import { lookupHosts, lookupOrder } from './hosts-file.ts';
import type { ResolvConf } from './resolv-conf.ts';
import { namesToTry, parseResolvConf } from './resolv-conf.ts';

const DNS_PORT = 53;

export interface Resolution {
  /** As it was asked for. */
  readonly name: string;
  /** In the order in which Go dials them; empty when the lookup failed. */
  readonly addresses: readonly Address[];
  readonly source: 'literal' | 'hosts' | 'dns' | 'none';
  readonly servers: readonly string[];
  /** resolv.conf names no server, so this host's own port 53 was asked. */
  readonly isFallback: boolean;
  /** Names asked for, with the search list applied. */
  readonly names: readonly string[];
  /** Every question and its end, as evidence. */
  readonly queries: readonly Query[];
}

export interface ResolveLoan {
  readonly paths: Paths;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** 53, except in tests. */
  readonly port?: number | undefined;
}

/**
 * A deadline in the signal ends it with what was asked until then; it rejects only when the signal aborts for
 * another reason.
 */
export async function resolveLikeGo(name: string, loan: ResolveLoan): Promise<Resolution> {
  const nothing = { name, servers: [], isFallback: false, names: [], queries: [] };
  if (isIP(name) !== 0) return { ...nothing, addresses: inGoOrder([name]), source: 'literal' };
  const read = (path: string): Promise<string | undefined> => readText(inRoot(loan.paths, path));
  let missed: Resolution = { ...nothing, addresses: [], source: 'none' };
  for (const source of lookupOrder(await read('/etc/nsswitch.conf'))) {
    if (source === 'dns') {
      missed = await lookupDns(name, await read('/etc/resolv.conf'), loan);
      if (missed.addresses.length > 0) return missed;
    } else {
      const found = lookupHosts((await read('/etc/hosts')) ?? '', name);
      if (found.length > 0) return { ...nothing, addresses: inGoOrder(found), source: 'hosts' };
    }
  }
  return missed;
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
}

async function lookupDns(
  name: string,
  text: string | undefined,
  loan: ResolveLoan,
): Promise<Resolution> {
  const conf = parseResolvConf(text, hostname().split('.').slice(1).join('.'));
  const names = namesToTry(name, conf);
  const queries: Query[] = [];
  const { servers, isFallback } = conf;
  const known = { name, servers, isFallback, names, queries };
  for (const candidate of names) {
    if (isOutOfTime(loan.signal)) break;
    const found = await lookupName(candidate, conf, loan, queries);
    if (found.length === 0) continue;
    return { ...known, addresses: inGoOrder(found), source: 'dns' };
  }
  return { ...known, addresses: [], source: 'none' };
}

/** Both families at once; the call waits for both, as Go's does. */
async function lookupName(
  name: string,
  conf: ResolvConf,
  loan: ResolveLoan,
  queries: Query[],
): Promise<readonly string[]> {
  const found = await Promise.all(
    (['A', 'AAAA'] as const).map((type) => lookupType(name, type, conf, loan, queries)),
  );
  return found.flat();
}

const FINAL: ReadonlySet<Outcome> = new Set(['answer', 'nxdomain', 'nodata']);

/** Server after server, round after round, until one gives a final answer. */
async function lookupType(
  name: string,
  type: Query['type'],
  { servers, attempts, timeoutSeconds }: ResolvConf,
  { clock, signal, port = DNS_PORT }: ResolveLoan,
  queries: Query[],
): Promise<readonly string[]> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    for (const server of servers) {
      if (isOutOfTime(signal)) return [];
      const query = await ask({ name, server, port, type, timeoutSeconds }, clock, signal);
      queries.push(query);
      if (FINAL.has(query.outcome)) return query.addresses;
    }
  }
  return [];
}

function isOutOfTime({ aborted, reason }: AbortSignal): boolean {
  return aborted && reason instanceof DeadlineError;
}

/** IPv6 first when this host has a global IPv6 address, else IPv4 first: the core of RFC 6724. */
function inGoOrder(addresses: readonly string[]): readonly Address[] {
  const all = addresses.map((address): Address => ({
    address,
    family: isIP(address) === 6 ? 6 : 4,
  }));
  const first = hasGlobalIpv6() ? 6 : 4;
  return [
    ...all.filter(({ family }) => family === first),
    ...all.filter(({ family }) => family !== first),
  ];
}

function hasGlobalIpv6(): boolean {
  return Object.values(networkInterfaces())
    .flat()
    .some((item) => item?.family === 'IPv6' && !item.internal && !item.address.startsWith('fe80'));
}
