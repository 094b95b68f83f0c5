/**
 * Does another name server or /etc/hosts return a better address?
 *
 * Source    The name servers that Go does not query, or DNS in addition to the hosts file. After a lookup without an address
 *           their answer is enough; otherwise their addresses are dialled, with a TLS handshake if needed, as the runner would.
 * Reasons   servers-disagree, hosts-override: the one factor that changes the result.
 */
import type { Finding } from '../core/finding.ts';
import type { FollowUpTools, Found } from '../core/follow-up.ts';
import { defineFollowUp } from '../core/follow-up.ts';
import { leadToCauses } from '../core/reason.ts';
import type { Query, Resolution } from '../core/lookup.ts';
import type { Address } from '../core/probe.ts';
import type { EndpointTarget } from '../core/target.ts';
import { dialLikeGo } from '../go/dial/dial.ts';
import type { DialledHostPort } from '../go/dial/first-hop.ts';
import { firstHopOf } from '../go/dial/first-hop.ts';
import { sortLikeGo } from '../go/dns/address-order.ts';
import {
  addressesByServer,
  decisiveQueries,
  lookupText,
  outcomesByServer,
} from '../go/dns/lookup-judgement.ts';
import type { ResolveOptions } from '../go/dns/resolver.ts';
import { queryEachServer, resolveLikeGo } from '../go/dns/resolver.ts';
import { handshakeLikeGo } from '../go/tls/handshake.ts';
import { SHARED_TRUST, trustReaderOf } from '../go/tls/trust.ts';
import type { Trust } from '../go/tls/trust.ts';

/** Ends of a handshake that another server than GitLab may cause. */
const STRANGE = [
  'name-mismatch',
  'no-san',
  'unknown-authority',
  'self-signed',
  'plaintext-server',
] as const;

export const dnsCrossCheck = defineFollowUp({
  id: 'dns-cross-check',
  title: 'DNS cross-check',
  question: 'Does another name server or /etc/hosts return a better address?',
  after: ['dns/not-found', 'connect/fail', ...STRANGE.map((reason) => `tls/${reason}`)],
  revises: 'dns',
  cost: 'connections',
  timeoutSeconds: 4,
  rememberSeconds: 60,
  reasons: {
    ...leadToCauses('servers-disagree'),
    ...leadToCauses('hosts-override'),
  },
  measures: {},

  subject: (_target, { walk: { resolution } }) =>
    resolution === undefined || !hasOtherSource(resolution) ? undefined : keyOf(resolution),

  async run(target, tools) {
    const { resolution } = tools.walk;
    if (resolution === undefined) return {};
    const { paths, clock, signal, dnsPort } = tools;
    const deps = { paths, clock, signal, port: dnsPort };
    if (tools.fault.link === 'dns') return await otherAnswer(resolution, deps);
    const trial = await trialOf(target, tools, deps);
    const difference =
      trial === undefined ? undefined : await differenceOf(resolution, trial, deps);
    return difference ?? {};
  },
});

type CrossChecked = Found<'servers-disagree' | 'hosts-override'>;

/** True if another source could be queried. */
function hasOtherSource({ source, servers, addresses }: Resolution): boolean {
  if (addresses.length === 0) return servers.length > 1;
  return source === 'hosts' ? servers.length > 0 : source === 'dns' && servers.length > 1;
}

function keyOf({ name, source, servers, addresses }: Resolution): string {
  return JSON.stringify([name, source, servers, addresses.map(({ address }) => address)]);
}

const DIAL_SECONDS = 2;
/** More would be load, not evidence. */
const MAX_DIALLED = 3;

/** The test that the address in use fails, and whether another one passes it. */
interface Trial {
  readonly kind: 'answer' | 'certificate';
  /** The first address that passes. */
  first(addresses: readonly string[]): Promise<Address | undefined>;
}

const TRIAL_TEXTS: Readonly<Record<Trial['kind'], readonly [wrong: string, right: string]>> = {
  answer: ['does not respond', 'does'],
  certificate: ['has a certificate that the runner rejects', 'has one that it accepts'],
};

