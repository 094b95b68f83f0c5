/** Which program manages a rule: it would write the rule again, so its own command changes it. */
import type { BlockingRule } from './blocking-rule.ts';
import type { Chain } from './ruleset.ts';

export type Manager = 'ufw' | 'firewalld' | 'fail2ban' | 'kubernetes' | 'engine';

const OWN: readonly (readonly [Manager, table: RegExp, chain: RegExp])[] = [
  ['ufw', /./, /^ufw6?-/],
  ['firewalld', /^firewalld/, /./],
  ['firewalld', /./, /_direct$/],
  ['fail2ban', /^f2b-/, /./],
  ['fail2ban', /./, /^f2b-/],
  // Rules of DOCKER-USER and CNI-ADMIN are a person's.
  ['engine', /./, /^(?:DOCKER(?!-USER$)|NETAVARK|CNI-(?!ADMIN$))/],
  ['engine', /^(?:netavark|docker-bridges)$/, /./],
  ['kubernetes', /^kube-proxy$/, /./],
  ['kubernetes', /./, /^(?:KUBE-|cali-|CILIUM_)/],
];

/** Undefined for a rule that a person or a script of the host added. */
export function managerOf(rule: BlockingRule, chains: readonly Chain[]): Manager | undefined {
  const [family, table, name] = rule.chain;
  const own = OWN.find(([, ofTable, ofChain]) => ofTable.test(table) && ofChain.test(name))?.[0];
  if (own !== undefined || rule.verdict !== 'policy drop') return own;
  // ufw closes the chain of the kernel itself.
  const isOfUfw = (one: Chain): boolean =>
    one.family === family && one.table === table && /^ufw6?-/.test(one.name);
  return chains.some(isOfUfw) ? 'ufw' : undefined;
}
