/** Constraints on keys of the whole file and of an entry. */
import type { ConstraintRow } from './constraint.ts';
import { DOCKER_EXECUTORS, EXECUTORS, SHELLS } from './executors.ts';
import { FEATURE_FLAGS } from './feature-flags.ts';

export const LOG_LEVELS: readonly string[] = [
  'panic',
  'fatal',
  'error',
  'warn',
  'warning',
  'info',
  'debug',
  'trace',
];
export const LOG_FORMATS: readonly string[] = ['runner', 'text', 'json'];
export const MIN_CONCURRENT = 1;

const MIN_CONNECTION_SECONDS = 1;
const MAX_CHECK_SECONDS = 60;
const MAX_UNHEALTHY_SECONDS = 7200;
const EXITS_ON_LOG_SETTING =
  'The process exits at its start. At a reload it logs an error, and the rest of the new configuration is in force.';

export const CONSTRAINTS: readonly ConstraintRow[] = [
  {
    code: 'G01',
    name: 'concurrent-zero',
    severity: 'error',
    effect: 'run',
    title: '`concurrent` is below 1',
    consequence:
      'The process exits when it loads the file; at a reload all running jobs end with it.',
    fix: 'Set it to 1 or more.',
    keys: [
      {
        table: '',
        keys: ['concurrent'],
        must: { kind: 'range', of: 'integer', min: MIN_CONCURRENT },
        write: String(MIN_CONCURRENT),
      },
    ],
  },
  {
    code: 'G09',
    name: 'check-interval-odd',
    severity: 'warning',
    title: '`check_interval` is above 60 seconds, or negative',
    consequence:
      'A job waits up to this long until the runner picks it up; a negative value counts as 3.',
    fix: 'Set it to 60 seconds or less; the default is 3.',
    keys: [
      {
        table: '',
        keys: ['check_interval'],
        must: { kind: 'range', of: 'seconds', max: MAX_CHECK_SECONDS },
        write: '3',
      },
      {
        table: '',
        keys: ['check_interval'],
        must: { kind: 'range', of: 'seconds', min: 0 },
        write: '3',
        severity: 'info',
      },
    ],
  },
  {
    code: 'G10',
    name: 'log-level-unknown',
    severity: 'error',
    effect: 'start',
    title: '`log_level` is not a log level',
    consequence: EXITS_ON_LOG_SETTING,
    fix: `Write one of ${LOG_LEVELS.join(', ')}, or remove the line.`,
    keys: [
      {
        table: '',
        keys: ['log_level'],
        must: { kind: 'one-of', values: LOG_LEVELS, ignoresCase: true, rejectsEmpty: true },
        write: '"info"',
      },
    ],
  },
  {
    code: 'G11',
    name: 'log-format-unknown',
    severity: 'error',
    effect: 'start',
    title: '`log_format` is not a log format',
    consequence: EXITS_ON_LOG_SETTING,
    fix: `Write one of ${LOG_FORMATS.join(', ')} in lower case, or remove the line.`,
    keys: [
      {
        table: '',
        keys: ['log_format'],
        must: { kind: 'one-of', values: LOG_FORMATS, rejectsEmpty: true },
        write: '"runner"',
      },
    ],
  },
  {
    code: 'G13',
    name: 'log-hides-lost-gitlab',
    severity: 'warning',
    title: '`log_level` hides failed requests to GitLab',
    consequence: 'Failed requests for jobs are logged as warnings, which this level drops.',
    fix: 'Set it to "warning" or "info".',
    keys: [
      {
        table: '',
        keys: ['log_level'],
        must: { kind: 'not', values: ['error', 'fatal', 'panic'] },
        write: '"warning"',
      },
    ],
  },
  {
    code: 'G14',
    name: 'log-debug-for-ever',
    severity: 'warning',
    title: '`log_level` is debug or trace',
    consequence: 'The log grows fast, and at every load it contains the whole configuration.',
    fix: 'Set it to "info"; for an hour of debugging start the runner with --debug.',
    keys: [
      {
        table: '',
        keys: ['log_level'],
        must: { kind: 'not', values: ['debug', 'trace'] },
        write: '"info"',
      },
    ],
  },
  {
    code: 'G21',
    name: 'connections-never-kept',
    severity: 'warning',
    title: '`connection_max_age` is below a second',
    consequence: 'The runner opens a new connection to GitLab for every request.',
    fix: 'Set it to "15m", the default, or to "0" to keep connections without a limit.',
    keys: [
      {
        table: '',
        keys: ['connection_max_age'],
        must: { kind: 'range', of: 'duration', min: MIN_CONNECTION_SECONDS, allowsZero: true },
        write: '"15m"',
      },
    ],
  },
  {
    code: 'G22',
    name: 'user-without-effect',
    severity: 'warning',
    title: '`user` is set in the file',
    consequence:
      'The runner ignores it: only the flag --user of `gitlab-runner run` sets the user of the jobs.',
    fix: 'Remove it, and pass --user where the runner is started: `gitlab-runner install --user NAME`.',
    keys: [{ table: '', keys: ['user'], must: { kind: 'no-effect', why: 'in config.toml' } }],
  },
  {
    code: 'R10',
    name: 'clone-url-without-scheme',
    severity: 'warning',
    title: '`clone_url` has no scheme',
    consequence: 'The runner silently ignores it, and jobs clone from `url`.',
    fix: 'Write it with https://.',
    keys: [
      {
        table: 'runners',
        keys: ['clone_url'],
        must: {
          kind: 'form',
          is: 'a URL with a scheme',
          test: (text) => /^[a-z][a-z0-9+.-]*:\/\//i.test(text),
        },
        write: (text) =>
          /^[\w.-]+(?::\d+)?(?:\/[\w./-]*)?$/.test(text) ? `https://${text}` : undefined,
      },
    ],
  },
  {
    code: 'R22',
    name: 'feature-flag-unknown',
    severity: 'warning',
    title: 'The feature flag does not exist in GitLab Runner 19.4',
    consequence: 'The runner silently ignores it.',
    fix: 'Write a name from the list of feature flags in the documentation of GitLab Runner, or remove the line.',
    keys: [
      {
        table: 'runners.feature_flags',
        keys: ['*'],
        must: { kind: 'named', names: FEATURE_FLAGS, suggests: true },
      },
    ],
  },
  {
    code: 'R23',
    name: 'environment-without-equals',
    severity: 'warning',
    title: 'An element of `environment` has no =',
    consequence: 'The runner silently drops it.',
    fix: 'Write "NAME=value".',
    keys: [
      {
        table: 'runners',
        keys: ['environment'],
        must: { kind: 'form', is: 'NAME=value', test: (text) => text.includes('=') },
        write: '"NAME=value"',
      },
    ],
  },
  {
    code: 'R26',
    name: 'long-ban',
    severity: 'warning',
    title: 'A few failed requests pause the entry for hours',
    consequence:
      'After `unhealthy_requests_limit` failed requests in a row, the entry asks for no jobs during `unhealthy_interval`.',
    fix: 'Keep the defaults: 3 requests and one hour.',
    keys: [
      {
        table: 'runners',
        keys: ['unhealthy_interval'],
        must: { kind: 'range', of: 'duration', max: MAX_UNHEALTHY_SECONDS },
        write: '"1h"',
      },
      {
        table: 'runners',
        keys: ['unhealthy_requests_limit'],
        must: { kind: 'not', values: [1] },
        write: '3',
      },
    ],
  },
  {
    code: 'R27',
    name: 'jobs-by-the-router',
    severity: 'warning',
    title: 'Jobs are fetched from the job router',
    consequence:
      'Requests for jobs go to another host than `url`, which must be reachable as well.',
    fix: "Allow connections to the address of GitLab's agent server (KAS), or turn the flag off.",
    keys: [
      {
        table: 'runners.feature_flags',
        keys: ['FF_USE_JOB_ROUTER'],
        must: { kind: 'not', values: [true] },
      },
    ],
  },
  {
    code: 'X01',
    name: 'executor-unknown',
    severity: 'error',
    effect: 'offline',
    title: 'The executor does not exist',
    consequence:
      'The runner asks for no jobs for this entry, and disables it after three attempts.',
    fix: `Write one of ${EXECUTORS.join(', ')}.`,
    keys: [
      { table: 'runners', keys: ['executor'], must: { kind: 'present' } },
      {
        table: 'runners',
        keys: ['executor'],
        must: { kind: 'one-of', values: EXECUTORS, suggests: true },
      },
    ],
  },
  {
    code: 'X03',
    name: 'shell-unknown',
    severity: 'error',
    effect: 'jobs',
    title: 'The shell does not exist',
    consequence: 'Every job fails: shell not found.',
    fix: `Write one of ${SHELLS.join(', ')}, or remove the line.`,
    keys: [
      {
        table: 'runners',
        keys: ['shell'],
        must: { kind: 'one-of', values: SHELLS, suggests: true },
        write: (text) => (text === 'cmd' ? 'powershell' : undefined),
      },
    ],
  },
  {
    code: 'X06',
    name: 'builds-folder-in-container',
    severity: 'error',
    effect: 'jobs',
    title: '`builds_dir` in a container is relative, or /',
    consequence: 'Every job fails with a configuration error.',
    fix: 'Write an absolute path, such as /builds, or remove the line.',
    keys: [
      {
        table: 'runners',
        keys: ['builds_dir'],
        executors: DOCKER_EXECUTORS.filter((name) => name !== 'docker-windows'),
        must: {
          kind: 'form',
          is: 'an absolute path below /',
          test: (text) => text.startsWith('/') && !/^\/+$/.test(text),
        },
        write: '"/builds"',
      },
    ],
  },
  {
    code: 'R18',
    name: 'token-renewed-at-once',
    severity: 'warning',
    title: '`token_expires_at` is set without `token_obtained_at`',
    consequence:
      'The runner takes three quarters of the life of the token as over, and renews it at every start.',
    fix: 'Add `token_obtained_at`.',
    keys: [
      {
        table: 'runners',
        keys: ['token_expires_at'],
        must: { kind: 'needs', key: 'token_obtained_at' },
      },
    ],
  },
  {
    code: 'C04',
    name: 's3-server-with-scheme',
    severity: 'warning',
    title: '`ServerAddress` contains a scheme or a path',
    consequence:
      'The runner puts https:// in front of it and connects to a host that does not exist.',
    fix: 'Write only host and port; for http set `Insecure = true`.',
    keys: [
      {
        table: 'runners.cache.s3',
        keys: ['ServerAddress'],
        must: { kind: 'form', is: 'host and port alone', test: (text) => !text.includes('/') },
        write: plainAddress,
        // http:// would need Insecure as well, and a path may be meant for something.
        isCertain: (text) => /^https:\/\/[^/]+\/?$/i.test(text),
      },
    ],
  },
];

/** Without scheme and path. */
function plainAddress(text: string): string | undefined {
  const host = text.replace(/^[a-z]+:\/\//i, '').replace(/\/.*$/, '');
  return /^[\w.-]+(?::\d+)?$/.test(host) ? host : undefined;
}
