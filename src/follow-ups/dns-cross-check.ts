/**
 * Is another address of the same name the right one?
 *
 * Source    The other addresses of the name (go/dns/other-addresses.ts): of the same answer, of DNS beside the hosts file, of
 *           the name servers that Go does not query, of the name without the search domain, of the name servers that the
 *           container of the runner would get from its host after a restart (go/dns/servers-at-start.ts). Each must pass the link
 *           that the address in use fails: an open port with the right certificate and a GitLab behind it, its API, or
 *           the token that is rejected. After a lookup without an address an answer of another server is enough.
 *           Where the runner is refused and the token passes here, the other addresses of the answer are asked: one that rejects
 *           the token is the wrong one.
 * Reasons   hosts-override, servers-disagree, search-domain, mixed-addresses, outdated-copy: the source of the wrong address.
 *
 * A token is sent only to an address whose certificate proves the name, and draws on the hourly budget. Over http:// the keys
 * by which GitLab signs (gitlab/signing-keys.ts) tell whether another GitLab answers at the other address.
 */
import type { Socket } from 'node:net';
import { isIP } from 'node:net';

import type { Send } from '../core/exchange-error.ts';
import { dataWith } from '../core/finding-data.ts';
import type { FollowUpTools, Found } from '../core/follow-up.ts';
import { defineFollowUp } from '../core/follow-up.ts';
import type { Resolution } from '../core/lookup.ts';
import type { Address } from '../core/probe.ts';
import { addressOfWalk } from '../core/probe.ts';
import type { EndpointTarget, RunnerTarget } from '../core/target.ts';
import { FAULTS_OF_ADDRESS, mayBeOfAddress } from '../gitlab/address-faults.ts';
import type { MayAsk, Proof, TokenProof, TokenQuestion } from '../gitlab/proof.ts';
import { proveApi, proveGitLab, proveToken } from '../gitlab/proof.ts';
import { heedingRetryAfter } from '../gitlab/retry-after.ts';
import { areOfTwoGitLabs, askSigningKeys } from '../gitlab/signing-keys.ts';
import { IN_DOUBT, isProving, rightText, wrongText } from '../gitlab/trial-texts.ts';
import { dialLikeGo } from '../go/dial/dial.ts';
import { firstHopOf, hostPortOf } from '../go/dial/first-hop.ts';
import {
  DIFFERENCE_REASONS,
  differenceOf,
  FACTORS,
  TRIED_RUNNERS,
} from '../go/dns/address-difference.ts';
import { earlierAddressesOf, timesGiven } from '../go/dns/earlier-addresses.ts';
import { lookupOptionsOf } from '../go/dns/lookup-options.ts';
import type { OtherAddress } from '../go/dns/other-addresses.ts';
import { FAULTS_OF_SERVER, mayHaveOthers, otherAddressesOf } from '../go/dns/other-addresses.ts';
import { otherAnswer } from '../go/dns/other-answer.ts';
import { serversAtStart } from '../go/dns/servers-at-start.ts';
import { askOver } from '../go/http/ask-over.ts';
import { SHARED_TRUST, trustReaderOf } from '../go/tls/trust.ts';
import type { ConnectionOptions } from '../go/verified-connection.ts';
import { connectTo } from '../go/verified-connection.ts';

