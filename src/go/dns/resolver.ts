/**
 * What the runner gets when it resolves a name: Go's pure resolver (docs/reference/go-network.md#name-lookup). It
 * reads the order in nsswitch.conf, the hosts file and resolv.conf, queries A and AAAA in parallel and waits for both,
 * asks the next server only after a failure, and tries the search list also after NXDOMAIN.
 */
import { isIP } from 'node:net';
import { hostname } from 'node:os';

import { DeadlineError } from '../../core/abort.ts';
import type { Clock } from '../../core/clock.ts';
import type { Outcome, Query, RecordType, Resolution } from '../../core/lookup.ts';
import type { Paths } from '../../core/paths.ts';
import { sortLikeGo } from './address-order.ts';
import { sendQuery } from './query.ts';
import type { Source } from './hosts-file.ts';
import { lookUpHosts, lookupOrder } from './hosts-file.ts';
import type { ResolvConf } from './resolv-conf.ts';
import { namesToTry, parseResolvConf } from './resolv-conf.ts';
import { readTextIn } from '../../host/fs/in-root.ts';

const DNS_PORT = 53;

export interface ResolveOptions {
  readonly paths: Paths;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** 53, except in tests. */
  readonly port?: number | undefined;
  /** False where queries announce no EDNS. */
  readonly edns?: boolean;
  /** For a second opinion: as if the hosts file were empty. */
  readonly isWithoutHosts?: boolean;
  /** Reads a file of the root with more care than usual. */
  readonly read?: (path: string) => Promise<string | undefined>;
}

/**
 * A deadline in the signal ends the lookup with the queries so far; it rejects only when the signal aborts for another
 * reason. The files are read each time, so a change takes effect at the next lookup.
 */
export async function resolveLikeGo(name: string, deps: ResolveOptions): Promise<Resolution> {
  const empty = { name, servers: [], isFallback: false, names: [], queries: [] };
  if (isIP(name) !== 0) {
    return { ...empty, addresses: await sortLikeGo([name]), source: 'literal' };
  }
  const read =
    deps.read ?? ((path: string): Promise<string | undefined> => readText(path, deps.paths));
  const order = lookupOrder(await read('/etc/nsswitch.conf'));
  const conf = parseResolvConf(await read('/etc/resolv.conf'), domainOfHost());
  const { servers, isFallback } = conf;
  const nothing: Resolution = { ...empty, addresses: [], source: 'none' };
  const known = order.includes('dns') ? { ...nothing, servers, isFallback } : nothing;
  let missed: Resolution = known;
  for (const source of order) {
    if (source === 'dns') {
      missed = await lookUpDns(known, conf, deps);
      if (missed.addresses.length > 0) return missed;
    } else if (deps.isWithoutHosts !== true) {
      const found = lookUpHosts((await read('/etc/hosts')) ?? '', name);
      if (found.length > 0) {
        return { ...missed, addresses: await sortLikeGo(found), source: 'hosts' };
      }
    }
  }
  const disabled = await disabledSource(name, order, read);
  return disabled === undefined ? missed : { ...missed, disabled };
}

async function disabledSource(
  name: string,
  order: readonly Source[],
  read: (path: string) => Promise<string | undefined>,
): Promise<Source | undefined> {
  if (!order.includes('dns')) return 'dns';
  const isKept = !order.includes('files');
  return isKept && lookUpHosts((await read('/etc/hosts')) ?? '', name).length > 0
    ? 'files'
    : undefined;
}

function domainOfHost(): string {
  return hostname().split('.').slice(1).join('.');
}

async function readText(path: string, paths: Paths): Promise<string | undefined> {
  return await readTextIn(paths, path).catch(() => undefined);
}

async function lookUpDns(
  known: Resolution,
  conf: ResolvConf,
  deps: ResolveOptions,
): Promise<Resolution> {
  const names = namesToTry(known.name, conf);
  const queries: Query[] = [];
  // With `rotate` each question of a lookup starts one server further on.
  let turn = 0;
  const serversInTurn = (): readonly string[] => {
    const from = conf.rotate ? turn++ % conf.servers.length : 0;
    return [...conf.servers.slice(from), ...conf.servers.slice(0, from)];
  };
  for (const candidate of names) {
    if (isPastDeadline(deps.signal)) break;
    const lookups = TYPES.map(
      (type) => (): Promise<readonly string[]> =>
        lookUpType(candidate, type, { ...conf, servers: serversInTurn() }, deps, queries),
    );
    const found = conf.singleRequest
      ? await lookUpInSequence(lookups)
      : await lookUpInParallel(lookups);
    if (found.length === 0) continue;
    return { ...known, names, queries, addresses: await sortLikeGo(found), source: 'dns' };
  }
  return { ...known, names, queries, addresses: [], source: 'none' };
}

const TYPES: readonly RecordType[] = ['A', 'AAAA'];

type Lookup = () => Promise<readonly string[]>;

/** Both families at once; the call waits for both, as Go's does. */
async function lookUpInParallel(lookups: readonly Lookup[]): Promise<readonly string[]> {
  return (await Promise.all(lookups.map((lookup) => lookup()))).flat();
}

async function lookUpInSequence(lookups: readonly Lookup[]): Promise<readonly string[]> {
  const found: (readonly string[])[] = [];
  for (const lookup of lookups) found.push(await lookup());
  return found.flat();
}

const FINAL: ReadonlySet<Outcome> = new Set(['answer', 'nxdomain', 'nodata']);

/** Server after server, round after round, until one gives a final answer. */
async function lookUpType(
  name: string,
  type: RecordType,
  { servers, attempts, timeoutSeconds, useTcp }: ResolvConf,
  { clock, signal, port = DNS_PORT, edns = true }: ResolveOptions,
  queries: Query[],
): Promise<readonly string[]> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    for (const server of servers) {
      if (isPastDeadline(signal)) return [];
      const query = await sendQuery(
        { name, server, port, type, timeoutSeconds, useTcp, edns },
        clock,
        signal,
      );
      queries.push(query);
      if (FINAL.has(query.outcome)) return query.addresses;
    }
  }
  return [];
}

function isPastDeadline({ aborted, reason }: AbortSignal): boolean {
  return aborted && reason instanceof DeadlineError;
}

/**
 * The end of a lookup without addresses that our own deadline cut short, as the runner waits longer: with a dead first
 * server one lost packet costs it three timeouts. Each server is queried once more; a final answer is one that the runner gets
 * when the turn of that server comes.
 */
export async function completeLookup(found: Resolution, deps: ResolveOptions): Promise<Resolution> {
  const name = found.queries.at(-1)?.name;
  if (name === undefined) return found;
  const answers = await queryEachServer(name, found.servers, deps);
  const final = answers.filter(({ outcome }) => FINAL.has(outcome));
  const queries = [...found.queries, ...final];
  const addresses = final.flatMap((query) => query.addresses);
  if (addresses.length === 0) return { ...found, queries };
  return { ...found, queries, addresses: await sortLikeGo(addresses), source: 'dns' };
}

/** A cross-check must be quick. */
const CROSS_CHECK_SECONDS = 1.5;

/** The answers of these servers for a name, each queried once for both families, all in parallel. */
export async function queryEachServer(
  name: string,
  servers: readonly string[],
  { clock, signal, port = DNS_PORT, edns = true }: ResolveOptions,
): Promise<readonly Query[]> {
  const timeoutSeconds = CROSS_CHECK_SECONDS;
  return await Promise.all(
    servers.flatMap((server) =>
      TYPES.map((type) =>
        sendQuery({ name, server, port, type, timeoutSeconds, edns }, clock, signal),
      ),
    ),
  );
}
