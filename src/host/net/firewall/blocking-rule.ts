/**
 * Finds the rule of a firewall that stops a packet: hook after hook, chains in the order of their priority, rules in
 * their order, jumps; then the same for the answer. The hooks are those of the host that sends the packet, of one that
 * passes it on, or of one that it is for.
 *
 * A condition that cannot be judged counts as "perhaps": a rule that depends on one is never reported.
 */
import { isIP } from 'node:net';

import type { Chain, Packet, Passage, Program, Rule, Truth } from './ruleset.ts';

export interface BlockingRule {
  /** As its program names it. */
  readonly location: string;
  readonly program: Program;
  /** `inet filter output`. */
  readonly chain: readonly [family: string, table: string, chain: string];
  /** Of a rule that nft shows; a policy has none. */
  readonly handle?: number;
  /** Of a rule that iptables shows; a policy has none. */
  readonly specification?: string;
  /** How often the same rule stands in its chain. */
  readonly copies: number;
  readonly verdict: 'drop' | 'reject' | 'policy drop';
  /** It rejects with "network unreachable". */
  readonly saysNoRoute: boolean;
  readonly comment?: string;
  /** It names the user of the runner's process, so others may well pass. */
  readonly isByUser: boolean;
  /** It stops the incoming answer. */
  readonly ofAnswer: boolean;
}

type End =
  | { readonly kind: 'stopped'; readonly by: BlockingRule }
  /** Accepted, or something that cannot be judged may have accepted it. */
  | { readonly kind: 'accepted' }
  /** It has another address from here on: no further chain of any hook is judged. */
  | { readonly kind: 'rewritten' }
  /** Accepted with the address of the host, or perhaps. */
  | { readonly kind: 'translated' }
  | { readonly kind: 'passed-on' };

export type Role = 'sender' | 'router' | 'receiver';

const HOOKS: Readonly<Record<Role, readonly (readonly string[])[]>> = {
  sender: [
    ['output', 'postrouting'],
    ['prerouting', 'input'],
  ],
  router: [
    ['prerouting', 'forward', 'postrouting'],
    ['prerouting', 'forward', 'postrouting'],
  ],
  receiver: [
    ['prerouting', 'input'],
    ['output', 'postrouting'],
  ],
};

const REWRITING: ReadonlySet<string | undefined> = new Set(['prerouting', 'postrouting']);
const MAX_JUMPS = 16;
const ACCEPTED: End = { kind: 'accepted' };
const REWRITTEN: End = { kind: 'rewritten' };
const TRANSLATED: End = { kind: 'translated' };
const PASSED_ON: End = { kind: 'passed-on' };

/** The first rule that certainly stops the packet, or the answer to it; or undefined. */
export function findBlockingRule(
  chains: readonly Chain[],
  packet: Packet,
  role: Role = 'sender',
): BlockingRule | undefined {
  for (const [index, hooks] of HOOKS[role].entries()) {
    for (const hook of hooks) {
      const end = runHook(hook, chains, packetAt(hook, packet, index === 1));
      if (end.kind === 'stopped') return end.by;
      if (end.kind === 'rewritten') return undefined;
    }
  }
  return undefined;
}

/** A packet that is passed on certainly leaves with both of its addresses, so that its peer must have a way back. */
export function keepsItsAddresses(chains: readonly Chain[], packet: Packet): boolean {
  return chains
    .filter((chain) => chain.isNat && REWRITING.has(chain.hook) && chainApplies(chain, packet))
    .every((chain) => runChain(chain, chains, packet, 0).kind === 'passed-on');
}

/** The packet or its answer, as a hook sees it. */
function packetAt(hook: string, packet: Packet, isAnswer: boolean): Packet {
  const { passage, own, ...rest } = packet;
  if (passage === undefined) return { ...packet, isAnswer };
  // Before the way is looked up nothing is known of it; and an answer still has the address of the host.
  const isBefore = hook === 'prerouting';
  return {
    ...rest,
    ...(own === undefined || (isBefore && isAnswer) ? {} : { own }),
    isAnswer,
    passage: passageAt(passage, isAnswer, isBefore),
  };
}

function passageAt(passage: Passage, isAnswer: boolean, isBefore: boolean): Passage {
  const [from, to] = isAnswer ? [passage.out, passage.in] : [passage.in, passage.out];
  return {
    ...(from === undefined ? {} : { in: from }),
    ...(to === undefined || isBefore ? {} : { out: to }),
  };
}

function runHook(hook: string, chains: readonly Chain[], packet: Packet): End {
  const hooked = chains
    .filter((chain) => chain.hook === hook && chainApplies(chain, packet))
    .toSorted((a, b) => (a.priority ?? 0) - (b.priority ?? 0));
  for (const chain of hooked) {
    const end = runChain(chain, chains, packet, 0);
    if (end.kind === 'stopped' || end.kind === 'rewritten') return end;
    if (end.kind === 'passed-on' && chain.policy === 'drop') {
      return { kind: 'stopped', by: describePolicy(chain, packet) };
    }
  }
  return PASSED_ON;
}

