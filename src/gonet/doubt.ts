/**
 * The runner has no address for a name, or one that does not answer. Would it have another one, if the hosts
 * file or the first name server did not decide? Asks the others once, and dials what they say: the one factor
 * that makes the difference, or nothing.
 */
import type { Address } from '../core/probe.ts';
import { inGoOrder } from './address-order.ts';
import { dialLikeGo } from './dial.ts';
import type { Query } from './dns-query.ts';
import { addressesByServer, decisive, lookupText } from './lookup-judgement.ts';
import type { Resolution, ResolveLoan } from './resolver.ts';
import { askEach, resolveLikeGo } from './resolver.ts';

const DIAL_SECONDS = 2;
/** More would be load, not evidence. */
const MOST_DIALLED = 3;

export interface Difference {
  /** The hosts file decided; else it was a name server. */
  readonly isPinned: boolean;
  readonly detail: string;
  readonly facts: Readonly<Record<string, string>>;
}

/** True when somebody else could be asked at all. */
export function mayDiffer({ source, servers }: Resolution): boolean {
  return source === 'hosts' ? servers.length > 0 : source === 'dns' && servers.length > 1;
}

export async function differenceOf(
  found: Resolution,
  port: number,
  loan: ResolveLoan,
): Promise<Difference | undefined> {
  const used = new Set(found.addresses.map(({ address }) => address));
  const said = await others(found, loan);
  const other = [...said].flatMap(([server, addresses]) =>
    addresses.filter((address) => !used.has(address)).map((address) => ({ server, address })),
  );
  const distinct = [...new Set(other.map(({ address }) => address))].slice(0, MOST_DIALLED);
  const right = await answering(distinct, port, loan);
  if (right === undefined) return undefined;
  const isPinned = found.source === 'hosts';
  const wrongSource = isPinned ? '/etc/hosts' : serversThatSaid(found).join(', ');
  const rightSource = other.find(({ address }) => address === right.address)?.server ?? '';
  const wrong = [...used].join(', ');
  const factor = isPinned ? 'hosts file or DNS' : 'which name server';
  return {
    isPinned,
    detail: `${wrongSource} says ${found.name} is ${wrong}, which does not answer; ${rightSource} says ${right.address}, which does`,
    facts: {
      factor,
      wrong,
      wrong_source: wrongSource,
      right: right.address,
      right_source: rightSource,
    },
  };
}

/** The name has no address; true to life, Go asks no further server after such an answer. */
export async function betterAnswer(
  found: Resolution,
  loan: ResolveLoan,
): Promise<{ readonly queries: readonly Query[]; readonly difference?: Difference }> {
  const asked = decisive(found);
  const silent = found.servers.filter((server) => !asked.some((query) => query.server === server));
  const [name] = asked.map((query) => query.name);
  if (name === undefined || silent.length === 0) return { queries: asked };
  const opinions = await askEach(name, silent, loan);
  const queries = [...asked, ...opinions];
  const [better] = addressesByServer(opinions);
  if (better === undefined) return { queries };
  const [rightSource, addresses] = better;
  const right = addresses.join(', ');
  const wrongSource = [...new Set(asked.map(({ server }) => server))].join(', ');
  const facts = { factor: 'which name server', wrong: 'no address', wrong_source: wrongSource };
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
  loan: ResolveLoan,
): Promise<ReadonlyMap<string, readonly string[]>> {
  if (found.source === 'hosts') {
    const { queries } = await resolveLikeGo(found.name, { ...loan, isWithoutHosts: true });
    return addressesByServer(queries);
  }
  const deciding = serversThatSaid(found);
  const rest = found.servers.filter((server) => !deciding.includes(server));
  const name = found.queries.findLast(({ addresses }) => addresses.length > 0)?.name ?? found.name;
  return addressesByServer(await askEach(name, rest, loan));
}

function serversThatSaid({ queries }: Resolution): readonly string[] {
  return [...addressesByServer(queries).keys()];
}

async function answering(
  addresses: readonly string[],
  port: number,
  { clock, signal }: ResolveLoan,
): Promise<Address | undefined> {
  if (addresses.length === 0) return undefined;
  const loan = { clock, signal, timeoutSeconds: DIAL_SECONDS };
  const { socket, address } = await dialLikeGo(await inGoOrder(addresses), port, loan);
  socket?.destroy();
  return address;
}