export const dnsCrossCheck = defineFollowUp({
  id: 'dns-cross-check',
  title: 'Address cross-check',
  question: 'Is another address of the same name the right one?',
  after: ['dns/not-found', ...FAULTS_OF_SERVER, 'connect/fail', ...FAULTS_OF_ADDRESS, IN_DOUBT],
  revises: 'dns',
  cost: 'requests',
  asksNothingAfter: ['dns'],
  timeoutSeconds: 14,
  rememberSeconds: 60,
  reasons: DIFFERENCE_REASONS,
  measures: {},

  subject: (target, tools) => {
    const { fault, walk, place } = tools;
    const { resolution } = walk;
    if (resolution === undefined) return undefined;
    const earlier = earlierOf(tools, resolution);
    const hasOthers =
      fault.name === IN_DOUBT
        ? resolution.addresses.length > 1
        : mayHaveOthers(resolution, fault.name, place);
    if (!hasOthers && earlier.length === 0) return undefined;
    const isExplainable = fault.link === 'dns' || fault.name === IN_DOUBT;
    if (!isExplainable && !mayBeOfAddress(fault.finding)) return undefined;
    // Behind a proxy it is the proxy that chooses the address: see proxied-address.
    const isBehind = !['dns', 'connect'].includes(fault.link);
    if (isBehind && firstHopOf(target).of === 'proxy') return undefined;
    const { name, source, servers, names, addresses } = resolution;
    const entries = (fault.runners ?? []).map(({ id }) => id);
    // The order changes with each answer of a name server that takes turns.
    const known = addresses.map(({ address }) => address).toSorted();
    const others = earlier.map(({ address }) => address).toSorted();
    return JSON.stringify([name, source, servers, names, known, others, usedBy(tools), entries]);
  },

  // The token is asked about seldom, and the runner meets the wrong one of several addresses meanwhile.
  persists: ({ facts = {} }, { walk, ofRevised = [] }) => {
    const known = (walk.addresses ?? []).map(({ address }) => address);
    if (facts['factor'] !== FACTORS['mixed-addresses'] || facts['trial'] !== 'token') return false;
    const [wrong, right] = [String(facts['wrong']), String(facts['right'])];
    if (facts['is_earlier'] === undefined) return known.includes(wrong) && known.includes(right);
    return (
      known.includes(wrong) ||
      (known.includes(right) && timesGiven(wrong, ofRevised.slice(-IN_TURN)) > 1)
    );
  },

  async run(target, tools) {
    const { resolution } = tools.walk;
    if (resolution === undefined) return {};
    const { paths } = tools;
    const deps = lookupOptionsOf(tools);
    const atStart = await serversAtStart(resolution, tools);
    if (tools.fault.link === 'dns') return await otherAnswer(resolution, deps, atStart);
    const used = usedBy(tools);
    const isInDoubt = tools.fault.name === IN_DOUBT;
    const found = (await otherAddressesOf(resolution, used, deps, atStart)).filter(
      ({ difference }) => !isInDoubt || difference === 'answer',
    );
    const others = [...found, ...earlierOf(tools, resolution)].slice(0, MAX_TRIED);
    if (others.length === 0) return {};
    const { link } = tools.fault;
    const { telling, ...kept } = await tryOthers(others, target, tools);
    if (telling === undefined) return kept.isPaid === true ? kept : foundEarlier(used, tools);
    const texts = {
      trial: link,
      isWrong: wrongText(tools.fault, target.url),
      isAnswered: ['http', 'api', 'token'].includes(link),
      isRight: rightText(tools.fault, target.url),
    };
    const [wrong, right] = isInDoubt
      ? [[telling.address], { ...telling, address: used.join(', ') }]
      : [used, telling];
    const difference = await differenceOf(resolution, wrong, right, texts, paths);
    const { runners } = tools.fault;
    const tried =
      runners &&
      dataWith(
        TRIED_RUNNERS,
        runners.map(({ id }) => id),
      );
    return { ...difference, ...(tried === undefined ? {} : { data: tried }), ...kept };
  },
});

/** Where GitLab accepts the token now, an address that the name has left says nothing; one that it comes back to does. */
function earlierOf(
  { fault, ofRevised = [] }: FollowUpTools,
  resolution: Resolution,
): readonly OtherAddress[] {
  // Until the token was asked, the finding of the name waits for it.
  if (!['dns', 'token'].includes(fault.link)) return [];
  const least = fault.name === IN_DOUBT ? 2 : 1;
  return earlierAddressesOf(resolution, ofRevised).filter(
    ({ address }) => timesGiven(address, ofRevised) >= least,
  );
}

/** So many lookups show whether the name still comes back to an address: three minutes. */
const IN_TURN = 12;
/** More would be load, not evidence. */
const MAX_TRIED = 8;
const MAX_TOKEN_REQUESTS = 4;
const CONNECT_SECONDS = 2;
/** For connection, handshake and pages of one address. */
const TRIAL_SECONDS = 7;
/** No further token is asked about after that. */
const TOKENS_SECONDS = 6;
const HOUR_SECONDS = 3600;
/** Longer than the hour: what was found must not end before the same may be asked again. */
const PAID_SECONDS = HOUR_SECONDS + 60;

/** Every address of a failed dial; else the one that the link met, which may be another than that of this walk. */
function usedBy({ fault, walk }: FollowUpTools): readonly string[] {
  const dialled = walk.attempts ?? [];
  if (fault.link === 'connect') return dialled.map(({ address: { address } }) => address);
  const met = fault.finding.facts?.['address'] ?? addressOfWalk(walk)['address'];
  return met === undefined ? [] : [String(met)];
}

