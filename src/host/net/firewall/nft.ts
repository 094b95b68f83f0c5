/**
 * Reads `nft --json list ruleset` (libnftables-json(5)). What iptables-nft wrote and nft cannot express it shows by its
 * name alone, as `xt`; such a table is better read from `iptables-nft-save`.
 */
import { matches } from './nft-match.ts';
import type { Action, Chain, Condition, Rule } from './ruleset.ts';
import { NO_ROUTE, actionOfTarget } from './ruleset.ts';

type Part = Readonly<Record<string, unknown>>;

interface ShownChain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly hook?: string;
  readonly prio?: number;
  readonly policy?: string;
  readonly type?: string;
}

interface ShownRule {
  readonly family: string;
  readonly table: string;
  readonly chain: string;
  readonly handle: number;
  readonly comment?: string;
  readonly expr: readonly Part[];
}

interface ShownSet {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly elem?: readonly unknown[];
}

type Sets = ReadonlyMap<string, readonly unknown[]>;

interface NftRules {
  readonly chains: readonly Chain[];
  /** `ip filter`: tables with a rule that may stop a packet under a condition that nft does not show. */
  readonly opaqueTables: ReadonlySet<string>;
}

/** Throws for what is not JSON. */
export function readNft(json: string): NftRules {
  const { nftables = [] } = JSON.parse(json) as { nftables?: readonly Part[] };
  const shown = (kind: string): readonly unknown[] =>
    nftables.flatMap((item) => (kind in item ? [item[kind]] : []));
  const sets: Sets = new Map(
    (shown('set') as readonly ShownSet[]).map(({ family, table, name, elem = [] }) => [
      `${family} ${table} ${name}`,
      elem,
    ]),
  );
  const rules = shown('rule') as readonly ShownRule[];
  const byChain = Map.groupBy(rules, ({ family, table, chain }) => `${family} ${table} ${chain}`);
  const opaque = rules.filter((rule) => rule.expr.some((part) => isOpaque(part)) && mayStop(rule));
  return {
    chains: (shown('chain') as readonly ShownChain[]).map((chain) => {
      const { family, table, name, hook, prio, policy, type } = chain;
      const own = byChain.get(`${family} ${table} ${name}`) ?? [];
      return {
        program: 'nft',
        family,
        table,
        name,
        ...(hook === undefined ? {} : { hook }),
        ...(prio === undefined ? {} : { priority: prio }),
        ...(policy === undefined ? {} : { policy }),
        isNat: type === 'nat',
        rules: own.map((rule) => readRule(rule, sets)),
      };
    }),
    opaqueTables: new Set(opaque.map(({ family, table }) => `${family} ${table}`)),
  };
}

function readRule(rule: ShownRule, sets: Sets): Rule {
  const { family, table, chain, handle, comment, expr } = rule;
  return {
    location: `${family} ${table} ${chain} handle ${handle}`,
    conditions: expr.flatMap((part) => conditionOf(part, rule, sets)),
    action: actionOf(expr),
    handle,
    ...(comment === undefined ? {} : { comment }),
    isByUser: /"sk[ug]id"/.test(JSON.stringify(expr)),
  };
}

const UNKNOWN: Condition = () => 'perhaps';

function conditionOf(part: Part, { family, table }: ShownRule, sets: Sets): readonly Condition[] {
  if ('match' in part) {
    const lookup = (name: string) => sets.get(`${family} ${table} ${name}`);
    return [(packet) => matches(part['match'], packet, lookup)];
  }
  return HARMLESS.some((name) => name in part) || isIptables(part) ? [] : [UNKNOWN];
}

/** Statements that decide nothing, or whose effect is the action of the rule. */
const HARMLESS: readonly string[] = [
  'accept',
  'drop',
  'reject',
  'return',
  'jump',
  'goto',
  'vmap',
  'queue',
  'dnat',
  'snat',
  'masquerade',
  'redirect',
  'tproxy',
  'notrack',
  'counter',
  'log',
  'mangle',
];

interface IptablesPart {
  readonly type?: unknown;
  readonly name?: unknown;
}

/** Older versions of nft show of it nothing at all. */
function iptablesPart({ xt }: Part): IptablesPart | undefined {
  return xt === undefined ? undefined : (xt ?? {});
}

/** A part of iptables that decides nothing, or is a target that is known. */
function isIptables(part: Part): boolean {
  const { type, name } = iptablesPart(part) ?? {};
  if (type === 'match') return name === 'comment';
  return type === 'target' && actionOfTarget(String(name)) !== undefined;
}

function isOpaque(part: Part): boolean {
  return iptablesPart(part) !== undefined && !isIptables(part);
}

/** What changes addresses stops nothing. */
function mayStop({ expr, table }: ShownRule): boolean {
  return (
    table !== 'nat' && ['drop', 'reject', 'undecided', 'jump', 'goto'].includes(actionOf(expr).kind)
  );
}

function actionOf(expr: readonly Part[]): Action {
  for (const part of expr) {
    const action = actionOfPart(part);
    if (action !== undefined) return action;
  }
  return { kind: 'continue' };
}

function actionOfPart(part: Part): Action | undefined {
  const xt = iptablesPart(part);
  if (xt !== undefined) {
    if (xt.type === 'match') return undefined;
    return actionOfTarget(String(xt.name)) ?? { kind: 'undecided' };
  }
  if ('reject' in part) return { kind: 'reject', saysNoRoute: NO_ROUTE.test(errorOf(part)) };
  const jump = (part['jump'] ?? part['goto']) as { readonly target?: unknown } | undefined;
  if (jump !== undefined) {
    return { kind: 'jump' in part ? 'jump' : 'goto', chain: String(jump.target) };
  }
  return SIMPLE.find(([name]) => name in part)?.[1];
}

const SIMPLE: readonly (readonly [string, Action])[] = [
  ['accept', { kind: 'accept' }],
  ['masquerade', { kind: 'translate' }],
  ['snat', { kind: 'translate' }],
  ['drop', { kind: 'drop' }],
  ['return', { kind: 'return' }],
  ['vmap', { kind: 'undecided' }],
  ['queue', { kind: 'undecided' }],
  ['dnat', { kind: 'rewrite' }],
  ['redirect', { kind: 'rewrite' }],
  ['tproxy', { kind: 'rewrite' }],
  ['notrack', { kind: 'rewrite' }],
];

function errorOf(part: Part): string {
  const { expr } = (part['reject'] ?? {}) as { readonly expr?: unknown };
  return String(expr);
}
