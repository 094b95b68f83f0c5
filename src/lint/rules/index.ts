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

/** One rule for each code: a rule that extends a row of the schema takes its place. */
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

/** A rule, or a part of one, that the linter does not check. */
export interface Unchecked {
  readonly code: string;
  readonly what: string;
  readonly because: string;
}

/** Codes without a rule. */
export const UNCHECKED_RULES: readonly Unchecked[] = [
  {
    code: 'R04',
    what: 'a slash at the end of `url`',
    because: 'the runner removes it, and `gitlab-runner register` itself writes it',
  },
];

/** Parts of rules that need more than the file, its host and the runner process. */
export const UNCHECKED_PARTS: readonly Unchecked[] = [
  {
    code: 'F06',
    what: 'a file that other users may read, in a directory that they may not enter',
    because: 'they cannot reach it',
  },
  {
    code: 'R06',
    what: 'whether http:// is redirected to https://',
    because: 'it needs a request; the daemon makes it and reports `url-redirect-breaks-post`',
  },
  {
    code: 'R24',
    what: 'whether GitLab can be reached without the proxy',
    because: 'it needs a connection; the daemon makes it and reports `proxy-setting-not-applied`',
  },
  {
    code: 'X04',
    what: 'a full file system below `builds_dir`',
    because: 'the daemon checks it and reports `disk-space-exhausted`',
  },
  {
    code: 'D18',
    what: 'whether the tag is that of the version of the runner',
    because: 'the version is only known by starting the program',
  },
  {
    code: 'F09',
    what: 'a change with an old modification time, from the command line',
    because: 'the command reads the file once; the daemon sees the change',
  },
  {
    code: 'A01',
    what: 'a plugin that is named without a path',
    because: 'its directory depends on how it was installed',
  },
];
