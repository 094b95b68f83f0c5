/** Which file systems does the runner write to? Each once, with all its uses. Opens no file on them. */
import { dirname, isAbsolute, join } from 'node:path';

import type { RunnerProcess } from '../core/reading.ts';
import type { JobFolder, MountTarget } from '../core/target.ts';
import type { Mount } from '../host/fs/mounts.ts';
import { mountOf } from '../host/fs/mounts.ts';
import { LOCAL_DOCKER_EXECUTORS } from '../config/runner/executors.ts';
import { PACKAGED_WORKING_DIRECTORY } from '../host/place/runner-files.ts';
import { asProcessSees } from '../host/place/runner-files.ts';
import type { RunnerDocument, RunnerEntry } from '../config/runner/runner-config.ts';

const DOCKER_ROOT = '/var/lib/docker';
const LOG_FOLDER = '/var/log';
/** Files are read here all day, and written only now and then: read-only may well be meant. */
const SELDOM_WRITTEN: ReadonlySet<string> = new Set(['/', 'config', 'home', LOG_FOLDER]);
/** Always full and read-only: images of snaps, of appliances, of live systems. */
const READ_ONLY_TYPES = new Set(['squashfs', 'erofs', 'cramfs', 'romfs', 'iso9660', 'udf']);

export interface MountQuestion {
  readonly document: RunnerDocument | undefined;
  /** Of its entries, in their order. */
  readonly ids?: readonly string[];
  readonly configPath: string;
  readonly process: RunnerProcess | undefined;
  readonly mounts: readonly Mount[];
  /** Of Docker on this host, as far as its settings show. */
  readonly dockerRoot?: string;
  /** Mount points that are writable by /etc/fstab, or were so since the daemon started. */
  readonly meantWritable?: readonly string[];
  /** Mount points that /etc/fstab says are read-only. */
  readonly meantReadOnly?: readonly string[];
}

interface Use {
  readonly path: string;
  readonly role: string;
  /** Jobs fail where it cannot be written. */
  readonly isOfJobs?: true;
  /** No job of the entry begins without it. */
  readonly jobFolder?: JobFolder;
}

/** In the order of first use; `/` is always among them, unless it is meant to be read-only. */
export function mountTargetsOf(question: MountQuestion): readonly MountTarget[] {
  const { document, ids = [], configPath, process, mounts } = question;
  const uses: readonly Use[] = [
    ...(document?.runners ?? [])
      .flatMap((entry, index) => usesOf(entry, ids[index], question))
      .map((use) => ({ ...use, isOfJobs: true as const })),
    { path: dirname(configPath), role: 'config' },
    { path: temporaryDirectory(process), role: 'TMPDIR', isOfJobs: true },
    { path: homeOf(process), role: 'home' },
    { path: LOG_FOLDER, role: LOG_FOLDER },
    { path: '/', role: '/' },
  ];
  const byMount = Map.groupBy(uses, ({ path }) => mountOf(path, mounts));
  return [...byMount].flatMap(([mount, members]): readonly MountTarget[] => {
    const [first] = members;
    if (mount === undefined || first === undefined) return [];
    const { mountPoint: id, fileSystemType, superOptions, deviceNumber } = mount;
    const readOnly = superOptions.includes('ro');
    const roles = [...new Set(members.map(({ role }) => role))];
    if (readOnly && !isWritten(mount, roles, question)) return [];
    const device =
      deviceNumber === undefined || deviceNumber.startsWith('0:') ? {} : { deviceNumber };
    const ofJobs = members.some(({ isOfJobs }) => isOfJobs) ? { isOfJobs: true as const } : {};
    const jobFolders = members.flatMap(({ jobFolder }) => jobFolder ?? []);
    const { path } = first;
    const target = { id, fileSystemType, readOnly, ...device, path, roles, ...ofJobs };
    return [{ kind: 'mount', ...target, ...(jobFolders.length === 0 ? {} : { jobFolders }) }];
  });
}

/** Whether a file system that is read-only now is a fault, and not intended. */
function isWritten(
  { mountPoint, fileSystemType }: Mount,
  roles: readonly string[],
  { meantWritable, meantReadOnly }: MountQuestion,
): boolean {
  if (meantWritable?.includes(mountPoint) === true) return true;
  if (!roles.every((role) => SELDOM_WRITTEN.has(role))) return true;
  if (meantReadOnly?.includes(mountPoint) === true || READ_ONLY_TYPES.has(fileSystemType))
    return false;
  // The runner writes a renewed token there; `/` and the others need not be writable by themselves.
  return roles.includes('config');
}

/** Folders of an entry on this host. Those of containers and remote machines are not here. */
function usesOf(
  entry: RunnerEntry,
  id: string | undefined,
  { process, dockerRoot = DOCKER_ROOT }: MountQuestion,
): readonly Use[] {
  const name = entry.name === '' ? `entry ${entry.number}` : entry.name;
  const { executor, buildsDir, cacheDir } = entry;
  if (executor === 'shell') {
    const builds = asProcessSees(buildsDir ?? 'builds', process);
    // Below the short token are the working copies of this entry alone.
    const own = workingCopiesOf(builds, id);
    return [
      { path: builds, role: `builds_dir of ${name}`, ...jobFolderOf(id, own) },
      { path: asProcessSees(cacheDir ?? 'cache', process), role: `cache_dir of ${name}` },
    ];
  }
  if (LOCAL_DOCKER_EXECUTORS.includes(executor) && isLocalDocker(entry, process)) {
    return [{ path: dockerRoot, role: 'Docker root', ...jobFolderOf(id) }];
  }
  if (executor !== 'custom') return [];
  return [
    ...(buildsDir === undefined ? [] : [{ path: buildsDir, role: `builds_dir of ${name}` }]),
    ...(cacheDir === undefined ? [] : [{ path: cacheDir, role: `cache_dir of ${name}` }]),
  ].filter(({ path }) => isAbsolute(path));
}

/** Of the short token, which the runner names the folder by. Any other text of config.toml makes no path to remove. */
function workingCopiesOf(builds: string, id = ''): Pick<JobFolder, 'workingCopies'> {
  const shortToken = id.replace(/#\d+$/, '');
  return /^[\w-]{8,9}$/.test(shortToken) ? { workingCopies: join(builds, shortToken) } : {};
}

function jobFolderOf(
  runner: string | undefined,
  more: Omit<JobFolder, 'runner'> = {},
): Pick<Use, 'jobFolder'> {
  return runner === undefined ? {} : { jobFolder: { runner, ...more } };
}

function isLocalDocker({ dockerHost }: RunnerEntry, process: RunnerProcess | undefined): boolean {
  const host = dockerHost ?? process?.environment?.['DOCKER_HOST'] ?? '';
  return host === '' || host.startsWith('unix://');
}

function temporaryDirectory(process: RunnerProcess | undefined): string {
  const wanted = process?.environment?.['TMPDIR'] ?? '';
  return wanted === '' ? '/tmp' : join('/', wanted);
}

function homeOf(process: RunnerProcess | undefined): string {
  const home = process?.environment?.['HOME'] ?? '';
  if (isAbsolute(home)) return home;
  return process?.uid === 0 ? '/root' : PACKAGED_WORKING_DIRECTORY;
}
