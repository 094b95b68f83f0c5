/**
 * What has made a container and makes it anew: compose, a swarm, or a unit of systemd. It says so in labels.
 *
 * Promises: a label is text of whoever made the container. One that the image brings counts for nothing, a name has only
 * the characters of such names, a path is absolute and printable, and a unit must be one that starts containers.
 */
import { posix } from 'node:path';

import type {
  ComposeService,
  Container,
  ContainerManager,
  ContainerUnit,
  SwarmService,
} from '../../core/container.ts';
import { withSignal } from '../../core/abort.ts';
import type { Paths } from '../../core/paths.ts';
import { printable } from '../../core/printable.ts';
import { readTextIn, statIn } from '../fs/in-root.ts';
import type { Mount } from '../fs/mounts.ts';
import { mountOf, readMounts } from '../fs/mounts.ts';
import { findUnitFile } from '../systemd/unit-files.ts';

export type Labels = Readonly<Record<string, string>>;

interface Asked {
  readonly engine: Container['engine'];
  readonly labels: Labels;
  /** Of its image. */
  readonly imageLabels: Labels;
  /** This host may change the services of its swarm. */
  readonly isSwarmManager: () => Promise<boolean>;
  /** Those of the host. */
  readonly paths: Paths;
  readonly signal: AbortSignal;
}

const PROJECT = 'com.docker.compose.project';
const SERVICE = 'com.docker.compose.service';
const DIRECTORY = 'com.docker.compose.project.working_dir';
const FILES = 'com.docker.compose.project.config_files';
const ENVIRONMENT_FILES = 'com.docker.compose.project.environment_file';
const NUMBER = 'com.docker.compose.container-number';
const VERSION = 'com.docker.compose.version';
const PODMAN_PROJECT = 'io.podman.compose.project';
const SWARM_TASK = 'com.docker.swarm.task.id';
const SWARM_SERVICE = 'com.docker.swarm.service.name';
const STACK = 'com.docker.stack.namespace';
const UNIT = 'PODMAN_SYSTEMD_UNIT';
/** compose writes its project and service into the images that it builds, but none of these. */
const NEVER_OF_IMAGE = [
  DIRECTORY,
  FILES,
  ENVIRONMENT_FILES,
  NUMBER,
  SWARM_TASK,
  SWARM_SERVICE,
  UNIT,
];
const GENERATED = '/run/systemd/generator';
const MAX_PATHS = 10;
const DISK_TYPES: ReadonlySet<string> = new Set([
  'ext2',
  'ext3',
  'ext4',
  'xfs',
  'btrfs',
  'zfs',
  'f2fs',
  'overlay',
  'tmpfs',
]);

/** Whether its labels say that it may have been made by one; then the labels of its image matter. */
export function mayHaveManager(labels: Labels): boolean {
  return [NUMBER, SWARM_TASK, UNIT].some((label) => label in labels);
}

export async function managerOf(asked: Asked): Promise<ContainerManager | undefined> {
  const { labels, imageLabels } = asked;
  if (NEVER_OF_IMAGE.some((label) => label in imageLabels)) return undefined;
  if (NUMBER in labels) return await composeService(asked);
  return SWARM_TASK in labels ? await swarmService(asked) : await unitOf(asked);
}

async function composeService({
  engine,
  labels,
  paths,
  signal,
}: Asked): Promise<ComposeService | undefined> {
  const project = nameIn(labels[PODMAN_PROJECT] ?? labels[PROJECT]);
  const service = nameIn(labels[SERVICE]);
  if (project === undefined || service === undefined) return undefined;
  const directory = pathsIn(labels[DIRECTORY], '/')[0];
  const files = pathsIn(labels[FILES], directory);
  const mounts = await readMounts(paths);
  const found = await Promise.all(
    files.map(async (file) => isOnDisk(file, mounts) && (await isFile(file, paths, signal))),
  );
  return {
    kind: 'compose',
    program: programOf(engine, labels),
    project,
    service,
    ...(directory === undefined ? {} : { directory }),
    files,
    environmentFiles: pathsIn(labels[ENVIRONMENT_FILES], directory),
    isHere: files.length > 0 && found.every(Boolean),
  };
}

function programOf(engine: Container['engine'], labels: Labels): ComposeService['program'] {
  if (PODMAN_PROJECT in labels) return 'podman-compose';
  if (engine === 'podman') return 'podman compose';
  return labels[VERSION]?.startsWith('1.') === true ? 'docker-compose' : 'docker compose';
}

async function swarmService({ labels, isSwarmManager }: Asked): Promise<SwarmService | undefined> {
  const service = nameIn(labels[SWARM_SERVICE]);
  const stack = nameIn(labels[STACK]);
  if (service === undefined) return undefined;
  const isManager = await isSwarmManager();
  return { kind: 'swarm', service, isManager, ...(stack === undefined ? {} : { stack }) };
}

/** The label is no proof: podman-compose names a unit that need not be there, and anyone may name sshd. */
async function unitOf({ engine, labels, paths }: Asked): Promise<ContainerUnit | undefined> {
  const unit = /^[\w:.@\\-]{1,120}\.service$/.exec(labels[UNIT] ?? '')?.[0];
  if (engine !== 'podman' || unit === undefined) return undefined;
  const quadlet = await quadletOf(unit, paths);
  if (quadlet !== undefined) return { kind: 'unit', unit, quadlet, makesContainer: true };
  const { text = '' } = (await findUnitFile(unit, paths)) ?? {};
  const started = /^ExecStart=\S*podman\s.*?\b(?<verb>run|start)\b/ms.exec(text);
  return started === null
    ? undefined
    : { kind: 'unit', unit, makesContainer: started.groups?.['verb'] === 'run' };
}

/** The .container file that a unit is generated from. */
async function quadletOf(unit: string, paths: Paths): Promise<string | undefined> {
  const text = await readTextIn(paths, `${GENERATED}/${unit}`).catch(() => '');
  const path = /^SourcePath=(?<path>\/.*\.container)$/m.exec(text)?.groups?.['path'];
  return path !== undefined && printable(path) === path ? path : undefined;
}

function nameIn(text = ''): string | undefined {
  return /^\w[\w.-]{0,127}$/.exec(text)?.[0];
}

/** Separated by commas; a relative one is below the directory. None at all where one is not a path. */
function pathsIn(text = '', directory = '.'): readonly string[] {
  const given = text.split(',').filter((part) => part !== '');
  const whole = given.map((part) => posix.resolve('/', directory, part));
  const isRooted = directory.startsWith('/') || given.every((part) => part.startsWith('/'));
  const isPlain = given.every((part) => part !== '-' && !part.includes('://'));
  const isPrintable = printable(text) === text && given.length <= MAX_PATHS;
  return isRooted && isPlain && isPrintable ? whole : [];
}

/** A file system of a network, or of a program, may not answer, and would keep a thread of ours. */
function isOnDisk(path: string, mounts: readonly Mount[]): boolean {
  return DISK_TYPES.has(mountOf(path, mounts)?.fileSystemType ?? '');
}

async function isFile(path: string, paths: Paths, signal: AbortSignal): Promise<boolean> {
  const info = await withSignal(statIn(paths, path), signal).catch(() => undefined);
  return info?.isFile() === true;
}
