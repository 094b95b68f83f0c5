/**
 * Finds the rule of this host's own firewall that stops a packet, from `nft --json list ruleset`
 * (libnftables-json(5)): chains hooked to output in the order of their priority, rules in their order, jumps; then,
 * for the answer, chains hooked to input.
 *
 * A match that cannot be judged counts as "perhaps": a rule that depends on one is never reported.
 */
import { isIP } from 'node:net';

import type { Packet, Truth } from './firewall-match.ts';
import { matches } from './firewall-match.ts';

export interface BlockingRule {
  /** `inet filter output handle 12`: as nft names it. */
  readonly location: string;
  /** `inet filter output`. */
  readonly chain: readonly [family: string, table: string, chain: string];
  /** Of the rule; a policy has none. */
  readonly handle?: number;
  readonly verdict: 'drop' | 'reject' | 'policy drop';
  readonly comment?: string;
  /** It names the user of the runner's process, so others may well pass. */
  readonly isByUser: boolean;
  /** It stops the incoming answer. */
  readonly ofAnswer: boolean;
}

interface Chain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly hook?: string;
  readonly prio?: number;
  readonly policy?: string;
}

interface Rule extends Omit<Chain, 'name' | 'hook' | 'prio' | 'policy'> {
  readonly chain: string;
  readonly handle: number;
  readonly comment?: string;
  readonly expr: readonly Readonly<Record<string, unknown>>[];
}

interface Ruleset {
  readonly chains: readonly Chain[];
  readonly rules: readonly Rule[];
  readonly sets: ReadonlyMap<string, readonly unknown[]>;
}

/** The first rule that certainly stops the packet, or the answer to it; or undefined. */
export function findBlockingRule(json: string, packet: Packet): BlockingRule | undefined {
  const ruleset = parse(json);
  const sent = ['output', 'postrouting'].map((hook) => findBlockingRuleAt(hook, ruleset, packet));
  const answer = { ...packet, isAnswer: true };
  const received = ['prerouting', 'input'].map((hook) => findBlockingRuleAt(hook, ruleset, answer));
  return [...sent, ...received].find((rule) => rule !== undefined);
}

function findBlockingRuleAt(
  hook: string,
  ruleset: Ruleset,
  packet: Packet,
): BlockingRule | undefined {
  const hooked = ruleset.chains
    .filter((chain) => chain.hook === hook && chainApplies(chain.family, packet))
    .toSorted((a, b) => (a.prio ?? 0) - (b.prio ?? 0));
  for (const chain of hooked) {
    const end = runChain(chain, ruleset, packet, 0);
    if (end.kind === 'stopped') return end.by;
    if (end.kind === 'passed-on' && chain.policy === 'drop') {
      const { family, table, name } = chain;
      const location = `${family} ${table} ${name}`;
      return {
        location,
        chain: [family, table, name],
        verdict: 'policy drop',
        isByUser: false,
        ofAnswer: packet.isAnswer === true,
      };
    }
  }
  return undefined;
}

type End =
  | { readonly kind: 'stopped'; readonly by: BlockingRule }
  /** Accepted, or something that cannot be judged may have accepted it. */
  | { readonly kind: 'accepted' }
  | { readonly kind: 'passed-on' };

const MAX_JUMPS = 16;
const PASSED_ON: End = { kind: 'passed-on' };

function runChain(chain: Chain, ruleset: Ruleset, packet: Packet, depth: number): End {
  const rules = ruleset.rules.filter(
    ({ family, table, chain: name }) =>
      family === chain.family && table === chain.table && name === chain.name,
  );
  for (const rule of rules) {
    const end = runRule(rule, ruleset, packet, depth);
    if (end === 'return') return PASSED_ON;
    if (end.kind !== 'passed-on') return end;
  }
  return PASSED_ON;
}

