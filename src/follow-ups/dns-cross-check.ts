/**
 * Is another address of the same name the right one?
 *
 * Source    The other addresses of the name (go/dns/other-addresses.ts): of the same answer, of DNS beside the hosts file, of
 *           the name servers that Go does not query, of the name without the search domain. Each must pass the link
 *           that the address in use fails: an open port with the right certificate and a GitLab behind it, its API, or
 *           the token that is rejected. After a lookup without an address an answer of another server is enough.
 * Reasons   hosts-override, servers-disagree, search-domain, mixed-addresses: the source of the wrong address.
 *
 * A token is sent only to an address whose certificate proves the name, and draws on the hourly budget.
 */
import { isIP } from 'node:net';

import { deadlineOf } from '../core/abort.ts';
import type { Send } from '../core/exchange-error.ts';
import type { Finding } from '../core/finding.ts';
import { detailOf } from '../core/finding.ts';
import { dataWith } from '../core/finding-data.ts';
import type { FollowUpTools } from '../core/follow-up.ts';
import { defineFollowUp } from '../core/follow-up.ts';
import type { Address } from '../core/probe.ts';
import { addressOfWalk } from '../core/probe.ts';
import type { EndpointTarget } from '../core/target.ts';
import type { MayAsk, Proof } from '../gitlab/proof.ts';
import { proveApi, proveGitLab, proveToken } from '../gitlab/proof.ts';
import { heedingRetryAfter } from '../gitlab/retry-after.ts';
import { dialLikeGo } from '../go/dial/dial.ts';
import { firstHopOf, hostPortOf } from '../go/dial/first-hop.ts';
import {
  DIFFERENCE_REASONS,
  differenceOf,
  FACTORS,
  TRIED_RUNNERS,
} from '../go/dns/address-difference.ts';
import type { OtherAddress } from '../go/dns/other-addresses.ts';
import { mayHaveOthers, otherAddressesOf } from '../go/dns/other-addresses.ts';
import { otherAnswer } from '../go/dns/other-answer.ts';
import { createSender } from '../go/http/sender.ts';
import { basicOf } from '../go/proxy/tunnel.ts';
import { SHARED_TRUST, trustReaderOf } from '../go/tls/trust.ts';
import { connectTo } from '../go/verified-connection.ts';

/** Ends of a handshake that another server than GitLab may cause; the others speak of the path, or of the runner's files. */
const TLS_FAULTS = [
  'name-mismatch',
  'no-san',
  'unknown-authority',
  'self-signed',
  'plaintext-server',
  'expired',
  'intermediate-expired',
  'not-yet-valid',
  'missing-intermediate',
  'not-acceptable',
  'protocol-unsupported',
  'client-certificate-required',
  'handshake-blocked',
] as const;

/** Answers that another server than GitLab may give. A limit, or no answer yet, says nothing about the address. */
const WEB_FAULTS = [
  'bad-gateway',
  'booting',
  'unavailable',
  'maintenance',
  'server-error',
  'challenge',
  'origin-error',
  'forbidden',
  'login-gateway',
  'redirected',
  'client-certificate-required',
  'connection-reset',
  'closed',
  'not-http',
  'http2-only',
  'malformed',
] as const;

/** Refusals that come of another GitLab, too, or of another server. */
const TOKEN_FAULTS = [
  'rejected',
  'expired',
  'orphaned',
  'read-only',
  'forbidden-by-edge',
  'challenge',
  'login-gateway',
  'redirected',
  'endpoint-missing',
] as const;

