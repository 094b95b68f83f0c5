/** The programs of the custom executor, of docker+machine and of autoscalers, as the runner would execute them. */
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';

import { printedFix } from '../printed-fix.ts';
import type { Entry } from '../runner-config.ts';
import { usualEntry } from '../runner-config.ts';
import type { FaultRow, HealthyRow, Row } from '../scenario.ts';
import type { World, WorldOptions } from '../world.ts';
import { forgetLog } from './executor.ts';

const OPEN = 'o/o/n/o/o/o/o';
const RUNNER_UID = 4321;
const MUST_NOT = ['unknown', 'monitor-blind', 'runner-program-missing', 'config-unknown-key'];
const SCRIPT = '#!/opt/ci/shell\nexit 0\n';
const BINARY = '\u007FELF\u0002\u0001\u0001';
const SHELL = { '/opt/ci/shell': BINARY };

const [CONFIG, PREPARE, RUN, CLEANUP] = ['config', 'prepare', 'run', 'cleanup'].map(
  (name) => `/opt/ci/${name}.sh`,
) as [string, string, string, string];
const CUSTOM = `[runners.custom]
  config_exec = "${CONFIG}"
  prepare_exec = "${PREPARE}"
  run_exec = "${RUN}"
  cleanup_exec = "${CLEANUP}"`;
const MACHINE = `[runners.docker]
  image = "alpine:3"
[runners.machine]
  MachineName = "ci-%s"
  MachineDriver = "hetzner"`;
const AUTOSCALER = `[runners.autoscaler]
  plugin = "aws:1"
[runners.autoscaler.connector_config]
  key_path = "/etc/gitlab-runner/keys/id"`;

const MACHINE_PROGRAMS = [
  '/usr/local/bin/docker-machine',
  '/usr/bin/docker-machine-driver-hetzner',
];
const PLUGIN =
  '/root/.config/fleeting/plugins/registry.gitlab.com/gitlab-org/fleeting/plugins/aws/1.2.0/plugin';
const KEY = '/etc/gitlab-runner/keys/id';

async function allow(world: World, mode: number, ...paths: readonly string[]): Promise<void> {
  for (const path of paths) await chmod(join(world.files.path, path), mode);
}

/** An entry of one executor whose programs are there. */
function worldOf(
  entry: Partial<Entry>,
  programs: Readonly<Record<string, string>>,
  more: WorldOptions = {},
): WorldOptions {
  return {
    logFormat: 'text',
    entries: [usualEntry({ name: 'jobs-1', ...entry })],
    files: () => ({ ...SHELL, ...programs }),
    before: async (world) => await allow(world, 0o755, ...Object.keys(programs)),
    probes: { 'job-programs': '' },
    ...more,
  };
}

function allOf(paths: readonly string[], text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(paths.map((path) => [path, text]));
}

const OF_CUSTOM = { executor: 'custom', more: CUSTOM };
const SCRIPTS = allOf([CONFIG, PREPARE, RUN, CLEANUP], SCRIPT);
const custom = worldOf(OF_CUSTOM, SCRIPTS);
const customOfUser = worldOf(OF_CUSTOM, SCRIPTS, { uid: RUNNER_UID });
const machine = worldOf(
  { executor: 'docker+machine', more: MACHINE },
  allOf(MACHINE_PROGRAMS, BINARY),
);
const autoscaled = (executor: string): WorldOptions =>
  worldOf(
    { executor, more: `${AUTOSCALER}\n[runners.docker]\n  image = "alpine:3"` },
    { [PLUGIN]: BINARY, [KEY]: 'KEY' },
  );

/** A job that ran proves what no check looks at. */
async function runJob({ runner, entries }: World): Promise<void> {
  const fields = { job: 15, runner: entries[0]?.token.slice(5, 14) ?? '' };
  await runner.appendLog('info', 'Job succeeded', fields);
}

const stopped = {
  cause: 'executor-program-unusable',
  severity: 'warning',
  chain: OPEN,
  verdict: 'broken',
} as const;

type Fault = Pick<FaultRow, 'title' | 'world' | 'inject' | 'expect'> & Partial<FaultRow>;