async function tryOthers(
  others: readonly OtherAddress[],
  target: EndpointTarget,
  tools: FollowUpTools,
): Promise<Trials<OtherAddress>> {
  const { fault } = tools;
  if (firstHopOf(target).of === 'proxy') return await tryProxies(others, target, tools);
  const open = await opener(
    target,
    tools,
    async (to, options, inTime) => await connectTo(addressOf(to), options, inTime),
  );
  const { budget } = tools;
  const mayAskPaid = hourly(tools, target.id);
  if (fault.link === 'token') {
    // Over http:// no server proves its name, and a token must not reach a server that is not GitLab.
    return isProving(target.url)
      ? await tryTokens(others, target, tools, open, mayAskPaid)
      : await tryIdentities(others, target.id, tools, open, mayAskPaid);
  }
  const mayAsk: MayAsk = (kind) =>
    kind === 'http'
      ? !budget.isPaused(target.id) && budget.take(kind, target.id)
      : mayAskPaid(kind);
  const proofs = await Promise.all(
    others.map(
      async ({ address }) =>
        await open(address, async (send) => await prove(send, target, tools, mayAsk)),
    ),
  );
  const telling = others[proofs.indexOf('proven')];
  const kept = fault.link === 'api' && !proofs.includes('not-asked') ? PAID : {};
  return telling === undefined ? kept : { telling, ...(fault.link === 'api' ? PAID : {}) };
}

/** What the same failure of the same address led to before: with other addresses beside it, it is not asked again within the hour. */
function foundEarlier(
  used: readonly string[],
  { fault, earlier = [] }: FollowUpTools,
): Found<keyof typeof DIFFERENCE_REASONS> {
  const found = earlier.find(
    ({ status, facts = {} }) =>
      status !== undefined &&
      facts['trial'] === fault.link &&
      used.includes(String(facts[fault.name === IN_DOUBT ? 'right' : 'wrong'])),
  );
  return (found ?? {}) as Found<keyof typeof DIFFERENCE_REASONS>;
}

function addressOf(address: string): Address {
  return { address, family: isIP(address) === 6 ? 6 : 4 };
}

/** A proxy shows no certificate for a name, and no page: that it answers on its port must be enough. */
async function tryProxies(
  others: readonly OtherAddress[],
  target: EndpointTarget,
  { clock, signal }: FollowUpTools,
): Promise<Trials<OtherAddress>> {
  const { port } = firstHopOf(target);
  const deps = { clock, signal, timeoutSeconds: CONNECT_SECONDS };
  const dials = await Promise.all(
    others.map(async ({ address }) => await dialLikeGo([addressOf(address)], port, deps)),
  );
  for (const { socket } of dials) socket?.destroy();
  const telling = others[dials.findIndex(({ socket }) => socket !== undefined)];
  return telling === undefined ? {} : { telling };
}

export interface Trials<T extends Candidate> {
  /** The address that is right; where the one in use is, the address that is wrong. */
  readonly telling?: T;
  readonly rememberSeconds?: number;
  readonly isPaid?: boolean;
}

/** What was paid with requests of the hourly budget holds for longer. */
const PAID = { rememberSeconds: PAID_SECONDS, isPaid: true } as const;

/**
 * Allows requests of the hourly budget once an hour for each failure, however the addresses of the name change meanwhile. The
 * hour is marked as used by the first request that may be sent.
 */
export function hourly({ budget, fault }: FollowUpTools, endpoint: string) {
  const granted = new Map<string, boolean>();
  return (kind: string, of = ''): boolean => {
    if (!budget.allows(kind, endpoint)) return false;
    const key = `cross-check:${fault.link}${of}@${endpoint}`;
    const isGranted = granted.get(key) ?? budget.once(key, HOUR_SECONDS);
    granted.set(key, isGranted);
    return isGranted && budget.take(kind, endpoint);
  };
}

export async function prove(
  send: Send,
  { url }: EndpointTarget,
  { fault, signal }: FollowUpTools,
  mayAsk: MayAsk,
): Promise<Proof> {
  return fault.link === 'api'
    ? await proveApi(send, mayAsk, signal)
    : await proveGitLab(send, url, mayAsk, signal);
}

export interface Candidate {
  readonly address: string;
}

type Open = <T>(to: string, ask: (send: Send) => Promise<T>) => Promise<T | undefined>;
type Connect = (
  to: string,
  options: ConnectionOptions,
  signal: AbortSignal,
) => Promise<Socket | undefined>;

