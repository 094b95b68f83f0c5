/**
 * Can the runner execute the programs that its executor starts? The custom executor, docker+machine and autoscalers do
 * their work by programs; what these can do is not asked, since it would start machines.
 *
 * Source    config.toml; the files in the place of the runner: existence, mode bits, mount and first bytes
 *           (host/fs/program.ts). Nothing is executed.
 * Measures  -
 * Reasons   setting-missing, program-missing, program-denied, program-invalid, plugin-missing, key-unreadable, cleanup-unusable.
 * Unknown   not-examined: all of this is right, and whether jobs can run is shown by a job alone; or a file system does not
 *           answer.
 */
import { join } from 'node:path';

import { deadlineOf } from '../core/abort.ts';
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
import { mountOf, readMounts } from '../host/fs/mounts.ts';
import type { ProgramFault, ProgramTools } from '../host/fs/program.ts';
import { programFault } from '../host/fs/program.ts';
import { denialOf } from '../host/fs/rights.ts';
import { FileSystemReader } from '../host/fs/stat-file-system.ts';

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

/** `mounts` asks a file system whether it answers, in a process of its own. */
export const createJobPrograms = (mounts: FileSystemReader) =>
  defineProbe({
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
      if (backend.kind !== 'programs') {
        const detail = `the executor ${target.executor} starts no programs of its own`;
        return { status: 'unknown', reason: 'not-examined', detail, facts };
      }
      const { unexamined } = backend;
      const silent = await silentMount(backend, mounts, tools);
      if (silent !== undefined) {
        const detail = `whether the executor ${target.executor} can run jobs is not known: ${silent} does not answer`;
        return { status: 'unknown', reason: 'not-examined', detail, facts };
      }
      const fault = await faultOf(backend, tools);
      if (fault !== undefined) return { ...fault, facts: { ...facts, ...fault.facts } };
      const detail = `what the executor ${target.executor} starts is there; whether ${unexamined} is not known`;
      return { status: 'unknown', reason: 'not-examined', detail, facts };
    },
  });

export const jobPrograms = createJobPrograms(new FileSystemReader());

const MOUNT_SECONDS = 5;

/** The first file system, beside that of the root, that has something the executor needs and does not answer. */
async function silentMount(
  { keyFile, plugin, programs }: ProgramsBackend,
  reader: FileSystemReader,
  { clock, paths, process, signal }: Tools,
): Promise<string | undefined> {
  const mounts = await readMounts(paths, process?.pid);
  const needed = [
    ...programs.flatMap(({ name, folders = [] }) => (name.startsWith('/') ? [name] : folders)),
    ...(plugin === undefined ? [] : [plugin.name, ...plugin.folders, ...plugin.installed]),
    ...(keyFile === undefined ? [] : [keyFile]),
  ].filter((path) => path.startsWith('/'));
  const points = new Set(needed.map((path) => mountOf(path, mounts)?.mountPoint ?? '/'));
  points.delete('/');
  using deadline = deadlineOf(MOUNT_SECONDS, signal);
  for (const point of points) {
    const path = join(paths.rootfs, point);
    const answer = await reader.read(path, path, { clock, signal: deadline.signal });
    if (answer.kind === 'hung') return point;
  }
  return undefined;
}

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
  let warned: Fault | undefined;
  // One after the other: what does not answer must not hold every thread that reads files.
  for (const program of programs) {
    const { name, folders } = program;
    // Of a hidden environment PATH is not known.
    if (folders === undefined && !name.includes('/')) continue;
    const fault = await programFault(name, folders ?? [], deps);
    const found = fault && faultOfProgram(program, fault);
    if (found?.status === 'fail') return found;
    warned ??= found;
  }
  return warned;
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
  const facts = isGone ? { path, because: 'missing' } : { path };
  return { status: 'fail', reason: 'key-unreadable', detail, facts };
}

async function isMissing(path: string, paths: Paths): Promise<boolean> {
  return await statIn(paths, path).then(
    () => false,
    (error: unknown) => isErrno(error, 'ENOENT', 'ENOTDIR'),
  );
}