function runRule(rule: Rule, ruleset: Ruleset, packet: Packet, depth: number): End | 'return' {
  const truth = truthOf(rule, ruleset, packet);
  if (truth === 'no') return PASSED_ON;
  const [verdict, value] = verdictOf(rule);
  if (MAY_ACCEPT.includes(verdict)) return { kind: 'accepted' };
  if (verdict === 'jump' || verdict === 'goto') {
    const end = followJump(rule, value?.['target'], ruleset, packet, depth + 1);
    // What lies behind a "perhaps" is a perhaps itself: it may have accepted, it has not certainly stopped.
    return end.kind === 'stopped' && truth === 'perhaps' ? PASSED_ON : end;
  }
  if (truth === 'perhaps') return PASSED_ON;
  if (verdict === 'return') return 'return';
  return verdict === 'drop' || verdict === 'reject'
    ? { kind: 'stopped', by: describe(rule, verdict, packet) }
    : PASSED_ON;
}

function followJump(
  { family, table }: Rule,
  target: unknown,
  ruleset: Ruleset,
  packet: Packet,
  depth: number,
): End {
  const chain = ruleset.chains.find(
    (one) => one.family === family && one.table === table && one.name === target,
  );
  return chain === undefined || depth > MAX_JUMPS
    ? PASSED_ON
    : runChain(chain, ruleset, packet, depth);
}

function truthOf({ expr, family, table }: Rule, { sets }: Ruleset, packet: Packet): Truth {
  const truths = expr.map((part): Truth => {
    if ('match' in part)
      return matches(part['match'], packet, (name) => sets.get(`${family} ${table} ${name}`));
    const isHarmless =
      HARMLESS.some((name) => name in part) ||
      isOfIptables(part, 'match', 'comment') ||
      isOfIptables(part, 'target', 'REJECT');
    return isHarmless ? 'yes' : 'perhaps';
  });
  if (truths.includes('no')) return 'no';
  return truths.includes('perhaps') ? 'perhaps' : 'yes';
}

/** A part that iptables-nft wrote and nft cannot express; of most nft shows the name alone. */
function isOfIptables(
  { xt }: Readonly<Record<string, unknown>>,
  type: 'match' | 'target',
  name: string,
): boolean {
  const part = xt as { readonly type?: unknown; readonly name?: unknown } | null | undefined;
  return part?.type === type && part.name === name;
}

/** Also a verdict map, or a queue to a program: nothing behind it is reported. */
const MAY_ACCEPT: readonly string[] = ['accept', 'vmap', 'queue'];
const VERDICTS = ['accept', 'drop', 'reject', 'return', 'jump', 'goto', 'vmap', 'queue'] as const;
/** Statements that decide nothing. */
const HARMLESS: readonly string[] = [...VERDICTS, 'counter', 'log', 'mangle'];

function verdictOf({
  expr,
}: Rule): readonly [string, Readonly<Record<string, unknown>> | undefined] {
  for (const part of expr) {
    if (isOfIptables(part, 'target', 'REJECT')) return ['reject', undefined];
    const verdict = VERDICTS.find((name) => name in part);
    if (verdict !== undefined) {
      return [verdict, part[verdict] as Readonly<Record<string, unknown>> | undefined];
    }
  }
  return ['continue', undefined];
}

function describe(rule: Rule, verdict: 'drop' | 'reject', packet: Packet): BlockingRule {
  const { family, table, chain, handle, comment } = rule;
  return {
    location: `${family} ${table} ${chain} handle ${handle}`,
    chain: [family, table, chain],
    handle,
    verdict,
    ...(comment === undefined ? {} : { comment }),
    isByUser: JSON.stringify(rule.expr).includes('"skuid"'),
    ofAnswer: packet.isAnswer === true,
  };
}

function chainApplies(family: string, { address }: Packet): boolean {
  return family === 'inet' || family === (isIP(address) === 6 ? 'ip6' : 'ip');
}

function parse(json: string): Ruleset {
  const { nftables = [] } = JSON.parse(json) as { nftables?: readonly Record<string, unknown>[] };
  const sets = nftables.flatMap((item): readonly (readonly [string, readonly unknown[]])[] => {
    const set = item['set'] as
      | { family: string; table: string; name: string; elem?: unknown[] }
      | undefined;
    return set === undefined ? [] : [[`${set.family} ${set.table} ${set.name}`, set.elem ?? []]];
  });
  return {
    chains: nftables.flatMap((item) => ('chain' in item ? [item['chain'] as Chain] : [])),
    rules: nftables.flatMap((item) => ('rule' in item ? [item['rule'] as Rule] : [])),
    sets: new Map(sets),
  };
}
