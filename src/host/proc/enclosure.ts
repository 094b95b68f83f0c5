/**
 * Does a process live on the host, or in a container with a root of its own, and in which network?
 *
 * Source  /proc/PID/root by device and inode (a namespace of mounts proves nothing: units with ProtectSystem= have one
 *         too); /proc/PID/{cgroup,mountinfo}, which anyone may read; docs/reference/runner-places.md.
 */
import { readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';

import { systemClock } from '../../core/clock.ts';
import type { Container } from '../../core/container.ts';
import { isErrno } from '../../core/errno.ts';
import type { Paths } from '../../core/paths.ts';
import type { RunnerProcess } from '../../core/reading.ts';
import { ContainerNames } from '../docker/container-name.ts';
import { fileIdentity } from '../fs/same-file.ts';
import { isThereIn, statIn } from '../fs/in-root.ts';
import { networkOf } from '../net/network.ts';
import { podId } from '../place/pod-commands.ts';
import { makerOfPod, readOwnContainer } from '../place/own-container.ts';
import type { ContainerId } from './container-id.ts';
import { containerIdOf } from './container-id.ts';

/** Absent on the host, and in its network. */
export type Enclosure = Pick<RunnerProcess, 'container' | 'network' | 'closed'>;

const CLOSED =
  'runnerwatch may not look into the container of the runner: it needs CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH';

const names = new ContainerNames(systemClock);

export async function enclosureOf(pid: number, paths: Paths): Promise<Enclosure> {
  const folder = join(paths.procfs, String(pid));
  const view = await viewOf(folder, paths);
  const network = networkOf(pid, paths);
  const there = network === undefined ? {} : { network };
  if (view === 'host') return there;
  const groups = await readFile(join(folder, 'cgroup'), 'utf8').catch(() => '');
  const known = containerIdOf(groups);
  const isClosed = view === 'closed';
  if (isClosed && known === undefined && !(await hasOtherMount(folder, paths))) return there;
  const container = await containerOf(known, folder, paths);
  return { ...there, container, ...(isClosed ? { closed: CLOSED } : {}) };
}

/** `closed`: it may not be seen which root it has. */
async function viewOf(folder: string, paths: Paths): Promise<'host' | 'other' | 'closed'> {
  const rootfs = join(folder, 'root');
  const refused = await statIn({ rootfs }, '/').then(
    () => false,
    (error: unknown) => isErrno(error, 'EACCES', 'EPERM'),
  );
  if (refused) return 'closed';
  const [its, ...ours] = await Promise.all(
    [rootfs, '/', hostRoot(paths)].map(async (root) => await fileIdentity(root, '/')),
  );
  // One that has ended in between, or a /proc of a test, shows none.
  return its === undefined || ours.includes(its) ? 'host' : 'other';
}

/** Asked from within a container, the host is ours. */
function hostRoot({ rootfs, container }: Paths): string {
  return container === undefined ? rootfs : '/';
}

async function containerOf(
  known: ContainerId | undefined,
  folder: string,
  paths: Paths,
): Promise<Container> {
  const own = await readOwnContainer({ ...paths, rootfs: hostRoot(paths) });
  if (own?.kind === 'pod') {
    const { livenessProbe: _, ...known } = own.pod;
    const pod = { ...known, ...(await makerOfPod({ rootfs: join(folder, 'root') })) };
    return { id: podId(pod), name: pod.name, pod };
  }
  if (known !== undefined) {
    const engine = known.engine ?? (await engineByMarks(join(folder, 'root')));
    return await names.of(
      { ...known, ...(engine === undefined ? {} : { engine }) },
      { ...paths, rootfs: hostRoot(paths) },
    );
  }
  const name = await rootName(folder);
  return { id: `container:${name}`, name };
}

/** Files that an engine puts into its containers. */
async function engineByMarks(rootfs: string): Promise<Container['engine']> {
  if (await isThereIn({ rootfs }, '/run/.containerenv')) return 'podman';
  return (await isThereIn({ rootfs }, '/.dockerenv')) ? 'docker' : undefined;
}

/**
 * The root of a process without an engine, by its path on the host where that is known. Whoever made the folder chose its
 * name, which is printed in commands: other characters than those of a path are question marks.
 */
async function rootName(folder: string): Promise<string> {
  return (await rootText(folder)).replace(/[^\w./:@+-]/g, '?');
}

async function rootText(folder: string): Promise<string> {
  const changed = await readlink(join(folder, 'root')).catch(() => '/');
  if (changed !== '/') return changed;
  const { root = '/', device = '' } = (await rootMount(folder)) ?? {};
  return root === '/' ? device : root;
}

interface RootMount {
  /** `8:1`. */
  readonly device: string;
  /** The folder of the file system that is mounted there. */
  readonly root: string;
}

/** Without rights to its root: the file system on which it lies, unlike ours and that of the first process. */
async function hasOtherMount(folder: string, { procfs }: Paths): Promise<boolean> {
  const [its, ...hosts] = await Promise.all(
    [folder, join(procfs, 'self'), join(procfs, '1')].map(async (one) => await rootMount(one)),
  );
  const known = hosts.filter((mount) => mount !== undefined).map((mount) => JSON.stringify(mount));
  return its !== undefined && known.length > 0 && !known.includes(JSON.stringify(its));
}

async function rootMount(folder: string): Promise<RootMount | undefined> {
  const text = await readFile(join(folder, 'mountinfo'), 'utf8').catch(() => '');
  const line = text.split('\n').findLast((one) => one.split(' ')[4] === '/');
  const [, , device, root] = line?.split(' ') ?? [];
  return device === undefined || root === undefined ? undefined : { device, root };
}
