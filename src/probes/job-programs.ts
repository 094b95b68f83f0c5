/**
 * Can the runner execute the programs that its executor starts? The custom executor, docker+machine and autoscalers do
 * their work by programs; what these can do is not asked, since it would start machines.
 *
 * Source    config.toml; the files in the place of the runner: existence, mode bits, mount and first bytes
 *           (host/fs/program.ts). Nothing is executed.
 * Measures  -
 * Reasons   setting-missing, program-missing, program-denied, program-invalid, plugin-missing, key-unreadable, cleanup-unusable.
 * Unknown   not-examined: all of this is right, and whether jobs can run is shown by a job alone.
 */
import { isErrno } from '../core/errno.ts';
import type { Fact, Finding } from '../core/finding.ts';
import type { Paths } from '../core/paths.ts';
import type { Tools } from '../core/probe.ts';
import { defineProbe } from '../core/probe.ts';
import { leadToCauses } from '../core/reason.ts';
import { credentialsOf } from '../core/reading.ts';
import type { NeededProgram, ProgramsBackend } from '../core/target.ts';
import { plainIdOf } from '../core/target.ts';
import { pluginFault } from '../host/fs/fleeting-plugin.ts';
import { statIn } from '../host/fs/in-root.ts';
import { readMounts } from '../host/fs/mounts.ts';
import type { ProgramFault, ProgramTools } from '../host/fs/program.ts';
import { programFault } from '../host/fs/program.ts';
import { denialOf } from '../host/fs/rights.ts';

const REASONS = {
  ...leadToCauses(
    'setting-missing',
    'program-missing',
    'program-denied',
    'program-invalid',
    'plugin-missing',
    'key-unreadable',
    'cleanup-unusable',
  ),
  'not-examined': {
    kind: 'unseen',
    meaning:
      'What the executor starts is there, and no check looks at what it does; a job that ran proves it.',
    action: 'Run a job of this entry, or watch what the executor uses by its own means.',
  },
} as const;

type ProgramsFinding = Finding<keyof typeof REASONS, never>;
type Facts = Readonly<Record<string, Fact>>;

export const jobPrograms = defineProbe({
  id: 'job-programs',
  title: 'Programs of the executor',
  question: 'Can the runner execute the programs that its executor starts?',
  kind: 'executor',
  changedBy: ['config-executor', 'program'],
  isProvenByJobs: true,
  needs: [],
  intervalSeconds: 30,
  timeoutSeconds: 15,
  options: {},
  reasons: REASONS,
  measures: {},
  applies: ({ backend }) => backend.kind === 'programs',

  async run(target, _options, tools): Promise<ProgramsFinding> {
    const { backend } = target;
    const facts = { stands_on: plainIdOf(target), executor: target.executor };
    const fault = backend.kind === 'programs' ? await faultOf(backend, tools) : undefined;
    if (fault !== undefined) return { ...fault, facts: { ...facts, ...fault.facts } };
    const unexamined = backend.kind === 'programs' ? backend.unexamined : '';
    const detail = `what the executor ${target.executor} starts is there; whether ${unexamined} is not known`;
    return { status: 'unknown', reason: 'not-examined', detail, facts };
  },
});

interface Fault {
  readonly status: 'fail' | 'warn';
  readonly reason: Exclude<keyof typeof REASONS, 'not-examined'>;
  readonly detail: string;
  readonly facts: Facts;
}

/** The first one, in the order in which the runner would meet it. */
async function faultOf(
  { lacks, keyFile, plugin, programs }: ProgramsBackend,
  tools: Tools,
): Promise<Fault | undefined> {
  const [setting] = lacks;
  if (setting !== undefined) {
    const detail = `config.toml has no ${setting}, which this executor requires`;
    return { status: 'fail', reason: 'setting-missing', detail, facts: { setting } };
  }
  const { paths, process } = tools;
  const mounts = await readMounts(paths, process?.pid);
  const deps = { paths, who: credentialsOf(process), mounts };
  const spoiled = plugin && (await pluginFault(plugin, deps));
  if (plugin !== undefined && spoiled !== undefined) {
    return faultOfProgram({ name: plugin.name, setting: 'plugin' }, spoiled);
  }
  return (await keyFault(keyFile, deps)) ?? (await firstFault(programs, deps));
}

async function firstFault(
  programs: readonly NeededProgram[],
  deps: ProgramTools,
): Promise<Fault | undefined> {
  const faults = await Promise.all(
    programs.map(async (program) => {
      const { name, folders } = program;
      // Of a hidden environment PATH is not known.
      if (folders === undefined && !name.includes('/')) return undefined;
      const fault = await programFault(name, folders ?? [], deps);
      return fault && faultOfProgram(program, fault);
    }),
  );
  const found = faults.filter((fault) => fault !== undefined);
  return found.find(({ status }) => status === 'fail') ?? found[0];
}

function faultOfProgram(
  { name, setting, isForCleanup }: NeededProgram,
  { kind, detail, path, because, needs }: ProgramFault,
): Fault {
  const isMissingPlugin = setting === 'plugin' && kind === 'missing';
  const facts = { program: name, setting, ...definedOf({ path, because, needs }) };
  const said = { detail: `${name} (${setting}) ${detail}`, facts };
  return isForCleanup === undefined
    ? { status: 'fail', reason: isMissingPlugin ? 'plugin-missing' : `program-${kind}`, ...said }
    : { status: 'warn', reason: 'cleanup-unusable', ...said };
}

function definedOf(facts: Readonly<Record<string, string | undefined>>): Facts {
  return Object.fromEntries(
    Object.entries(facts).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

/** The runner reads it before it asks for jobs. */
async function keyFault(
  path: string | undefined,
  { paths, who }: ProgramTools,
): Promise<Fault | undefined> {
  if (path === undefined) return undefined;
  const denied = await denialOf(path, ['read'], who, paths);
  const isGone = denied === undefined && (await isMissing(path, paths));
  if (denied === undefined && !isGone) return undefined;
  const detail = isGone
    ? `the key ${path} (key_path) does not exist`
    : `the key ${path} (key_path) cannot be read by the user ${who?.uid ?? ''} (${denied ?? path})`;
  return { status: 'fail', reason: 'key-unreadable', detail, facts: { path } };
}

async function isMissing(path: string, paths: Paths): Promise<boolean> {
  return await statIn(paths, path).then(
    () => false,
    (error: unknown) => isErrno(error, 'ENOENT', 'ENOTDIR'),
  );
}
