/**
 * From the command line to a daemon that has not started: settings file, log, paths. A flag wins over the
 * settings file, which wins over the default.
 */
import { access, constants, readFile } from 'node:fs/promises';
import { resolve } from 'node:path';

import type { SettingsLoad } from '../config/settings/reloader.ts';
import type { GeneralSetting } from '../config/settings/schema.ts';
import { GENERAL_SETTINGS } from '../config/settings/schema.ts';
import { defaultSettings, loadSettings } from '../config/settings/settings.ts';
import type { Settings } from '../config/settings/settings.ts';
import { systemClock } from '../core/clock.ts';
import { errnoText, isErrno } from '../core/errno.ts';
import { OWN_SETTINGS } from '../core/own-service.ts';
import type { Paths } from '../core/paths.ts';
import type { Problem } from '../core/reading.ts';
import type { DaemonOptions } from '../daemon.ts';
import { Daemon } from '../daemon.ts';
import { rootOfHost } from '../host/place/own-container.ts';
import type { Log } from '../log.ts';
import { createLog } from '../log.ts';
import { ALL_PROBES } from './all-probes.ts';
import { Protection } from '../server/protection.ts';
import type { Invocation } from './command-line.ts';
import { isGiven, listFlag, switchFlag, textFlag } from './command-line.ts';

const STATE_DIRECTORY = '/var/lib/runnerwatch';
const EXIT_INVALID = 1;

export type Assembly =
  | {
      readonly kind: 'ready';
      readonly daemon: Daemon;
      readonly log: Log;
      readonly addresses: readonly string[];
      readonly enableLifecycle: boolean;
      /** TLS and logins of the listeners. */
      readonly protection: Protection;
    }
  /** There is nothing to run: --config.check, or settings that cannot be used. */
  | { readonly kind: 'done'; readonly exitCode: number };

interface AssemblyOptions extends Pick<DaemonOptions, 'onResult'> {
  /** For a command that answers in the terminal and does not listen: only errors are logged unless a flag says otherwise. */
  readonly quiet: boolean;
}

export async function createDaemon(
  invocation: Invocation,
  { quiet, onResult }: AssemblyOptions,
): Promise<Assembly> {
  const isCheck = switchFlag(invocation, 'config.check');
  const loaded = await settingsOf(invocation);
  const protection = new Protection(textFlag(invocation, 'web.config.file'));
  const webProblems = isCheck || !quiet ? await protection.refresh() : [];
  const { settings } = loaded;
  if (settings === undefined || webProblems.length > 0 || isCheck) {
    return { kind: 'done', exitCode: report(loaded, webProblems) };
  }
  const log = logOf(invocation, settings, quiet);
  const ofResults = onResult === undefined ? {} : { onResult };
  return {
    kind: 'ready',
    protection,
    daemon: await daemonOf(invocation, settings, { log, isRecording: !quiet, ...ofResults }),
    log,
    addresses: settings.listenAddresses ?? [],
    enableLifecycle: settings.enableLifecycle === true,
  };
}

function logOf(
  invocation: Invocation,
  { logLevel = 'info', logFormat = 'logfmt' }: Settings,
  quiet: boolean,
): Log {
  const isQuiet = quiet && !isGiven(invocation, 'log.level');
  return createLog({
    level: isQuiet ? 'error' : logLevel,
    format: logFormat,
    sink: process.stderr,
  });
}

async function daemonOf(
  invocation: Invocation,
  settings: Settings,
  options: Pick<DaemonOptions, 'log' | 'isRecording' | 'onResult'>,
): Promise<Daemon> {
  const stateDirectory = await stateDirectoryOf(settings);
  const settingsFile = textFlag(invocation, 'config.file');
  return new Daemon({
    probes: ALL_PROBES,
    settings,
    loadSettings: async () => await settingsOf(invocation),
    paths: await pathsOf(invocation),
    clock: systemClock,
    ...options,
    ...(settingsFile === undefined ? {} : { settingsFile: resolve(settingsFile) }),
    ...(stateDirectory === undefined ? {} : { stateDirectory }),
  });
}