async function differenceOf(
  found: Resolution,
  trial: Trial,
  deps: ResolveOptions,
): Promise<CrossChecked | undefined> {
  const used = new Set(found.addresses.map(({ address }) => address));
  const answers = await otherAddresses(found, deps);
  const other = [...answers].flatMap(([server, addresses]) =>
    addresses.filter((address) => !used.has(address)).map((address) => ({ server, address })),
  );
  const distinct = [...new Set(other.map(({ address }) => address))].slice(0, MAX_DIALLED);
  const right = await trial.first(distinct);
  if (right === undefined) return undefined;
  const isPinned = found.source === 'hosts';
  const wrongServers = isPinned ? [] : serversWithAnswer(found);
  const wrongSource = isPinned ? '/etc/hosts' : wrongServers.join(', ');
  const rightSource = other.find(({ address }) => address === right.address)?.server ?? '';
  const wrong = [...used].join(', ');
  const factor = isPinned ? 'hosts file or DNS' : 'which name server';
  const [isWrong, isRight] = TRIAL_TEXTS[trial.kind];
  return {
    status: 'warn',
    reason: isPinned ? 'hosts-override' : 'servers-disagree',
    detail: `${wrongSource} returns ${wrong} for ${found.name}, which ${isWrong}; ${rightSource} returns ${right.address}, which ${isRight}`,
    facts: {
      factor,
      trial: trial.kind,
      wrong,
      wrong_source: wrongSource,
      ...firstOf(wrongServers),
      right: right.address,
      right_source: rightSource,
    },
  };
}

/** The name has no address; Go queries no further server after such an answer. */
async function otherAnswer(found: Resolution, deps: ResolveOptions): Promise<CrossChecked> {
  const asked = decisiveQueries(found);
  const silent = found.servers.filter((server) => !asked.some((query) => query.server === server));
  const [name] = asked.map((query) => query.name);
  if (name === undefined || silent.length === 0) return {};
  const opinions = await queryEachServer(name, silent, deps);
  const facts = { outcomes: outcomesByServer([...asked, ...opinions]) };
  const [better] = addressesByServer(opinions);
  return better === undefined ? { facts } : betterAnswer(found, asked, better, facts);
}

function betterAnswer(
  found: Resolution,
  asked: readonly Query[],
  [rightSource, addresses]: readonly [string, readonly string[]],
  facts: Finding['facts'],
): CrossChecked {
  const right = addresses.join(', ');
  const wrongServers = [...new Set(asked.map(({ server }) => server))];
  return {
    status: 'fail',
    reason: 'servers-disagree',
    detail: `${lookupText(found)}; ${rightSource} returns ${right}`,
    facts: {
      ...facts,
      factor: 'which name server',
      wrong: 'no address',
      wrong_source: wrongServers.join(', '),
      ...firstOf(wrongServers),
      right,
      right_source: rightSource,
    },
  };
}

function firstOf([server]: readonly string[]): { readonly wrong_server?: string } {
  return server === undefined ? {} : { wrong_server: server };
}

/** The answers of the servers that were not used. */
async function otherAddresses(
  found: Resolution,
  deps: ResolveOptions,
): Promise<ReadonlyMap<string, readonly string[]>> {
  if (found.source === 'hosts') {
    const { queries } = await resolveLikeGo(found.name, { ...deps, isWithoutHosts: true });
    return addressesByServer(queries);
  }
  const deciding = serversWithAnswer(found);
  const rest = found.servers.filter((server) => !deciding.includes(server));
  const name = found.queries.findLast(({ addresses }) => addresses.length > 0)?.name ?? found.name;
  return addressesByServer(await queryEachServer(name, rest, deps));
}

function serversWithAnswer({ queries }: Resolution): readonly string[] {
  return [...addressesByServer(queries).keys()];
}

/** The test that another address must pass; undefined if the failure says nothing about the address. */
async function trialOf(
  target: EndpointTarget,
  { fault, paths, process }: FollowUpTools,
  deps: ResolveOptions,
): Promise<Trial | undefined> {
  const { of, ...place } = firstHopOf(target);
  if (fault.link !== 'tls') return answerTrial(place.port, deps);
  // Through a proxy the certificate says nothing about the address that was dialled.
  if (of === 'proxy') return undefined;
  return certificateTrial(
    place,
    await SHARED_TRUST.load(target.trust, place.host, paths, trustReaderOf(process, paths)),
    deps,
  );
}

/** Does it respond on its port? */
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
