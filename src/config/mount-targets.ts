/** Which file systems does the runner write? Each once, with all it is used for. Touches none of them. */
import { dirname, isAbsolute, join } from 'node:path';

import type { RunnerProcess } from '../core/reading.ts';
import type { MountTarget } from '../core/target.ts';
import type { Mount } from '../host/mounts.ts';
import { mountOf } from '../host/mounts.ts';
import { asProcessSees } from './locate.ts';
import type { RunnerDocument, RunnerEntry } from './runner-config.ts';

const DOCKER_ROOT = '/var/lib/docker';
const DOCKER_EXECUTORS = ['docker', 'docker-windows'];
/** Made full and read-only: images of snaps, of appliances, of live systems. */
const READ_ONLY_TYPES = new Set(['squashfs', 'erofs', 'cramfs', 'romfs', 'iso9660', 'udf']);

export interface MountQuestion {
  readonly document: RunnerDocument | undefined;
  readonly configPath: string;
  readonly process: RunnerProcess | undefined;
  readonly mounts: readonly Mount[];
}

interface Use {
  readonly path: string;
  readonly role: string;
}

/** In the order of first use; `/` is always among them, unless it is meant to be read-only. */
export function mountTargetsOf({
  document,
  configPath,
  process,
  mounts,
}: MountQuestion): readonly MountTarget[] {
  const uses = [
    ...(document?.runners ?? []).flatMap((entry) => usesOf(entry, process)),
    { path: dirname(configPath), role: 'config' },
    { path: temporaryDirectory(process), role: 'TMPDIR' },
    { path: '/', role: '/' },
  ];
  const byMount = Map.groupBy(uses, ({ path }) => mountOf(path, mounts));
  return [...byMount].flatMap(([mount, members]): readonly MountTarget[] => {
    const [first] = members;
    if (mount === undefined || first === undefined) return [];
    const { mountPoint: id, fileSystemType, superOptions } = mount;
    const readOnly = superOptions.includes('ro');
    const roles = [...new Set(members.map(({ role }) => role))];
    if (readOnly && !roles.some((role) => isWritten(role, fileSystemType))) return [];
    return [{ kind: 'mount', id, fileSystemType, readOnly, path: first.path, roles }];
  });
}

/** `/` alone is nothing that the runner writes; a config that came with a read-only image is meant so. */
function isWritten(role: string, fileSystemType: string): boolean {
  return role !== '/' && !(role === 'config' && READ_ONLY_TYPES.has(fileSystemType));
}

/** Folders of an entry on this host. Those of containers and remote machines are not here. */
function usesOf(entry: RunnerEntry, process: RunnerProcess | undefined): readonly Use[] {
  const name = entry.name === '' ? `entry ${entry.number}` : entry.name;
  const { executor, buildsDir, cacheDir } = entry;
  if (executor === 'shell') {
    return [
      { path: asProcessSees(buildsDir ?? 'builds', process), role: `builds_dir of ${name}` },
      { path: asProcessSees(cacheDir ?? 'cache', process), role: `cache_dir of ${name}` },
    ];
  }
  if (DOCKER_EXECUTORS.includes(executor) && isLocalDocker(entry, process)) {
    return [{ path: DOCKER_ROOT, role: 'Docker root' }];
  }
  if (executor !== 'custom') return [];
  return [
    ...(buildsDir === undefined ? [] : [{ path: buildsDir, role: `builds_dir of ${name}` }]),
    ...(cacheDir === undefined ? [] : [{ path: cacheDir, role: `cache_dir of ${name}` }]),
  ].filter(({ path }) => isAbsolute(path));
}

function isLocalDocker({ dockerHost }: RunnerEntry, process: RunnerProcess | undefined): boolean {
  const host = dockerHost ?? process?.environment?.['DOCKER_HOST'] ?? '';
  return host === '' || host.startsWith('unix://');
}

function temporaryDirectory(process: RunnerProcess | undefined): string {
  const wanted = process?.environment?.['TMPDIR'] ?? '';
  return wanted === '' ? '/tmp' : join('/', wanted);
}