/** Where incidents lie: as the daemon would have it, writable or not. Undefined when the settings cannot be used. */
export async function stateDirectoryToRead(invocation: Invocation): Promise<string | undefined> {
  const wanted = textFlag(invocation, 'state.directory');
  if (wanted !== undefined) return wanted;
  const { settings, problems } = await settingsOf(invocation);
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  return settings === undefined ? undefined : (settings.stateDirectory ?? STATE_DIRECTORY);
}

interface LoadedSettings extends SettingsLoad {
  readonly settings: Settings | undefined;
  /** Where they were read; undefined when there is no file. */
  readonly file: string | undefined;
}

/** A flag wins over the file, at the start and at every reload. */
async function settingsOf(invocation: Invocation): Promise<LoadedSettings> {
  const loaded = await readSettings(invocation);
  const { settings } = loaded;
  return { ...loaded, settings: settings && withFlags(settings, invocation) };
}

function withFlags(settings: Settings, invocation: Invocation): Settings {
  const given: Readonly<Record<string, unknown>> = { ...settings };
  const values = GENERAL_SETTINGS.flatMap(({ property, kind, flag }) => {
    const value = flag === undefined ? undefined : flagValue(invocation, kind, flag);
    const isInForce = flag !== undefined && (isGiven(invocation, flag) || !(property in given));
    return value === undefined || !isInForce ? [] : [[property, value] as const];
  });
  return { ...settings, ...Object.fromEntries(values) };
}

/** What was typed, or the flag's default. */
function flagValue(invocation: Invocation, kind: GeneralSetting['kind'], flag: string) {
  if (kind === 'texts') return listFlag(invocation, flag);
  return kind === 'boolean' ? switchFlag(invocation, flag) : textFlag(invocation, flag);
}

async function readSettings(invocation: Invocation): Promise<LoadedSettings> {
  const named = textFlag(invocation, 'config.file');
  const file = named ?? OWN_SETTINGS;
  try {
    const { settings, problems } = loadSettings(await readFile(file, 'utf8'), file, ALL_PROBES);
    return { settings, file, problems: problems.map((problem: Problem) => problemLine(problem)) };
  } catch (error) {
    if (named === undefined && isErrno(error, 'ENOENT')) {
      return { settings: defaultSettings(ALL_PROBES), file: undefined, problems: [] };
    }
    const problem = `${file}: cannot be read (${errnoText(error)}); check the path and its permissions`;
    return { settings: undefined, file, problems: [problem] };
  }
}

/** Prints what `--config.check` found, or why the settings cannot be used. */
function report(
  { settings, problems, file }: LoadedSettings,
  webProblems: readonly string[],
): number {
  for (const problem of [...problems, ...webProblems]) process.stderr.write(`${problem}\n`);
  if (settings === undefined || webProblems.length > 0) return EXIT_INVALID;
  const where =
    file === undefined ? `${OWN_SETTINGS} does not exist; using the defaults` : `${file} is valid`;
  process.stdout.write(`${where}\n`);
  return 0;
}

async function pathsOf(invocation: Invocation): Promise<Paths> {
  const given = {
    rootfs: textFlag(invocation, 'path.rootfs') ?? '/',
    procfs: textFlag(invocation, 'path.procfs') ?? '/proc',
    sysfs: textFlag(invocation, 'path.sysfs') ?? '/sys',
  };
  return isGiven(invocation, 'path.rootfs') ? given : { ...given, rootfs: await rootOfHost(given) };
}

/** The default directory is used only where it exists and can be written. */
async function stateDirectoryOf({ stateDirectory }: Settings): Promise<string | undefined> {
  if (stateDirectory !== undefined) return stateDirectory;
  const isWritable = await access(STATE_DIRECTORY, constants.W_OK).then(
    () => true,
    () => false,
  );
  return isWritable ? STATE_DIRECTORY : undefined;
}

/** A problem of a file as one line: where, what, and what to do. */
function problemLine({ file, line, column, message, fix }: Problem): string {
  const where = [file, line, column].filter((part) => part !== undefined).join(':');
  return `${where}: ${message.replace(/\.$/, '')}; ${fix.charAt(0).toLowerCase()}${fix.slice(1)}`;
}
