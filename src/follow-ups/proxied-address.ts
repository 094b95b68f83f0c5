/**
 * Does the proxy lead the name to another server than its address here?
 *
 * Source    The addresses that this host finds for GitLab's name. The proxy is asked to connect to each of them in place of the
 *           name, and the server there must pass the link that fails: the right certificate and a GitLab behind it, its API,
 *           or the token that is rejected. Then the name is tried once more, and the address again: what comes and goes is
 *           of no address.
 * Reasons   other-server: through the same proxy an address of the name passes, and the name does not.
 *
 * Only for https://, where the certificate proves the name; a token is sent to no other server. Where this host does not
 * find the name, or the proxy connects to no address, nothing is said.
 */
import { isIP } from 'node:net';

import type { FollowUpTools, Found } from '../core/follow-up.ts';
import { defineFollowUp } from '../core/follow-up.ts';
import { dataWith } from '../core/finding-data.ts';
import type { Resolution } from '../core/lookup.ts';
import { leadToCauses } from '../core/reason.ts';
import type { EndpointTarget, ProxyDecision } from '../core/target.ts';
import { FAULTS_OF_ADDRESS, mayBeOfAddress } from '../gitlab/address-faults.ts';
import type { MayAsk } from '../gitlab/proof.ts';
import { rightText, wrongText } from '../gitlab/trial-texts.ts';
import { hostPortOf } from '../go/dial/first-hop.ts';
import { TRIED_RUNNERS } from '../go/dns/address-difference.ts';
import { lookupOptionsOf } from '../go/dns/lookup-options.ts';
import { serversWithAnswer } from '../go/dns/other-addresses.ts';
import { resolveLikeGo } from '../go/dns/resolver.ts';
import { connectThrough } from '../go/verified-connection.ts';
import type { Candidate, Trials } from './dns-cross-check.ts';
import { hourly, opener, prove, tryTokens } from './dns-cross-check.ts';

const REASONS = leadToCauses('other-server');

type Proxy = Extract<ProxyDecision, { kind: 'proxy' }>;

/** More would be load, not evidence. */
const MAX_TRIED = 2;

export const proxiedAddress = defineFollowUp({
  id: 'proxied-address',
  title: 'Address behind the proxy',
  question: 'Does the proxy lead the name to another server than its address here?',
  after: FAULTS_OF_ADDRESS,
  revises: 'proxy',
  cost: 'requests',
  timeoutSeconds: 14,
  rememberSeconds: 60,
  reasons: REASONS,
  measures: {},

  subject: (target, { fault }) => {
    const proxy = proxyOf(target);
    const { host } = hostPortOf(target.url);
    if (proxy === undefined || isIP(host) !== 0) return undefined;
    // While no link behind the proxy has failed, it is asked for the proxy itself.
    if (fault.link !== 'proxy' && !mayBeOfAddress(fault.finding)) return undefined;
    const entries = (fault.runners ?? []).map(({ id }) => id);
    return JSON.stringify([proxy.host, proxy.port, host, entries]);
  },

  async run(target, tools) {
    const proxy = proxyOf(target);
    const { host } = hostPortOf(target.url);
    const found = await resolveLikeGo(host, lookupOptionsOf(tools)).catch(() => undefined);
    if (proxy === undefined || found === undefined) return {};
    const tried = found.addresses.slice(0, MAX_TRIED);
    const { telling, ...kept } = await tryAddresses(tried, proxy, target, tools);
    return telling === undefined
      ? kept
      : { ...otherServer(telling, found, proxy, target, tools), ...kept };
  },
});

function proxyOf({ url, proxy }: EndpointTarget): Proxy | undefined {
  return proxy.kind === 'proxy' && url.protocol === 'https:' ? proxy : undefined;
}

async function tryAddresses(
  tried: readonly Candidate[],
  proxy: Proxy,
  target: EndpointTarget,
  tools: FollowUpTools,
): Promise<Trials<Candidate>> {
  const { budget, fault, walk } = tools;
  const path = { proxy, addresses: walk.addresses ?? [] };
  const open = await opener(
    target,
    tools,
    async (to, options, inTime) => await connectThrough(path, to, options, inTime),
  );
  const mayAskPaid = hourly(tools, target.id);
  if (fault.link === 'token') return await tryTokens(tried, target, tools, open, mayAskPaid);
  const mayAsk: MayAsk = (kind) =>
    kind === 'http'
      ? !budget.isPaused(target.id) && budget.take(kind, target.id)
      : mayAskPaid(kind);
  const passes = async (to: string): Promise<boolean> =>
    (await open(to, async (send) => await prove(send, target, tools, mayAsk))) === 'proven';
  const { host } = hostPortOf(target.url);
  for (const one of tried) {
    const isRight =
      (await passes(one.address)) && !(await passes(host)) && (await passes(one.address));
    if (isRight) return { telling: one };
  }
  return {};
}

function otherServer(
  { address }: Candidate,
  found: Resolution,
  proxy: Proxy,
  { url }: EndpointTarget,
  { fault }: FollowUpTools,
): Found<keyof typeof REASONS> {
  const { link, runners } = fault;
  const source = found.source === 'hosts' ? '/etc/hosts' : serversWithAnswer(found).join(', ');
  const via = `${proxy.host}:${proxy.port}`;
  const does = wrongText(fault, url);
  const isRight = rightText(fault, url);
  const ids = (runners ?? []).map(({ id }) => id);
  return {
    status: 'warn',
    reason: 'other-server',
    detail: `the proxy ${via} connects ${found.name} to a server that ${does}; through the same proxy ${address}, which ${source} returns on this host, is ${isRight}`,
    facts: {
      trial: link,
      proxy: via,
      name: found.name,
      ...(link === 'tls' ? {} : { is_answered: true }),
      wrong_does: does,
      right: address,
      right_source: source,
      right_does: isRight,
    },
    ...(ids.length === 0 ? {} : { data: dataWith(TRIED_RUNNERS, ids) }),
  };
}
