/**
 * The keys of our own settings file. Each is data: validation, the lines of
 * deploy/runnerwatch.example.toml and the table in the docs derive from it.
 */
import type { Option, OptionTable } from '../../core/option.ts';
import type { Probe } from '../../core/probe.ts';
import { LOG_FORMATS, LOG_LEVELS } from '../../log.ts';

interface Described {
  readonly help: string;
}

export interface TextSetting extends Described {
  readonly kind: 'text';
  readonly choices?: readonly string[];
  /** Shown in the example; a key that is absent leaves the flag's default. */
  readonly example: string;
}

export interface TextsSetting extends Described {
  readonly kind: 'texts';
  readonly example: readonly string[];
}

export type Setting = Option | TextSetting | TextsSetting;
export type SettingTable = Readonly<Record<string, Setting>>;

/** A setting that is no probe's. Those of probes all apply at a reload. */
export type GeneralSetting = Setting & {
  /** Its name in the code. */
  readonly property: string;
  /** A change takes effect at a reload, or only when runnerwatch is restarted. */
  readonly applies: 'at-reload' | 'after-restart';
  /** The flag that wins over it. */
  readonly flag?: string;
};

/** The largest accepted budget: one request each two seconds. */
const MAX_REQUESTS_PER_HOUR = 1800;
const MAX_SECONDS = 86_400;

/** Sections beside `[probes.<id>]`. A flag on the command line wins over its key here. */
export const SECTIONS = {
  gitlab: {
    requests_per_hour: {
      property: 'requestsPerHour',
      applies: 'at-reload',
      kind: 'number',
      default: 20,
      unit: 'count',
      min: 1,
      max: MAX_REQUESTS_PER_HOUR,
      help: 'Requests without a login that this host may send to the API of GitLab per hour, in total. Beside them it may send 6 where the runner contradicts a result or GitLab has moved, and one verify for each entry and address if GitLab is older than 18.7.',
    },
    api_token_file: {
      property: 'apiTokenFile',
      applies: 'at-reload',
      kind: 'text',
      example: '/etc/runnerwatch/gitlab-api-token',
      help: 'File with an API token (scope read_api). With it, runnerwatch also reports paused runners, duplicate system ids and waiting jobs.',
    },
  },
  web: {
    listen_addresses: {
      property: 'listenAddresses',
      applies: 'after-restart',
      flag: 'web.listen-address',
      kind: 'texts',
      example: ['127.0.0.1:19252'],
      help: 'Where to listen, same as --web.listen-address: host:port, [::1]:port, :port or unix:/path.',
    },
    enable_lifecycle: {
      property: 'enableLifecycle',
      applies: 'after-restart',
      flag: 'web.enable-lifecycle',
      kind: 'boolean',
      default: false,
      help: 'Allow POST /-/reload, same as --web.enable-lifecycle.',
    },
  },
  runner: {
    config: {
      property: 'runnerConfig',
      applies: 'at-reload',
      flag: 'runner.config',
      kind: 'text',
      example: '/etc/gitlab-runner/config.toml',
      help: "gitlab-runner's config.toml, same as --runner.config. Default: the file that the running gitlab-runner uses.",
    },
    log_file: {
      property: 'runnerLogFile',
      applies: 'at-reload',
      kind: 'text',
      example: '/var/log/gitlab-runner.log',
      help: 'Log file of the runner, if it does not log to the journal of its unit. Of several runners it is that of the first.',
    },
  },
  state: {
    directory: {
      property: 'stateDirectory',
      applies: 'after-restart',
      flag: 'state.directory',
      kind: 'text',
      example: '/var/lib/runnerwatch',
      help: 'Where to save state across restarts, same as --state.directory.',
    },
  },
  log: {
    level: {
      property: 'logLevel',
      applies: 'at-reload',
      flag: 'log.level',
      kind: 'text',
      choices: LOG_LEVELS,
      example: 'info',
      help: `Same as --log.level: ${LOG_LEVELS.join(', ')}.`,
    },
    format: {
      property: 'logFormat',
      applies: 'after-restart',
      flag: 'log.format',
      kind: 'text',
      choices: LOG_FORMATS,
      example: 'logfmt',
      help: `Same as --log.format: ${LOG_FORMATS.join(', ')}.`,
    },
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, GeneralSetting>>>>;

/** Whether a change takes effect only after a restart of runnerwatch; every other one does at a reload. */
export function needsRestart(setting: Setting | GeneralSetting): boolean {
  return 'applies' in setting && setting.applies === 'after-restart';
}

/** Every setting that is no probe's, with its name in the file: `web.listen_addresses`. */
export const GENERAL_SETTINGS: readonly (GeneralSetting & { readonly name: string })[] =
  Object.entries<Readonly<Record<string, GeneralSetting>>>(SECTIONS).flatMap(([section, table]) =>
    Object.entries(table).map(([key, setting]) => ({ ...setting, name: `${section}.${key}` })),
  );

type Sections = typeof SECTIONS;
type Row = { [Name in keyof Sections]: Sections[Name][keyof Sections[Name]] }[keyof Sections];
type ValueOf<R> = R extends { readonly kind: 'number' }
  ? number
  : R extends { readonly kind: 'boolean' }
    ? boolean
    : R extends { readonly kind: 'texts' }
      ? readonly string[]
      : R extends { readonly choices: readonly (infer Choice)[] }
        ? Choice
        : string;

/** What the sections say, by property; absent where the file does not name the key. */
export type GeneralSettings = { readonly [R in Row as R['property']]?: ValueOf<R> };

/** Keys of `[probes.<id>]`: the common three, then the probe's own. */
export function probeSettings(probe: Probe): OptionTable {
  return {
    enabled: { kind: 'boolean', default: true, help: 'false turns this check off.' },
    interval_seconds: {
      kind: 'number',
      default: probe.intervalSeconds,
      unit: 'seconds',
      min: 1,
      max: MAX_SECONDS,
      help: 'Time between two runs.',
    },
    timeout_seconds: {
      kind: 'number',
      default: probe.timeoutSeconds,
      unit: 'seconds',
      min: 0.1,
      max: 300,
      help: 'A run that takes longer is stopped and has no result.',
    },
    ...probe.options,
  };
}