export const dnsCrossCheck = defineFollowUp({
  id: 'dns-cross-check',
  title: 'Address cross-check',
  question: 'Is another address of the same name the right one?',
  after: [
    'dns/not-found',
    'connect/fail',
    ...TLS_FAULTS.map((reason) => `tls/${reason}`),
    ...WEB_FAULTS.map((reason) => `http/${reason}`),
    ...[...WEB_FAULTS, 'not-gitlab', 'wrong-path'].map((reason) => `api/${reason}`),
    ...TOKEN_FAULTS.map((reason) => `token/${reason}`),
  ],
  revises: 'dns',
  cost: 'requests',
  asksNothingAfter: ['dns'],
  timeoutSeconds: 14,
  rememberSeconds: 60,
  reasons: DIFFERENCE_REASONS,
  measures: {},

  subject: (target, tools) => {
    const { fault, walk } = tools;
    const { resolution } = walk;
    if (resolution === undefined || !mayHaveOthers(resolution)) return undefined;
    if (fault.link !== 'dns' && !mayBeOfAddress(fault.finding)) return undefined;
    // Behind a proxy it is the proxy that chooses the address.
    const isBehind = !['dns', 'connect'].includes(fault.link);
    if (isBehind && firstHopOf(target).of === 'proxy') return undefined;
    const { name, source, servers, names, addresses } = resolution;
    const entries = (fault.runners ?? []).map(({ id }) => id);
    // The order changes with each answer of a name server that takes turns.
    const known = addresses.map(({ address }) => address).toSorted();
    return JSON.stringify([name, source, servers, names, known, usedBy(tools), entries]);
  },

  // The token is asked about seldom, and the runner meets the wrong one of several addresses meanwhile.
  persists: ({ facts = {} }, { walk }) => {
    const known = (walk.addresses ?? []).map(({ address }) => address);
    const isMixed = facts['factor'] === FACTORS['mixed-addresses'] && facts['trial'] === 'token';
    return isMixed && [facts['wrong'], facts['right']].every((one) => known.includes(String(one)));
  },

  async run(target, tools) {
    const { resolution } = tools.walk;
    if (resolution === undefined) return {};
    const { paths, clock, signal, dnsPort } = tools;
    const deps = { paths, clock, signal, port: dnsPort };
    if (tools.fault.link === 'dns') return await otherAnswer(resolution, deps);
    const used = usedBy(tools);
    const others = (await otherAddressesOf(resolution, used, deps)).slice(0, MAX_TRIED);
    if (others.length === 0) return {};
    const { right, rememberSeconds } = await tryOthers(others, target, tools);
    const kept = rememberSeconds === undefined ? {} : { rememberSeconds };
    if (right === undefined) return kept;
    const { link } = tools.fault;
    const texts = {
      trial: link,
      isWrong: wrongText(tools.fault),
      isAnswered: ['http', 'api', 'token'].includes(link),
      isRight: RIGHT_TEXTS[link] ?? 'where GitLab answers',
    };
    const difference = await differenceOf(resolution, used, right, texts, paths);
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

/** More would be load, not evidence. */
const MAX_TRIED = 8;
const MAX_TOKEN_REQUESTS = 4;
const CONNECT_SECONDS = 2;
/** For connection, handshake and pages of one address. */
const TRIAL_SECONDS = 7;
/** No further token is asked about after that. */
const TOKENS_SECONDS = 6;
const HOUR_SECONDS = 3600;
const API_SECONDS = 900;

/** Every address of a failed dial; else the one that the link met, which may be another than that of this walk. */
function usedBy({ fault, walk }: FollowUpTools): readonly string[] {
  const dialled = walk.attempts ?? [];
  if (fault.link === 'connect') return dialled.map(({ address: { address } }) => address);
  const met = fault.finding.facts?.['address'] ?? addressOfWalk(walk)['address'];
  return met === undefined ? [] : [String(met)];
}

/** Silence within a handshake is of the path: packets that are too large, or lost. */
function mayBeOfAddress({ status, facts }: Finding): boolean {
  return status === 'fail' && facts?.['is_silent'] !== true;
}

interface Trials {
  readonly right?: OtherAddress;
  readonly rememberSeconds?: number;
}

async function tryOthers(
  others: readonly OtherAddress[],
  target: EndpointTarget,
  tools: FollowUpTools,
): Promise<Trials> {
  const { fault } = tools;
  if (firstHopOf(target).of === 'proxy') return await tryProxies(others, target, tools);
  const open = await opener(target, tools);
  if (fault.link === 'token') return await tryTokens(others, target, tools, open);
  const proofs = await Promise.all(
    others.map(
      async (other) => await open(other, async (send) => await prove(send, target, tools)),
    ),
  );
  const right = others[proofs.indexOf('proven')];
  if (right !== undefined) return { right, ...(fault.link === 'api' ? HOLDS.api : {}) };
  return fault.link === 'api' && !proofs.includes('not-asked') ? HOLDS.api : {};
}

/** What was paid with requests of the hourly budget holds for longer. */
const HOLDS = {
  api: { rememberSeconds: API_SECONDS },
  token: { rememberSeconds: HOUR_SECONDS },
} as const;

async function prove(
  send: Send,
  { id, url }: EndpointTarget,
  { fault, budget, signal }: FollowUpTools,
): Promise<Proof> {
  const mayAsk: MayAsk = (kind) => !budget.isPaused(id) && budget.take(kind, id);
  return fault.link === 'api'
    ? await proveApi(send, mayAsk, signal)
    : await proveGitLab(send, url, mayAsk, signal);
}

type Open = (
  other: OtherAddress,
  ask: (send: Send) => Promise<Proof>,
) => Promise<Proof | undefined>;

/** Asks over a connection to one address; undefined where the runner would get none. */
async function opener(target: EndpointTarget, tools: FollowUpTools): Promise<Open> {
  const { url } = target;
  const { paths, clock } = tools;
  const isSecure = url.protocol === 'https:';
  const { host } = hostPortOf(url);
  const reader = trustReaderOf(tools);
  const trust = isSecure ? await SHARED_TRUST.load(target.trust, host, paths, reader) : undefined;
  const options = { url, trust, clock, timeoutSeconds: CONNECT_SECONDS };
  const login = isSecure ? url.credentials : undefined;
  return async ({ address }, ask) => {
    using deadline = deadlineOf(TRIAL_SECONDS, tools.signal);
    const to = addressOf(address);
    const sockets = new Set<Awaited<ReturnType<typeof connectTo>>>();
    const open = async (signal: AbortSignal) => {
      const socket = await connectTo(to, options, signal);
      sockets.add(socket);
      return socket;
    };
    const again = async (signal: AbortSignal) => {
      const socket = await open(signal);
      if (socket === undefined) throw new Error(`cannot reconnect to ${address}`);
      return socket;
    };
    const socket = await open(deadline.signal);
    if (socket === undefined) return undefined;
    const authorization = login === undefined ? {} : { authorization: basicOf(login) };
    try {
      const send = createSender({ socket, open: again, base: url, clock, ...authorization });
      return await ask(
        heedingRetryAfter(send, (seconds) => tools.budget.pause(target.id, seconds)),
      );
    } finally {
      for (const one of sockets) one?.destroy();
    }
  };
}

function addressOf(address: string): Address {
  return { address, family: isIP(address) === 6 ? 6 : 4 };
}

/** A proxy shows no certificate for a name, and no page: that it answers on its port must be enough. */
async function tryProxies(
  others: readonly OtherAddress[],
  target: EndpointTarget,
  { clock, signal }: FollowUpTools,
): Promise<Trials> {
  const { port } = firstHopOf(target);
  const deps = { clock, signal, timeoutSeconds: CONNECT_SECONDS };
  const dials = await Promise.all(
    others.map(async ({ address }) => await dialLikeGo([addressOf(address)], port, deps)),
  );
  for (const { socket } of dials) socket?.destroy();
  const right = others[dials.findIndex(({ socket }) => socket !== undefined)];
  return right === undefined ? {} : { right };
}

/** One address after the other: each question costs a request of the hourly budget. */
async function tryTokens(
  others: readonly OtherAddress[],
  target: EndpointTarget,
  tools: FollowUpTools,
  open: Open,
): Promise<Trials> {
  // Over http:// no server proves its name, and a token must not reach a server that is not GitLab.
  if (target.url.protocol !== 'https:') return HOLDS.token;
  const { fault, budget, clock, signal } = tools;
  const endSeconds = clock.seconds() + TOKENS_SECONDS;
  let asked = 0;
  let isCertain = true;
  for (const other of others) {
    for (const runner of fault.runners ?? []) {
      const isOver = asked === MAX_TOKEN_REQUESTS || clock.seconds() > endSeconds;
      if (isOver || budget.isPaused(target.id)) return HOLDS.api;
      const question = {
        runner,
        base: target.url,
        now: clock.wall(),
        mayAsk: () => budget.take('token', target.id),
        mayVerify: () =>
          budget.allows('verify', target.id) &&
          budget.once(`verify:${runner.id}@${other.address}`, HOUR_SECONDS) &&
          budget.take('verify', target.id),
      };
      const proof = await open(other, async (send) => await proveToken(send, question, signal));
      if (proof === 'proven') return { right: other, ...HOLDS.token };
      if (proof !== 'refuted') isCertain = false;
      if (proof === undefined) break;
      asked += 1;
    }
  }
  return isCertain ? HOLDS.token : HOLDS.api;
}

const RIGHT_TEXTS: Readonly<Record<string, string>> = {
  api: 'where the API of GitLab answers',
  token: 'where GitLab accepts the token',
};

/** What the address in use does: a clause that follows "which". */
function wrongText({ link, finding }: FollowUpTools['fault']): string {
  if (link === 'connect') return 'does not respond';
  if (link === 'token') return 'rejects the token';
  return link === 'tls'
    ? `has a certificate that the runner rejects (${detailOf(finding)})`
    : `does not answer as GitLab (${detailOf(finding)})`;
}