const FAULTS: readonly Fault[] = [
  {
    title: 'custom: the program that runs jobs is not there',
    world: custom,
    inject: async ({ files }) => await files.remove(RUN),
    expect: { ...stopped, says: /\/opt\/ci\/run\.sh \(run_exec\) does not exist/ },
  },
  {
    title: 'custom: the program that prepares jobs may not be executed by anyone',
    world: custom,
    inject: async (world) => await allow(world, 0o644, PREPARE),
    expect: { ...stopped, says: /not executable for any user/ },
    fix: printedFix(/chmod a\+rx \S*prepare\.sh/),
  },
  {
    title: 'custom: the user of the runner may not execute the program that runs jobs',
    world: customOfUser,
    inject: async (world) => await allow(world, 0o700, RUN),
    expect: { ...stopped, says: /may not be executed by the user 4321/ },
    fix: printedFix(/chmod a\+rx \S*run\.sh/),
  },
  {
    title: 'custom: the user of the runner may not enter the folder of the programs',
    world: customOfUser,
    inject: async (world) => await allow(world, 0o700, '/opt/ci'),
    expect: { ...stopped, says: /may not be executed by the user 4321/ },
    fix: printedFix(/chmod a\+x \S*\/opt\/ci/),
  },
  {
    title: 'custom: a program was edited on Windows',
    world: custom,
    inject: async ({ files }) => await files.write(CONFIG, SCRIPT.replaceAll('\n', '\r\n')),
    expect: { ...stopped, says: /line ends of Windows/ },
    fix: printedFix(/sed -i/),
  },
  {
    title: 'custom: the interpreter of a program is not there',
    world: custom,
    inject: async ({ files }) => await files.write(RUN, '#!/usr/bin/python3\n'),
    expect: { ...stopped, says: /a script for \/usr\/bin\/python3, which does not exist/ },
  },
  {
    title: 'custom: the program that cleans up is not there, and jobs run',
    world: custom,
    inject: async ({ files }) => await files.remove(CLEANUP),
    expect: {
      cause: 'executor-cleanup-unusable',
      severity: 'notice',
      chain: OPEN,
      verdict: 'degraded',
    },
  },
  {
    title: 'custom: config.toml names no program that runs jobs',
    world: custom,
    inject: async ({ files }) =>
      await files.edit('/etc/gitlab-runner/config.toml', /^ *run_exec.*\n/m, ''),
    expect: {
      ...stopped,
      cause: 'executor-setting-missing',
      says: /run_exec in \[runners\.custom\]/,
    },
  },
  {
    title: 'custom: of two entries one lost its program',
    world: {
      ...custom,
      entries: [usualEntry(), usualEntry({ name: 'custom-2', ...OF_CUSTOM })],
    },
    inject: async ({ files }) => await files.remove(RUN),
    expect: {
      ...stopped,
      verdict: 'degraded',
      runners: {
        'shell-1': { cause: 'none', chain: OPEN },
        'custom-2': { cause: 'executor-program-unusable', chain: OPEN },
      },
    },
  },
  {
    title: 'docker+machine: docker-machine is not there, as the runner says too',
    world: machine,
    inject: async ({ files, runner }) => {
      await files.remove(MACHINE_PROGRAMS[0] ?? '');
      await runner.appendLog('error', 'Machine creation failed', {
        error: 'exec: "docker-machine": executable file not found in $PATH',
        name: 'runner-jobs1xxxx-ci-1',
        time: '1.2ms',
      });
    },
    recover: forgetLog,
    expect: { ...stopped, says: /docker-machine \(docker\+machine\) is not in PATH/ },
  },
  {
    title: 'docker+machine: the driver is not there',
    world: machine,
    inject: async ({ files }) => await files.remove(MACHINE_PROGRAMS[1] ?? ''),
    expect: { ...stopped, says: /docker-machine-driver-hetzner/ },
  },
  {
    title: 'docker+machine: config.toml has no name for machines',
    world: machine,
    inject: async ({ files }) =>
      await files.edit('/etc/gitlab-runner/config.toml', /^ *MachineName.*\n/m, ''),
    expect: { ...stopped, cause: 'executor-setting-missing', says: /MachineName/ },
  },
  {
    title: 'docker-autoscaler: the plugin is not installed',
    world: autoscaled('docker-autoscaler'),
    inject: async ({ files }) => await files.remove(PLUGIN),
    expect: {
      ...stopped,
      cause: 'executor-plugin-missing',
      says: /gitlab-runner fleeting install/,
    },
  },
  {
    title: 'instance: the plugin is installed in another version than the one that is wanted',
    world: autoscaled('instance'),
    inject: async ({ files }) =>
      await files.edit('/etc/gitlab-runner/config.toml', 'aws:1', 'aws:2.0'),
    expect: { ...stopped, cause: 'executor-plugin-missing', says: /is installed as 1\.2\.0 alone/ },
  },
  {
    title: 'instance: the plugin may not be executed',
    world: autoscaled('instance'),
    inject: async (world) => await allow(world, 0o640, PLUGIN),
    expect: { ...stopped, says: /aws:1 \(plugin\)/ },
    fix: printedFix(/chmod a\+rx/),
  },
  {
    title: 'instance: the key for the machines is not there',
    world: autoscaled('instance'),
    inject: async ({ files }) => await files.remove(KEY),
    expect: { ...stopped, cause: 'executor-key-unreadable', says: /key_path/ },
  },
];

const healthy: readonly HealthyRow[] = (
  [
    ['custom', custom],
    ['custom, of a user of its own', customOfUser],
    ['docker+machine', machine],
    ['docker-autoscaler', autoscaled('docker-autoscaler')],
    ['instance', autoscaled('instance')],
  ] as const
).flatMap(([name, world], index) => [
  {
    id: `EP-1${index}`,
    title: `${name}: all that it starts is there, and no job has run yet`,
    world,
    isUnsure: true,
    allowed: [],
  },
  {
    id: `EP-2${index}`,
    title: `${name}: all that it starts is there, and a job has run`,
    world: {
      ...world,
      before: async (one: World) => {
        await world.before?.(one);
        await runJob(one);
      },
    },
    allowed: [],
  },
]);

export const jobProgramRows: readonly Row[] = [
  ...healthy,
  ...FAULTS.map((fault, index) => ({
    isUnsure: true,
    mustNot: MUST_NOT,
    ...fault,
    id: `EP-${30 + index}`,
  })),
];
