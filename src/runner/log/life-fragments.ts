/**
 * Known lines about the process, its config and its token: docs/reference/runner-log.md, rows 46 to 61 and 82
 * to 93.
 */
import type { Fragment } from './fragment.ts';
import { readVersion } from './line-data.ts';
import type { LogLevel } from './log-line.ts';

const BAD: readonly LogLevel[] = ['warning', 'error', 'fatal', 'panic'];
const FATAL: readonly LogLevel[] = ['fatal', 'panic', 'error'];
const INFO: readonly LogLevel[] = ['info'];

/** About config.toml itself: what else such a line holds is the reason, not another fault. */
export const CONFIG_FRAGMENTS: readonly Fragment[] = [
  {
    n: 48,
    kind: 'config-not-saved',
    levels: BAD,
    message: /^Failed to (?:load config \(token reset\)|save config)/,
    cause: 'token-rotation-not-persisted',
  },
  {
    n: 50,
    kind: 'config-not-loaded',
    levels: ['error', 'warning'],
    message: /^Failed to load config/,
    text: /decoding configuration file|(?<![\w.])toml: /,
    cause: 'config-syntax-error',
  },
  {
    n: 51,
    kind: 'config-not-loaded',
    levels: ['error', 'warning'],
    message: /^Failed to load config/,
    text: /\b(?:open|stat) \S+: permission denied/,
    cause: 'config-unreadable',
  },
  {
    n: 52,
    kind: 'fatal',
    levels: FATAL,
    message: /^Service run failed/,
    text: /decoding configuration file: open \S+: permission denied/,
    cause: 'config-unreadable',
  },
];

export const LIFE_FRAGMENTS: readonly Fragment[] = [
  {
    n: 46,
    kind: 'token',
    levels: ['info', 'error', 'warning'],
    message: /^Verifying runner\.\.\. is (?:not valid|removed)/,
    cause: 'token-rejected',
  },
  {
    n: 46,
    kind: 'token-worked',
    levels: ['info'],
    message: /^Verifying runner\.\.\. ?is (?:valid|alive)/,
  },
  {
    n: 47,
    kind: 'token-worked',
    levels: ['info'],
    message: /^Resetting runner (?:authentication )?token\.\.\. ?succeeded/,
  },
  {
    n: 47,
    kind: 'token',
    levels: BAD,
    message: /^Resetting runner (?:authentication )?token\.\.\. failed/,
    cause: 'token-expiring-soon',
  },
  {
    n: 49,
    kind: 'token',
    levels: BAD,
    message: /^Runner token is empty or whitespace/,
    cause: 'token-missing',
  },
  {
    n: 51,
    kind: 'config-not-loaded',
    levels: ['error', 'warning'],
    message: /^Failed to load config/,
    cause: 'config-missing',
  },
  {
    n: 52,
    kind: 'fatal',
    levels: FATAL,
    message: /^(?:Service run failed|chdir )/,
    cause: 'runner-start-failed',
  },
  {
    n: 53,
    kind: 'setting',
    levels: ['info', 'warning'],
    message: /^There might be a problem with your config based on jsonschema/,
    cause: 'config-unknown-key',
  },
  {
    n: 54,
    kind: 'poll-failed',
    levels: BAD,
    message: /^Executor "?[^"\s]+"? is not known/,
    cause: 'config-executor-unknown',
  },
  {
    n: 55,
    kind: 'fatal',
    levels: ['fatal', 'panic'],
    message: /^-?\d+\s*<nil>/,
    cause: 'config-concurrent-zero',
  },
  {
    n: 56,
    kind: 'fatal',
    levels: FATAL,
    message: /^Failed to create (?:listener for metrics server|session server)/,
    cause: 'runner-start-failed',
  },
  { n: 57, kind: 'setting', levels: BAD, message: /^invalid listen address/i },
  {
    n: 58,
    kind: 'setting',
    levels: BAD,
    message: /^Failed to parse PEM in /,
    cause: 'tls-ca-file-invalid',
  },
  {
    n: 58,
    kind: 'setting',
    levels: BAD,
    message: /^Failed to load \/\S+/,
    cause: 'tls-ca-file-unreadable',
  },
  {
    n: 59,
    kind: 'setting',
    levels: BAD,
    message: /^Failed to load system CertPool/,
    cause: 'tls-unknown-authority',
  },
  {
    n: 60,
    kind: 'setting',
    levels: BAD,
    message: /^CONFIGURATION: Long polling issues detected/,
    cause: 'config-concurrency-starvation',
  },
  {
    n: 61,
    kind: 'fatal',
    levels: FATAL,
    message: /^(?:.*: )?loading system ID file/,
    cause: 'runner-start-failed',
  },
  { n: 61, kind: 'setting', levels: BAD, message: /^Couldn't save new system ID on state file/ },
  { n: 82, kind: 'crashed', levels: INFO, message: /^(?:panic: |fatal error: )/ },
  {
    n: 83,
    kind: 'oom',
    levels: INFO,
    message: /^Out of memory: Killed process \d+ \(gitlab-runner/,
  },
  {
    n: 84,
    kind: 'stopping',
    levels: ['warning', 'info'],
    message: /^(?:Starting (?:graceful|forceful) shutdown|received stop signal)/,
    cause: 'runner-shutting-down',
  },
  // `Runtime platform` is also the first line of every one-off command.
  { n: 85, kind: 'version', levels: INFO, message: /^Runtime platform/, read: readVersion },
  { n: 86, kind: 'started', levels: INFO, message: /^Starting multi-runner from / },
  { n: 86, kind: 'config-loaded', levels: INFO, message: /^Configuration loaded/ },
  {
    n: 86,
    kind: 'noted',
    levels: INFO,
    message:
      /^(?:Running in system-mode|listen_address not defined|Metrics server listening|Initializing executor providers)/,
  },
  { n: 87, kind: 'noted', levels: ['warning'], message: /^Running in user-mode/ },
  { n: 88, kind: 'stopped', levels: INFO, message: /^(?:All workers stopped|Can exit now)/ },
  {
    n: 89,
    kind: 'setting',
    levels: BAD,
    message: /^The runner URL contains a legacy '\/ci' suffix/,
    cause: 'config-setting-ineffective',
  },
  {
    n: 90,
    kind: 'router',
    levels: ['info', 'warning', 'error'],
    message:
      /^(?:Using job router at|Job router circuit breaker tripped|Discovering Job Router\.\.\. failed)/,
  },
  { n: 91, kind: 'router', levels: BAD, message: /^Error requesting a job/ },
  {
    n: 92,
    kind: 'fatal',
    levels: FATAL,
    message: /^Boot-verify canary failed/,
    cause: 'runner-start-failed',
  },
  {
    n: 93,
    kind: 'token',
    levels: BAD,
    message: /^Registering runner\.\.\. (?:forbidden|failed)/,
  },
  // For any message: it is the last line of a process.
  { n: 0, kind: 'fatal', levels: ['fatal', 'panic'], message: /^/, cause: 'runner-start-failed' },
];
