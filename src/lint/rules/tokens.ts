/** Tokens and their dates: docs/reference/runner-config.md#tokens. No message holds any part of a token. */
import { hasValidChecksum, isSendable, tokenKind } from '../../gitlab/token.ts';
import { isAllowed } from '../named-files.ts';
import { isFlagOn } from '../parsed-config.ts';
import type { Rule } from '../rule.ts';
import { perEntry } from '../rule.ts';
import { filledAt, instantAt, tokenOf } from '../values.ts';
import { atTable, atValue } from '../violation.ts';

const KEY = 'runners.token';
const NEW =
  'Create a runner in GitLab (Settings > CI/CD > Runners) and write its token, which begins with glrt-.';
const QUARTER = 0.25;

export const TOKEN_RULES: readonly Rule[] = [
  {
    code: 'R12',
    name: 'token-empty',
    severity: 'error',
    effect: 'offline',
    title: 'There is no token',
    consequence: 'The runner skips the entry for ever, with one warning at each load.',
    fix: NEW,
    check: perEntry((section, context) => {
      const found = tokenOf(section, context);
      if (found === undefined) {
        return filledAt(section.table, 'token') === undefined
          ? [atTable(section.table, `${section.label} has no token`, { key: KEY })]
          : [];
      }
      if (!found.token.isBlank() || found.unset.length > 0) return [];
      return [atValue(found.entry, `the token of ${section.label} is empty`, { key: KEY })];
    }),
  },
  {
    code: 'R13',
    name: 'token-for-registration',
    severity: 'error',
    effect: 'offline',
    title: 'The token is one for registration',
    consequence: 'GitLab refuses every request with 403, and the entry is disabled after three.',
    fix: NEW,
    check: perEntry((section, context) => {
      const found = tokenOf(section, context);
      if (found === undefined || tokenKind(found.token) !== 'registration') return [];
      return [
        atValue(
          found.entry,
          `the token of ${section.label} begins with GR, as tokens for registration do`,
          { key: KEY },
        ),
      ];
    }),
  },
  {
    code: 'R14',
    name: 'token-of-another-kind',
    severity: 'error',
    effect: 'offline',
    title: 'The token is a placeholder, or of another kind',
    consequence: 'GitLab refuses every request with 403, and the entry is disabled after three.',
    fix: NEW,
    check: perEntry((section, context) => {
      const found = tokenOf(section, context);
      const kind = found === undefined ? 'runner' : tokenKind(found.token);
      if (found === undefined || (kind !== 'other-kind' && kind !== 'placeholder')) return [];
      const what = kind === 'placeholder' ? 'is a placeholder' : 'has the prefix of another kind';
      return [atValue(found.entry, `the token of ${section.label} ${what}`, { key: KEY })];
    }),
  },
  {
    code: 'R15',
    name: 'token-damaged',
    severity: 'error',
    effect: 'offline',
    title: 'The token was cut off or mistyped',
    consequence: 'GitLab refuses every request with 403, and the entry is disabled after three.',
    fix: 'Copy the token once more, without blanks, quotes and line breaks.',
    check: perEntry((section, context) => {
      const found = tokenOf(section, context);
      if (found === undefined || tokenKind(found.token) !== 'runner') return [];
      const isWhole = isSendable(found.token) && !/["'\s]/.test(found.token.reveal());
      if (isWhole && hasValidChecksum(found.token)) return [];
      const why = isWhole ? 'has a wrong checksum' : 'has characters that no token has';
      return [atValue(found.entry, `the token of ${section.label} ${why}`, { key: KEY })];
    }),
  },
  {
    code: 'R16',
    name: 'token-expired',
    severity: 'error',
    effect: 'offline',
    title: 'The token has expired',
    consequence:
      'GitLab refuses every request with 403, unless the token was renewed there and not here.',
    fix: 'Renew it: `gitlab-runner reset-token`, or create a runner anew.',
    check: perEntry((section, { now }) => {
      const found = instantAt(section.table, 'token_expires_at');
      if (found === undefined || found.value > now) return [];
      const day = new Date(found.value).toISOString().slice(0, 10);
      return [
        atValue(found.entry, `the token of ${section.label} expired on ${day}`, {
          key: 'runners.token_expires_at',
        }),
      ];
    }),
  },
  {
    code: 'R17',
    name: 'token-will-expire',
    severity: 'warning',
    title: 'The token expires, and nothing will renew it',
    consequence:
      'The runner renews it after three quarters of its life only where it may, and can write the file.',
    fix: 'Remove FF_DISABLE_AUTOMATIC_TOKEN_ROTATION, or renew the token by hand.',
    check: perEntry((section, context) => {
      const expires = instantAt(section.table, 'token_expires_at');
      if (expires === undefined || expires.value <= context.now) return [];
      const obtained = instantAt(section.table, 'token_obtained_at')?.value ?? context.now;
      const left = (expires.value - context.now) / Math.max(1, expires.value - obtained);
      const isOff = isFlagOn(section, 'FF_DISABLE_AUTOMATIC_TOKEN_ROTATION');
      const { configPath, files, process } = context;
      const own = configPath === undefined ? undefined : files?.stat(configPath);
      const isLocked =
        own !== undefined && process !== undefined && isAllowed(own, process, 2) === false;
      if (left > QUARTER || (!isOff && !isLocked)) return [];
      const day = new Date(expires.value).toISOString().slice(0, 10);
      return [
        atValue(
          expires.entry,
          `the token of ${section.label} expires on ${day}, and is not renewed by itself`,
          { key: 'runners.token_expires_at' },
        ),
      ];
    }),
  },
  {
    code: 'R18',
    name: 'token-renewed-at-once',
    severity: 'warning',
    title: 'The token expires, and when it was obtained is not said',
    consequence:
      'The runner takes three quarters of its life as over and renews it at every start.',
    fix: 'Write `token_obtained_at` as well.',
    check: perEntry((section) => {
      const expires = instantAt(section.table, 'token_expires_at');
      if (expires === undefined || instantAt(section.table, 'token_obtained_at') !== undefined)
        return [];
      return [
        atValue(expires.entry, `${section.label} has token_expires_at and no token_obtained_at`, {
          key: 'runners.token_expires_at',
        }),
      ];
    }),
  },
];
