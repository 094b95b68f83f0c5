/** The programs that the custom executor, docker+machine and autoscalers start, as the runner would find them. */
import { join } from 'node:path';

import type { ExecutorBackend, NeededPlugin, NeededProgram } from '../core/target.ts';
import type {
  AutoscalerSettings,
  CustomSettings,
  MachineSettings,
} from '../config/runner/executor-settings.ts';
import type { Environment } from '../config/runner/expand.ts';
import type { RunnerEntry } from '../config/runner/runner-config.ts';
import { asProcessSees } from '../host/place/runner-files.ts';
import type { TargetsQuestion } from './endpoint-target.ts';
import { environmentOf } from './endpoint-target.ts';

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const MACHINE_PROGRAM = 'docker-machine';
/** Drivers that docker-machine has in its own program; any other one is a program beside it. */
const OWN_DRIVERS: ReadonlySet<string> = new Set(
  'amazonec2 azure digitalocean exoscale generic google hyperv none openstack rackspace softlayer virtualbox vmwarefusion vmwarevcloudair vmwarevsphere'.split(
    ' ',
  ),
);

interface Found {
  readonly id: string;
  readonly backend: Extract<ExecutorBackend, { kind: 'programs' }>;
}

/** Undefined where the entry has no table of its executor. */
export function programsOf(entry: RunnerEntry, question: TargetsQuestion): Found | undefined {
  const { custom, machine, autoscaler } = entry.settings;
  switch (entry.executor) {
    case 'custom':
      return custom && customOf(custom, question);
    case 'docker+machine':
      return machine && machineOf(machine, question);
    default:
      return autoscaler && autoscalerOf(autoscaler, question);
  }
}

function customOf(settings: CustomSettings, question: TargetsQuestion): Found {
  const { configExec, prepareExec, runExec, cleanupExec } = settings;
  const programs = [
    ...named(configExec, 'config_exec', question),
    ...named(prepareExec, 'prepare_exec', question),
    ...named(runExec, 'run_exec', question),
    ...named(cleanupExec, 'cleanup_exec', question).map((program) => ({
      ...program,
      isForCleanup: true as const,
    })),
  ];
  return {
    id: runExec ?? 'custom',
    backend: {
      kind: 'programs',
      programs,
      lacks: runExec === undefined ? ['run_exec in [runners.custom]'] : [],
      unexamined: 'these programs make an environment for jobs',
    },
  };
}

function named(
  name: string | undefined,
  setting: string,
  question: TargetsQuestion,
): readonly NeededProgram[] {
  if (name === undefined) return [];
  const folders = foldersOf(question);
  return [{ name, setting, ...(folders === undefined ? {} : { folders }) }];
}

function machineOf({ name, driver = '' }: MachineSettings, question: TargetsQuestion): Found {
  const isOwn = driver === '' || OWN_DRIVERS.has(driver);
  const programs = [
    ...named(MACHINE_PROGRAM, 'docker+machine', question),
    ...(isOwn ? [] : named(`${MACHINE_PROGRAM}-driver-${driver}`, 'MachineDriver', question)),
  ];
  const lacks = name === undefined ? ['MachineName in [runners.machine]'] : [];
  return {
    id: [MACHINE_PROGRAM, driver].filter(Boolean).join(' '),
    backend: {
      kind: 'programs',
      programs,
      lacks,
      unexamined: 'docker-machine can create machines',
    },
  };
}

function autoscalerOf({ plugin, keyFile }: AutoscalerSettings, question: TargetsQuestion): Found {
  const key = keyFile === undefined ? undefined : asProcessSees(keyFile, question.process);
  const folders = foldersOf(question);
  return {
    id: plugin ?? 'autoscaler',
    backend: {
      kind: 'programs',
      programs: [],
      ...(plugin === undefined || folders === undefined
        ? {}
        : { plugin: pluginOf(plugin, folders, environmentOf(question) ?? {}) }),
      ...(key === undefined ? {} : { keyFile: key }),
      lacks: plugin === undefined ? ['plugin in [runners.autoscaler]'] : [],
      unexamined:
        folders === undefined
          ? 'its plugin is installed (the environment of the process cannot be read)'
          : 'its plugin can create machines',
    },
  };
}

/** FLEETING_PLUGIN_PATH, else below the home of the user. */
function pluginOf(
  name: string,
  folders: readonly string[],
  environment: Environment,
): NeededPlugin {
  const { FLEETING_PLUGIN_PATH: own = '', XDG_CONFIG_HOME: config = '', HOME = '' } = environment;
  const homes = [join(HOME === '' ? '/root' : HOME, '.config'), ...(config === '' ? [] : [config])];
  const installed = own === '' ? homes.map((home) => join(home, 'fleeting/plugins')) : [own];
  return { name, folders, installed };
}

/** PATH, where Go takes no program from a relative folder; undefined where the environment is hidden. */
function foldersOf(question: TargetsQuestion): readonly string[] | undefined {
  const environment = environmentOf(question);
  if (environment === undefined && question.process !== undefined) return undefined;
  const path = environment?.['PATH'] ?? DEFAULT_PATH;
  return path.split(':').filter((folder) => folder.startsWith('/'));
}
