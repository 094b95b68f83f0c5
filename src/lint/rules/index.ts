/** Every rule, in the order of the table. A new rule is an entry in one of these files. */
import type { Rule } from '../rule.ts';
import { AUTOSCALING_RULES } from './autoscaling.ts';
import { CACHE_RULES } from './cache.ts';
import { CLIENT_CERTIFICATE_RULES } from './client-certificates.ts';
import { CLONE_URL_RULES } from './clone-urls.ts';
import { DOCKER_HOST_RULES } from './docker-host.ts';
import { DOCKER_LIMIT_RULES } from './docker-limits.ts';
import { DOCKER_SAFETY_RULES } from './docker-safety.ts';
import { DOCKER_VALUE_RULES } from './docker-values.ts';
import { ENTRY_RULES } from './entries.ts';
import { EXECUTOR_RULES } from './executors.ts';
import { FILE_RULES } from './files.ts';
import { GLOBAL_RULES } from './global.ts';
import { KEY_RULES } from './keys.ts';
import { LISTENER_RULES } from './listeners.ts';
import { LOGGING_RULES } from './logging.ts';
import { OTHER_EXECUTOR_RULES } from './other-executors.ts';
import { SESSION_SERVER_RULES } from './session-server.ts';
import { SLOT_RULES } from './slots.ts';
import { SYNTAX_RULES } from './syntax.ts';
import { SYSTEM_ID_RULES } from './system-id.ts';
import { TOKEN_RULES } from './tokens.ts';
import { TRUST_RULES } from './trust.ts';
import { TYPE_RULES } from './types.ts';
import { URL_RULES } from './urls.ts';

const FAMILIES = 'FPGRTXDCMAKSHL';

const ALL: readonly (readonly Rule[])[] = [
  SYNTAX_RULES,
  TYPE_RULES,
  KEY_RULES,
  FILE_RULES,
  SYSTEM_ID_RULES,
  GLOBAL_RULES,
  SLOT_RULES,
  LISTENER_RULES,
  URL_RULES,
  SESSION_SERVER_RULES,
  CLONE_URL_RULES,
  LOGGING_RULES,
  DOCKER_VALUE_RULES,
  CLIENT_CERTIFICATE_RULES,
  AUTOSCALING_RULES,
  TOKEN_RULES,
  ENTRY_RULES,
  TRUST_RULES,
  EXECUTOR_RULES,
  DOCKER_HOST_RULES,
  DOCKER_LIMIT_RULES,
  DOCKER_SAFETY_RULES,
  CACHE_RULES,
  OTHER_EXECUTOR_RULES,
];

export const LINT_RULES: readonly Rule[] = ALL.flat().toSorted((a, b) => rank(a) - rank(b));

function rank({ code }: Rule): number {
  return FAMILIES.indexOf(code.charAt(0)) * 100 + Number(code.slice(1));
}

const BY_CODE = new Map(LINT_RULES.map((rule) => [rule.code, rule]));

/** A rule by its code, in any case, or by its name. */
export function ruleNamed(word: string): Rule | undefined {
  return BY_CODE.get(word.toUpperCase()) ?? LINT_RULES.find(({ name }) => name === word);
}

export interface NotJudged {
  readonly code: string;
  readonly what: string;
  readonly because: string;
}

/** Rules that there are not. */
export const LEFT_OUT: readonly NotJudged[] = [
  {
    code: 'R04',
    what: 'a slash at the end of `url`',
    because: 'the runner strips it, and `register` itself writes it: there is nothing to do',
  },
];

/** Parts of rules that need more than a file, its host and its process. */
export const IN_PART: readonly NotJudged[] = [
  {
    code: 'F06',
    what: 'a file that others may read, in a folder that they may not enter',
    because: 'nobody can reach it',
  },
  {
    code: 'R06',
    what: 'whether http:// is redirected to https://',
    because: 'it would need a request; the daemon makes it and names `url-redirect-breaks-post`',
  },
  {
    code: 'R24',
    what: 'whether GitLab can be reached without the proxy',
    because:
      'it would need a connection; the daemon makes it and names `proxy-setting-not-applied`',
  },
  {
    code: 'X04',
    what: 'a full file system below `builds_dir`',
    because: 'the daemon watches it and names `disk-space-exhausted`',
  },
  {
    code: 'D18',
    what: 'whether the tag fits the version of the runner',
    because: 'the version is only known by starting the program',
  },
  {
    code: 'F09',
    what: 'a change with an old time, from the command line',
    because: 'one look sees no change; the daemon does',
  },
  {
    code: 'A01',
    what: 'a plug-in that is named without a path',
    because: 'where it is looked for depends on how it was installed',
  },
];