function chainApplies({ family, isNat }: Chain, { address, isAnswer }: Packet): boolean {
  if (isNat && isAnswer === true) return false;
  return family === 'inet' || family === (isIP(address) === 6 ? 'ip6' : 'ip');
}

function runChain(chain: Chain, chains: readonly Chain[], packet: Packet, depth: number): End {
  for (const rule of chain.rules) {
    const end = runRule(rule, chain, chains, packet, depth);
    if (end === 'return') return PASSED_ON;
    if (end.kind !== 'passed-on') return end;
  }
  return PASSED_ON;
}

function runRule(
  rule: Rule,
  chain: Chain,
  chains: readonly Chain[],
  packet: Packet,
  depth: number,
): End | 'return' {
  const truth = truthOf(rule, packet);
  const { action } = rule;
  if (truth === 'no') return PASSED_ON;
  if (action.kind === 'jump' || action.kind === 'goto') {
    const end = followJump(action.chain, chain, chains, packet, depth + 1);
    return endOfJump(end, truth, action.kind);
  }
  return truth === 'yes'
    ? (ENDS[action.kind] ?? { kind: 'stopped', by: describe(rule, chain, packet) })
    : PERHAPS_ENDS[action.kind];
}

type FinalAction = Exclude<Rule['action']['kind'], 'jump' | 'goto'>;

const ENDS: Readonly<Record<FinalAction, End | 'return' | undefined>> = {
  accept: ACCEPTED,
  undecided: ACCEPTED,
  rewrite: REWRITTEN,
  translate: TRANSLATED,
  return: 'return',
  drop: undefined,
  reject: undefined,
  continue: PASSED_ON,
};

/** The rules behind one that perhaps returns may not be reached. */
const PERHAPS_ENDS: Readonly<Record<FinalAction, End>> = {
  accept: ACCEPTED,
  undecided: ACCEPTED,
  rewrite: REWRITTEN,
  translate: TRANSLATED,
  return: ACCEPTED,
  drop: PASSED_ON,
  reject: PASSED_ON,
  continue: PASSED_ON,
};

/** What lies behind a "perhaps" is a perhaps itself: it may have accepted, it has not certainly stopped. */
function endOfJump(end: End, truth: Truth, kind: 'jump' | 'goto'): End | 'return' {
  if (end.kind === 'stopped') return truth === 'perhaps' ? PASSED_ON : end;
  if (end.kind !== 'passed-on' || kind === 'jump') return end;
  return truth === 'perhaps' ? ACCEPTED : 'return';
}

function followJump(
  target: string,
  { program, family, table }: Chain,
  chains: readonly Chain[],
  packet: Packet,
  depth: number,
): End {
  const chain = chains.find(
    (one) =>
      one.name === target &&
      one.program === program &&
      one.family === family &&
      one.table === table,
  );
  // What a chain that is not shown does is not known.
  if (chain === undefined || depth > MAX_JUMPS) return ACCEPTED;
  return runChain(chain, chains, packet, depth);
}

function truthOf({ conditions }: Rule, packet: Packet): Truth {
  let truth: Truth = 'yes';
  for (const condition of conditions) {
    const one = condition(packet);
    if (one === 'no') return 'no';
    if (one === 'perhaps') truth = 'perhaps';
  }
  return truth;
}

function describe(rule: Rule, chain: Chain, { isAnswer }: Packet): BlockingRule {
  const { location, action, handle, specification, comment, isByUser } = rule;
  const { program, family, table, name, rules } = chain;
  const isSame = (one: Rule): boolean =>
    specification !== undefined && one.specification === specification;
  return {
    location,
    program,
    chain: [family, table, name],
    ...(handle === undefined ? {} : { handle }),
    ...(specification === undefined ? {} : { specification }),
    copies: Math.max(1, rules.filter((one) => isSame(one)).length),
    verdict: action.kind === 'reject' ? 'reject' : 'drop',
    saysNoRoute: action.kind === 'reject' && action.saysNoRoute,
    ...(comment === undefined ? {} : { comment }),
    isByUser,
    ofAnswer: isAnswer === true,
  };
}

function describePolicy(
  { program, family, table, name }: Chain,
  { isAnswer }: Packet,
): BlockingRule {
  const ofTable = table === 'filter' ? '' : ` -t ${table}`;
  return {
    location:
      program === 'nft' ? `${family} ${table} ${name}` : `${program}${ofTable} -P ${name} DROP`,
    program,
    chain: [family, table, name],
    copies: 1,
    verdict: 'policy drop',
    saysNoRoute: false,
    isByUser: false,
    ofAnswer: isAnswer === true,
  };
}
