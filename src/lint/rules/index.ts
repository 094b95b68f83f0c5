/** Every rule, in the order of the table. A new rule is an entry in one of these files. */
import type { Rule } from '../rule.ts';
import { KEY_RULES } from './keys.ts';
import { SYNTAX_RULES } from './syntax.ts';
import { TYPE_RULES } from './types.ts';

const FAMILIES = 'FPGRTXDCMAKSHL';

export const LINT_RULES: readonly Rule[] = [...SYNTAX_RULES, ...TYPE_RULES, ...KEY_RULES].toSorted(
  (a, b) => rank(a) - rank(b),
);

function rank({ code }: Rule): number {
  return FAMILIES.indexOf(code.charAt(0)) * 100 + Number(code.slice(1));
}

const BY_CODE = new Map(LINT_RULES.map((rule) => [rule.code, rule]));

/** A rule by its code, in any case, or by its name. */
export function ruleNamed(word: string): Rule | undefined {
  return BY_CODE.get(word.toUpperCase()) ?? LINT_RULES.find(({ name }) => name === word);
}
