/** A runner that lives on the host itself: its paths are those of the host, and mostly its network too. */
import type { Paths } from '../../core/paths.ts';
import type { Place, RunnerFiles } from '../../core/place.ts';
import type { RunnerProcess } from '../../core/reading.ts';
import type { LogSource } from '../../core/runner-event.ts';
import { handStartedCommands } from './by-hand.ts';
import type { EngineServices } from './engine.ts';
import { engineAt } from './engine.ts';
import type { HostFacts } from './host-commands.ts';
import { hostCommands } from './host-commands.ts';
import { commandIn } from './in-network.ts';
import { runnerFiles } from './runner-files.ts';
import { systemdCommands } from './systemd.ts';
import { sysvCommands } from './sysv.ts';

/** Who starts and stops the runner. */
export type Manager =
  | { readonly kind: 'systemd'; readonly unit: string }
  | { readonly kind: 'systemd-user'; readonly unit: string; readonly ownerId: number }
  | { readonly kind: 'sysv'; readonly script: string; readonly defaultsFile?: string | undefined }
  | { readonly kind: 'by-hand' };

export interface HostPlace {
  readonly manager: Manager;
  readonly paths: Paths;
  /** Where its network is not that of the host. */
  readonly hostPaths?: Paths | undefined;
  readonly closed?: string | undefined;
  readonly user: Place['user'];
  /** The program as a person types it. */
  readonly program: string;
  /** By default those of the packaged service. */
  readonly files?: RunnerFiles;
  /** The process that runs, or the last one that did. */
  readonly started?: RunnerProcess | undefined;
  readonly isRunning?: boolean;
  readonly log?: LogSource | undefined;
  readonly host: HostFacts;
  readonly engines: EngineServices;
}

/** Label of a runner that no unit and no script of another name runs. */
const PLAIN_NAME = 'gitlab-runner';

export function placeOnHost(given: HostPlace): Place {
  const { manager, paths, user, log, files = runnerFiles(), host, engines, started } = given;
  const { hostPaths, closed } = given;
  const environment = started?.environment;
  return {
    id: idOf(manager),
    description: descriptionOf(given),
    paths,
    ...(hostPaths === undefined ? {} : { hostPaths }),
    ...(closed === undefined ? {} : { closed }),
    files,
    user,
    isManaged: manager.kind !== 'by-hand',
    ...(manager.kind === 'systemd' ? { unit: manager.unit } : {}),
    ...(log === undefined ? {} : { log }),
    commands: commandsOf(given, files),
    host: hostCommands(host),
    hostPath: (path) => path,
    inNetwork: (command) => commandIn(paths.network?.pid, command),
    engineAt: (address, certificates) => engineAt(engines, address, certificates),
    ...(environment === undefined ? {} : { variable: (name) => environment[name] }),
  };
}

function idOf(manager: Manager): string {
  switch (manager.kind) {
    case 'systemd':
    case 'systemd-user':
      return manager.unit;
    case 'sysv':
      return manager.script;
    case 'by-hand':
      return PLAIN_NAME;
  }
}

function descriptionOf({ manager, started, isRunning = false }: HostPlace): string {
  switch (manager.kind) {
    case 'systemd':
      return `systemd unit ${manager.unit}`;
    case 'systemd-user':
      return `systemd unit ${manager.unit} of user ${manager.ownerId}`;
    case 'sysv':
      return `script /etc/init.d/${manager.script}`;
    case 'by-hand':
      return started === undefined || !isRunning
        ? 'started by hand'
        : `process ${started.pid}, started by hand`;
  }
}

function commandsOf(given: HostPlace, files: RunnerFiles) {
  const { manager, user, program, log, host, started, isRunning = false } = given;
  const logFile = log?.kind === 'file' ? log.path : undefined;
  const install = hostCommands(host).install(PLAIN_NAME);
  const common = { user, program, logFile, install };
  switch (manager.kind) {
    case 'systemd':
      return systemdCommands({ ...common, unit: manager.unit });
    case 'systemd-user':
      return systemdCommands({ ...common, unit: manager.unit, ownerId: manager.ownerId });
    case 'sysv': {
      const { script, defaultsFile } = manager;
      return sysvCommands({
        ...common,
        script,
        defaultsFile,
        processFile: `/var/run/${script}.pid`,
      });
    }
    case 'by-hand':
      return handStartedCommands({
        ...common,
        pid: isRunning ? started?.pid : undefined,
        words: commandLine(started, program, files),
        workingDirectory: started?.workingDirectory,
      });
  }
}

/** With the path of the config file, where its command line does not contain it. */
function commandLine(
  started: RunnerProcess | undefined,
  program: string,
  { config }: RunnerFiles,
): readonly string[] {
  if (started === undefined) return [program, 'run', '--config', config];
  const { arguments: words, configFoundBy, configPath } = started;
  return configFoundBy === 'process-argument' ? words : [...words, '--config', configPath];
}
