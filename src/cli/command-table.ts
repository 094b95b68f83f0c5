/** The command line as data: commands, flags, defaults and help. */
import { OWN_SETTINGS } from '../core/own-service.ts';
import { LOG_FORMATS, LOG_LEVELS } from '../log.ts';

export interface FlagSpec {
  /** Absent for a switch. */
  readonly value?: string;
  readonly help: string;
  readonly default?: string;
  readonly choices?: readonly string[];
  readonly repeatable?: boolean;
}

/** Flags of every command that runs probes, spelled as Prometheus exporters spell them. */
const SHARED = {
  'runner.config': {
    value: 'PATH',
    help: "gitlab-runner's config.toml; default: the file that the running gitlab-runner uses",
  },
  'config.file': {
    value: 'PATH',
    help: `runnerwatch's settings; default: ${OWN_SETTINGS} if it exists`,
  },
  'config.check': { help: "check runnerwatch's settings, print every problem, exit" },
  'web.listen-address': {
    value: 'ADDRESS',
    help: 'host:port, [::1]:port, :port or unix:/path; repeatable',
    default: '127.0.0.1:19252',
    repeatable: true,
  },
  'web.config.file': {
    value: 'PATH',
    help: "TLS and basic auth, in the format of Prometheus' exporter-toolkit",
  },
  'web.enable-lifecycle': { help: 'allow POST /-/reload' },
  'path.rootfs': { value: 'PATH', help: "the host's root, for containers", default: '/' },
  'path.procfs': { value: 'PATH', help: "the host's /proc", default: '/proc' },
  'path.sysfs': { value: 'PATH', help: "the host's /sys", default: '/sys' },
  'state.directory': {
    value: 'PATH',
    help: 'where to save state across restarts; default: /var/lib/runnerwatch if writable',
  },
  'log.level': {
    value: 'LEVEL',
    help: LOG_LEVELS.join(', '),
    default: 'info',
    choices: LOG_LEVELS,
  },
  'log.format': {
    value: 'FORMAT',
    help: LOG_FORMATS.join(', '),
    default: 'logfmt',
    choices: LOG_FORMATS,
  },
} as const satisfies Readonly<Record<string, FlagSpec>>;

/** Flags of every command. */
export const GENERAL: Readonly<Record<string, FlagSpec>> = {
  version: { help: 'print the version, exit' },
  help: { help: 'print this help, exit' },
};

export interface CommandSpec {
  readonly usage: string;
  readonly help: string;
  readonly flags: Readonly<Record<string, FlagSpec>>;
  /** The largest number of positional arguments. */
  readonly positionals: number;
}

export const COMMANDS = {
  serve: {
    usage: 'runnerwatch [serve] [FLAGS]',
    help: 'run the daemon (default)',
    flags: SHARED,
    positionals: 0,
  },
  check: {
    usage: 'runnerwatch check [--format text|json|nagios] [--runner NAME] [--watch] [FLAGS]',
    help: 'run every check once, then exit: 0 healthy, 1 warning or notice, 2 critical, 3 unsure',
    flags: {
      format: {
        value: 'FORMAT',
        help: 'text, json or nagios',
        default: 'text',
        choices: ['text', 'json', 'nagios'],
      },
      runner: { value: 'NAME', help: 'report one runner entry only, by name or short token' },
      watch: { help: 'repeat until everything is healthy, or Ctrl-C' },
      ...SHARED,
    },
    positionals: 0,
  },
  lint: {
    usage: 'runnerwatch lint [PATH] [--format text|json|codequality] [--strict] [--fix [--write]]',
    help: 'check a config.toml (- for standard input): exit 0 no error, 1 errors, 2 unreadable',
    flags: {
      format: {
        value: 'FORMAT',
        help: 'text, json or codequality',
        default: 'text',
        choices: ['text', 'json', 'codequality'],
      },
      strict: { help: 'treat warnings as errors' },
      fix: { help: 'print the file with every safe correction, and list the changes' },
      write: { help: 'with --fix: overwrite the file, and keep a backup beside it' },
    },
    positionals: 1,
  },
  explain: {
    usage: 'runnerwatch explain [CAUSE|RULE]',
    help: 'list all causes, or explain one cause or one lint rule (P07): meaning, evidence, fix',
    flags: {},
    positionals: 1,
  },
  incident: {
    usage: 'runnerwatch incident [ID] [--format text|json] [FLAGS]',
    help: 'list recorded incidents, or print one: what happened, and what changed just before',
    flags: {
      format: {
        value: 'FORMAT',
        help: 'text or json',
        default: 'text',
        choices: ['text', 'json'],
      },
      'config.file': SHARED['config.file'],
      'state.directory': SHARED['state.directory'],
    },
    positionals: 1,
  },
  demo: {
    usage: 'runnerwatch demo [--container]',
    help: 'run the daemon against a built-in fake GitLab, with faults to switch on',
    flags: {
      container: { help: 'let the runner live in a container of Docker or podman; needs root' },
      'web.listen-address': {
        value: 'ADDRESS',
        help: 'where the demo daemon listens',
        default: '127.0.0.1:19252',
        repeatable: true,
      },
    },
    positionals: 0,
  },
} as const satisfies Readonly<Record<string, CommandSpec>>;

export type CommandName = keyof typeof COMMANDS;

/** The help of one command, or of the program. */
export function helpText(command?: CommandName): string {
  const shown = command ?? 'serve';
  const usage =
    command === undefined
      ? Object.values(COMMANDS).map(({ usage, help }) => `  ${usage}\n      ${help}`)
      : [`  ${COMMANDS[command].usage}\n      ${COMMANDS[command].help}`];
  const flags = Object.entries({ ...COMMANDS[shown].flags, ...GENERAL }).map(
    ([name, flag]: [string, FlagSpec]) => {
      const head = flag.value === undefined ? `--${name}` : `--${name} ${flag.value}`;
      const tail = flag.default === undefined ? '' : ` (default ${flag.default})`;
      return `  ${head.padEnd(32)} ${flag.help}${tail}`;
    },
  );
  return `Says why this GitLab Runner cannot get jobs from GitLab, or soon will not, and how to fix it.\n\n${usage.join('\n')}\n\nFlags:\n${flags.join('\n')}\n`;
}
