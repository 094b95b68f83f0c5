/**
 * The runner has no address for a name, or one that does not answer, or not as GitLab. Would it have another one,
 * if the hosts file or the first name server did not decide? Asks the others once, and dials what they say: the
 * one factor that makes the difference, or nothing.
 */
import type { ProbeResult } from '../core/finding.ts';
import { reasonOf } from '../core/finding.ts';
import type { Address } from '../core/probe.ts';
import { sortLikeGo } from './dns/address-order.ts';
import { dialLikeGo } from './dial/dial.ts';
import type { DialledHostPort } from './dial/first-hop.ts';
import type { Query } from './dns/query.ts';
import { handshakeLikeGo } from './tls/handshake.ts';
import { addressesByServer, decisiveQueries, lookupText } from './dns/lookup-judgement.ts';
import type { Resolution, ResolveOptions } from './dns/resolver.ts';
import { queryEachServer, resolveLikeGo } from './dns/resolver.ts';
import type { Trust } from './tls/trust.ts';

const DIAL_SECONDS = 2;
/** More would be load, not evidence. */
const MOST_DIALLED = 3;

export interface Difference {
  /** The hosts file decided; else it was a name server. */
  readonly isPinned: boolean;
  readonly detail: string;
  readonly facts: Readonly<Record<string, string>>;
}

/** What the address in use does not stand up to, and whether another one does. */
export interface Trial {
  readonly kind: 'answer' | 'certificate';
  /** The first address that passes. */
  first(addresses: readonly string[]): Promise<Address | undefined>;
}

const WORDS: Readonly<Record<Trial['kind'], readonly [wrong: string, right: string]>> = {
  answer: ['does not answer', 'does'],
  certificate: ['shows a certificate that the runner refuses', 'shows one that it accepts'],
};

/** True when somebody else could be asked at all. */
export function mayDiffer({ source, servers }: Resolution): boolean {
  return source === 'hosts' ? servers.length > 0 : source === 'dns' && servers.length > 1;
}

export async function differenceOf(
  found: Resolution,
  trial: Trial,
  deps: ResolveOptions,
): Promise<Difference | undefined> {
  const used = new Set(found.addresses.map(({ address }) => address));
  const said = await others(found, deps);
  const other = [...said].flatMap(([server, addresses]) =>
    addresses.filter((address) => !used.has(address)).map((address) => ({ server, address })),
  );
  const distinct = [...new Set(other.map(({ address }) => address))].slice(0, MOST_DIALLED);
  const right = await trial.first(distinct);
  if (right === undefined) return undefined;
  const isPinned = found.source === 'hosts';
  const wrongServers = isPinned ? [] : serversThatSaid(found);
  const wrongSource = isPinned ? '/etc/hosts' : wrongServers.join(', ');
  const rightSource = other.find(({ address }) => address === right.address)?.server ?? '';
  const wrong = [...used].join(', ');
  const factor = isPinned ? 'hosts file or DNS' : 'which name server';
  const [isWrong, isRight] = WORDS[trial.kind];
  return {
    isPinned,
    detail: `${wrongSource} says ${found.name} is ${wrong}, which ${isWrong}; ${rightSource} says ${right.address}, which ${isRight}`,
    facts: {
      factor,
      trial: trial.kind,
      wrong,
      wrong_source: wrongSource,
      ...(wrongServers[0] === undefined ? {} : { wrong_server: wrongServers[0] }),
      right: right.address,
      right_source: rightSource,
    },
  };
}

/** The name has no address; true to life, Go asks no further server after such an answer. */
export async function betterAnswer(
  found: Resolution,
  deps: ResolveOptions,
): Promise<{ readonly queries: readonly Query[]; readonly difference?: Difference }> {
  const asked = decisiveQueries(found);
  const silent = found.servers.filter((server) => !asked.some((query) => query.server === server));
  const [name] = asked.map((query) => query.name);
  if (name === undefined || silent.length === 0) return { queries: asked };
  const opinions = await queryEachServer(name, silent, deps);
  const queries = [...asked, ...opinions];
  const [better] = addressesByServer(opinions);
  if (better === undefined) return { queries };
  const [rightSource, addresses] = better;
  const right = addresses.join(', ');
  const wrongServers = [...new Set(asked.map(({ server }) => server))];
  const facts = {
    factor: 'which name server',
    wrong: 'no address',
    wrong_source: wrongServers.join(', '),
    ...(wrongServers[0] === undefined ? {} : { wrong_server: wrongServers[0] }),
  };
  const detail = `${lookupText(found)}; ${rightSource} says ${right}`;
  const difference = {
    isPinned: false,
    detail,
    facts: { ...facts, right, right_source: rightSource },
  };
  return { queries, difference };
}

/** What the servers say that did not decide. */
async function others(
  found: Resolution,
  deps: ResolveOptions,
): Promise<ReadonlyMap<string, readonly string[]>> {
  if (found.source === 'hosts') {
    const { queries } = await resolveLikeGo(found.name, { ...deps, isWithoutHosts: true });
    return addressesByServer(queries);
  }
  const deciding = serversThatSaid(found);
  const rest = found.servers.filter((server) => !deciding.includes(server));
  const name = found.queries.findLast(({ addresses }) => addresses.length > 0)?.name ?? found.name;
  return addressesByServer(await queryEachServer(name, rest, deps));
}

function serversThatSaid({ queries }: Resolution): readonly string[] {
  return [...addressesByServer(queries).keys()];
}

/** Ends of a handshake that somebody else than GitLab may stand for. */
const STRANGE: readonly (string | undefined)[] = [
  'name-mismatch',
  'no-san',
  'unknown-authority',
  'self-signed',
  'plaintext-server',
];

/** What another address would have to do better; undefined when what failed says nothing about the address. */
export async function trialOf(
  { check, finding }: ProbeResult,
  place: DialledHostPort,
  deps: ResolveOptions,
  loadTrust: () => Promise<Trust>,
): Promise<Trial | undefined> {
  if (!check.startsWith('tls@')) return answerTrial(place.port, deps);
  if (!STRANGE.includes(reasonOf(finding))) return undefined;
  return certificateTrial(place, await loadTrust(), deps);
}

/** Does it answer on its port? */
function answerTrial(port: number, { clock, signal }: ResolveOptions): Trial {
  const deps = { clock, signal, timeoutSeconds: DIAL_SECONDS };
  const first = async (addresses: readonly string[]): Promise<Address | undefined> => {
    if (addresses.length === 0) return undefined;
    const { socket, address } = await dialLikeGo(await sortLikeGo(addresses), port, deps);
    socket?.destroy();
    return address;
  };
  return { kind: 'answer', first };
}

/** Would the runner accept its certificate? */
function certificateTrial(
  { host, port }: DialledHostPort,
  trust: Trust,
  { clock, signal }: ResolveOptions,
): Trial {
  const isAccepted = async (address: Address): Promise<boolean> => {
    const deps = { clock, signal, timeoutSeconds: DIAL_SECONDS };
    const { socket } = await dialLikeGo([address], port, deps);
    if (socket === undefined) return false;
    const shaken = await handshakeLikeGo(socket, { host, trust, now: clock.wall(), signal });
    socket.destroy();
    return shaken.kind === 'secured';
  };
  const first = async (addresses: readonly string[]): Promise<Address | undefined> => {
    const ordered = await sortLikeGo(addresses);
    const accepted = await Promise.all(ordered.map((address) => isAccepted(address)));
    return ordered[accepted.indexOf(true)];
  };
  return { kind: 'certificate', first };
}