/** Asks over a connection of one kind; undefined where the runner would get none. */
export async function opener(
  target: EndpointTarget,
  tools: FollowUpTools,
  connect: Connect,
): Promise<Open> {
  const { url } = target;
  const { paths, clock, budget, signal } = tools;
  const { host } = hostPortOf(url);
  const isSecure = url.protocol === 'https:';
  const reader = trustReaderOf(tools);
  const trust = isSecure ? await SHARED_TRUST.load(target.trust, host, paths, reader) : undefined;
  const options = { url, trust, clock, timeoutSeconds: CONNECT_SECONDS };
  const { emptyLengths } = reader.go;
  const server = { url, clock, timeoutSeconds: TRIAL_SECONDS, emptyLengths };
  const pause = (seconds: number): void => budget.pause(target.id, seconds);
  return async (to, ask) =>
    await askOver(
      async (inTime) => await connect(to, options, inTime),
      server,
      signal,
      async (send) => await ask(heedingRetryAfter(send, pause)),
    );
}

interface Sought {
  readonly sought: TokenProof;
  /** What all others must say for it to be certain that none is as sought. */
  readonly opposite: ReadonlySet<TokenProof | undefined>;
}

function soughtAfter({ name }: FollowUpTools['fault']): Sought {
  return name === IN_DOUBT
    ? { sought: 'rejected', opposite: new Set(['proven']) }
    : { sought: 'proven', opposite: new Set(['refuted', 'rejected']) };
}

/** One address after the other: each question costs a request of the hourly budget. */
export async function tryTokens<T extends Candidate>(
  others: readonly T[],
  target: EndpointTarget,
  tools: FollowUpTools,
  open: Open,
  mayAskPaid: ReturnType<typeof hourly>,
): Promise<Trials<T>> {
  const { fault, budget, clock, signal } = tools;
  const endSeconds = clock.seconds() + TOKENS_SECONDS;
  const pairs = others.flatMap((other) =>
    (fault.runners ?? []).map((runner) => ({ other, runner })),
  );
  const { sought, opposite } = soughtAfter(fault);
  const proofs = new Map<T, TokenProof | undefined>();
  let tries = 0;
  for (const { other, runner } of pairs) {
    if (tries === MAX_TOKEN_REQUESTS || clock.seconds() > endSeconds) break;
    if (budget.isPaused(target.id)) return {};
    if (proofs.has(other) && proofs.get(other) === undefined) continue;
    const question = questionOf(runner, other, target, tools, mayAskPaid);
    const proof = await open(
      other.address,
      async (send) => await proveToken(send, question, signal),
    );
    if (proof === sought) return { telling: other, ...PAID };
    proofs.set(other, proofs.get(other) === 'not-asked' ? 'not-asked' : proof);
    if (proof !== undefined) tries += 1;
  }
  const isCertain = tries > 0 && [...proofs.values()].every((proof) => opposite.has(proof));
  return isCertain ? PAID : {};
}

function questionOf(
  runner: RunnerTarget,
  { address }: Candidate,
  { id, url }: EndpointTarget,
  { budget, clock }: FollowUpTools,
  mayAskPaid: ReturnType<typeof hourly>,
): TokenQuestion {
  return {
    runner,
    base: url,
    now: clock.wall(),
    mayAsk: () => mayAskPaid('token', `:${runner.id}`),
    mayVerify: () =>
      budget.allows('verify', id) &&
      budget.once(`verify:${runner.id}@${address}`, HOUR_SECONDS) &&
      budget.take('verify', id),
  };
}

/** Another GitLab at another address: which of the two knows the token must not be asked, and the one in use does not. */
async function tryIdentities<T extends Candidate>(
  others: readonly T[],
  endpoint: string,
  tools: FollowUpTools,
  open: Open,
  mayAskPaid: ReturnType<typeof hourly>,
): Promise<Trials<T>> {
  const { budget, signal } = tools;
  if (budget.isPaused(endpoint)) return {};
  const ask = async (send: Send): Promise<readonly string[]> =>
    mayAskPaid('http', ':keys') ? await askSigningKeys(send, signal) : [];
  const keysOf = async (address: string): Promise<readonly string[]> =>
    (await open(address, ask)) ?? [];
  const own = (await Promise.all(usedBy(tools).map(keysOf))).flat();
  const found = await Promise.all(others.map(async ({ address }) => await keysOf(address)));
  const telling = others[found.findIndex((keys) => areOfTwoGitLabs(own, keys))];
  if (telling !== undefined) return { telling, ...PAID };
  // Where one has told nothing, nothing is certain: what was found before holds.
  return [own, ...found].every((keys) => keys.length > 0) ? PAID : {};
}
