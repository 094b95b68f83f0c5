/** Tokens and their dates. No message contains any part of a token; what is wrong with one is decided by gitlab/token.ts. */
import type { TokenFormatFault } from '../../gitlab/token.ts';
import { TOKEN_FORMAT_FAULTS, tokenFormatFault } from '../../gitlab/token.ts';
import { isAllowed } from '../named-files.ts';
import { isFlagOn } from '../parsed-config.ts';
import type { Rule } from '../rule.ts';
import { perEntry } from '../rule.ts';
import { entryAt, instantAt, tokenOf } from '../values.ts';
import { atTable, atValue } from '../violation.ts';

const KEY = 'runners.token';
const EXPIRES = 'runners.token_expires_at';
const CREATE_RUNNER =
  'Create a runner in GitLab (Settings > CI/CD > Runners) and write its token, which starts with glrt-.';
const REJECTED =
  'GitLab rejects every request with 403, and the runner disables the entry after three.';
const QUARTER = 0.25;

/** A rule about the text of the token. */
function formatFaults(...faults: readonly TokenFormatFault[]): Rule['check'] {
  return perEntry((section, context) => {
    const found = tokenOf(section, context);
    const fault = found === undefined ? undefined : tokenFormatFault(found.token);
    if (found === undefined || fault === undefined || !faults.includes(fault)) return [];
    // A variable that is not set has a rule of its own.
    if (fault === 'blank' && found.unset.length > 0) return [];
    const message = `the token of ${section.label} ${TOKEN_FORMAT_FAULTS[fault]}`;
    return [atValue(found.entry, message, { key: KEY })];
  });
}

const missing = perEntry(({ table, label }) =>
  entryAt(table, 'token') === undefined
    ? [atTable(table, `${label} has no token`, { key: KEY })]
    : [],
);

export const TOKEN_RULES: readonly Rule[] = [
  {
    code: 'R12',
    name: 'token-empty',
    severity: 'error',
    effect: 'offline',
    title: 'The token is missing',
    consequence: 'The runner skips the entry and logs one warning at each load.',
    fix: CREATE_RUNNER,
    check: (config, context) => [
      ...missing(config, context),
      ...formatFaults('blank')(config, context),
    ],
  },
  {
    code: 'R13',
    name: 'token-for-registration',
    severity: 'error',
    effect: 'offline',
    title: 'The token is a registration token',
    consequence: REJECTED,
    fix: CREATE_RUNNER,
    check: formatFaults('registration'),
  },
  {
    code: 'R14',
    name: 'token-of-another-kind',
    severity: 'error',
    effect: 'offline',
    title: 'The token is a placeholder, or a token of another kind',
    consequence: REJECTED,
    fix: CREATE_RUNNER,
    check: formatFaults('other-kind', 'placeholder'),
  },
  {
    code: 'R15',
    name: 'token-damaged',
    severity: 'error',
    effect: 'offline',
    title: 'The token is truncated or mistyped',
    consequence: REJECTED,
    fix: 'Copy the token again, without spaces, quotes and line breaks.',
    check: formatFaults('characters', 'checksum'),
  },
  {
    code: 'R16',
    name: 'token-expired',
    severity: 'error',
    effect: 'offline',
    title: 'The token has expired',
    consequence:
      'GitLab rejects every request with 403, unless the token was renewed in GitLab and not in this file.',
    fix: 'Renew it: `gitlab-runner reset-token`, or create a new runner.',
    check: perEntry((section, { now }) => {
      const found = instantAt(section.table, 'token_expires_at');
      if (found === undefined || found.value > now) return [];
      const message = `the token of ${section.label} expired on ${dayOf(found.value)}`;
      return [atValue(found.entry, message, { key: EXPIRES })];
    }),
  },
  {
    code: 'R17',
    name: 'token-will-expire',
    severity: 'warning',
    title: 'The token expires, and the runner cannot renew it',
    consequence:
      'The runner renews a token after three quarters of its life, but only where rotation is on and it may write the file.',
    fix: 'Remove FF_DISABLE_AUTOMATIC_TOKEN_ROTATION and make the file writable for the runner, or renew the token by hand.',
    check: perEntry((section, context) => {
      const expires = instantAt(section.table, 'token_expires_at');
      if (expires === undefined || expires.value <= context.now) return [];
      const obtained = instantAt(section.table, 'token_obtained_at')?.value ?? context.now;
      const left = (expires.value - context.now) / Math.max(1, expires.value - obtained);
      const isOff = isFlagOn(section, 'FF_DISABLE_AUTOMATIC_TOKEN_ROTATION');
      const { configPath, files, process } = context;
      const own = configPath === undefined ? undefined : files?.stat(configPath);
      const isReadOnly =
        own !== undefined && process !== undefined && isAllowed(own, process, 'write') === false;
      if (left > QUARTER || (!isOff && !isReadOnly)) return [];
      const message = `the token of ${section.label} expires on ${dayOf(expires.value)}, and the runner cannot renew it`;
      return [atValue(expires.entry, message, { key: EXPIRES })];
    }),
  },
];

function dayOf(instant: number): string {
  return new Date(instant).toISOString().slice(0, 10);
}
