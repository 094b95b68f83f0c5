/** Every rule, in the order of the docs. A rule about single keys is a row of the schema; any other is an entry in one of these files. */
import { CONSTRAINT_RULES } from '../constraint-rules.ts';
import type { Rule } from '../rule.ts';
import { CACHE_RULES } from './cache.ts';
import { DOCKER_RULES } from './docker.ts';
import { ENTRY_RULES } from './entries.ts';
import { EXECUTOR_RULES } from './executors.ts';
import { FILE_RULES } from './files.ts';
import { GLOBAL_RULES } from './global.ts';
import { KEY_RULES } from './keys.ts';
import { LISTENER_RULES } from './listeners.ts';
import { OTHER_EXECUTOR_RULES } from './other-executors.ts';
import { SLOT_RULES } from './slots.ts';
import { SYNTAX_RULES } from './syntax.ts';
import { TLS_RULES } from './tls.ts';
import { TOKEN_RULES } from './tokens.ts';
import { TYPE_RULES } from './types.ts';
import { URL_RULES } from './urls.ts';

const FAMILIES = 'FPGRTXDCMAKSHL';

const ALL: readonly (readonly Rule[])[] = [
  CONSTRAINT_RULES,
  SYNTAX_RULES,
  TYPE_RULES,
  KEY_RULES,
  FILE_RULES,
  GLOBAL_RULES,
  SLOT_RULES,
  LISTENER_RULES,
  URL_RULES,
  TOKEN_RULES,
  ENTRY_RULES,
  TLS_RULES,
  EXECUTOR_RULES,
  DOCKER_RULES,
  CACHE_RULES,
  OTHER_EXECUTOR_RULES,
];

/**
 * One rule for each code: a rule that extends a row of the schema takes its place. Beside the rows stands what one key
 * alone does not show: keys that another table needs (C01, C02), flags that the process can set too (R21), the folder
 * that a path is relative to (T02), the labels of two tables together (G23).
 */
const BY_CODE = new Map(ALL.flat().map((rule) => [rule.code, rule]));

export const LINT_RULES: readonly Rule[] = [...BY_CODE.values()].toSorted(
  (a, b) => rank(a) - rank(b),
);

function rank({ code }: Rule): number {
  return FAMILIES.indexOf(code.charAt(0)) * 100 + Number(code.slice(1));
}

/** A rule by its code, in any case, or by its name. */
export function ruleNamed(codeOrName: string): Rule | undefined {
  return (
    BY_CODE.get(codeOrName.toUpperCase()) ?? LINT_RULES.find(({ name }) => name === codeOrName)
  );
}
