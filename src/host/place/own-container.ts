/**
 * Is runnerwatch itself in a container, beside that of the runner? Then its root says nothing of the runner: neither that
 * it is not installed, nor whom it trusts.
 *
 * Source  the marks of engines and of Kubernetes in our own root, and the root of process 1;
 *         docs/reference/runner-places.md#our-own-container.
 */
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';

import { isErrno } from '../../core/errno.ts';
import type { Paths } from '../../core/paths.ts';
import type { Pod } from '../../core/pod.ts';
import { isThereIn, readTextIn, statIn } from '../fs/in-root.ts';
import { parseMountInfo } from '../fs/mounts.ts';
import { findProgram } from '../proc/runner-program.ts';
import { hasSystemd } from '../systemd/systemd.ts';

export type OwnContainer =
  | { readonly kind: 'pod'; readonly pod: Pod }
  | { readonly kind: 'container' };

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
const MARKS = ['/.dockerenv', '/run/.containerenv'];
/** The chart mounts them into the container of the runner. */
const ENTRYPOINT_OF_CHART = '/configmaps/entrypoint';
const PROBE_OF_CHART = '/configmaps/check-live';
/** Process 1 of a host, whose processes we then see. */
const INIT = /^(?:systemd|init)$/;

type Environment = Readonly<Record<string, string | undefined>>;

/** Undefined on a host, and where the root and the processes of the host are mounted for us. */
export async function readOwnContainer(
  paths: Paths,
  environment: Environment = process.env,
): Promise<OwnContainer | undefined> {
  if (paths.container !== undefined) return undefined;
  const seesHost = paths.rootfs !== '/' && !(await isHostWithoutProcesses(paths));
  return seesHost ? undefined : await markedContainer({ ...paths, rootfs: '/' }, environment);
}

/** Of its root alone: the processes in this /proc are those of our own container. */
async function isHostWithoutProcesses(paths: Paths): Promise<boolean> {
  return (await isMountedForUs(paths.rootfs)) && (await rootOfFirst(paths)) === 'ours';
}

async function isMountedForUs(folder: string): Promise<boolean> {
  const table = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  return parseMountInfo(table).some(({ mountPoint }) => mountPoint === resolve(folder));
}

/** From our own paths: in a container that has the processes of the host its root is that of the first one. */
export async function rootOfHost(own: Paths): Promise<string> {
  const seesHost = (await isMarked(own)) && (await seesKernel(own));
  if (!seesHost || (await findProgram(own)) !== undefined) return own.rootfs;
  return (await rootOfFirst(own)) === 'other' ? join(own.procfs, '1/root') : own.rootfs;
}

/** Whether the rights of this program are options of a container, not those of a service; in a pod they are neither. */
export async function isInContainer(
  { rootfs, procfs, sysfs }: Paths,
  environment: Environment = process.env,
): Promise<boolean> {
  const own = { rootfs: '/', procfs, sysfs };
  if ((await isInPod(own, environment)) || !(await isMarked(own))) return false;
  return rootfs === '/' ? !(await isLikeHost(own)) : await isMountedForUs(rootfs);
}

/** The same for any root, as a test builds one. */
export async function markedContainer(
  paths: Paths,
  environment: Environment,
): Promise<OwnContainer | undefined> {
  const inPod = await isInPod(paths, environment);
  if (!inPod && !(await isMarked(paths))) return undefined;
  // A pod with the processes of its node is looked at from there.
  if (await isLikeHost(paths, inPod)) return undefined;
  if (!inPod) return { kind: 'container' };
  const namespace = (await textOf(paths, `${ACCOUNT}/namespace`)).trim();
  // With hostNetwork the name of the host is that of the node.
  const name = podNameIn(environment) ?? hostname();
  // The chart cannot share the processes of its pod, so that nothing else is known of one that does not.
  const pod = { name, isOfChart: true, livenessProbe: 'unseen' } as const;
  return { kind: 'pod', pod: namespace === '' ? pod : { ...pod, namespace } };
}

/** By the root of the container of the runner. The probe of older charts looks for a process, and does not ask GitLab. */
export async function makerOfPod(
  paths: Pick<Paths, 'rootfs'>,
): Promise<Pick<Pod, 'isOfChart' | 'livenessProbe'>> {
  const isOfChart = await isThereIn(paths, ENTRYPOINT_OF_CHART);
  const script = isOfChart ? await readTextIn(paths, PROBE_OF_CHART).catch(() => '') : '';
  return { isOfChart, ...(/\bverify\b/.test(script) ? { livenessProbe: 'asks-gitlab' } : {}) };
}

async function isInPod(
  paths: Paths,
  { KUBERNETES_SERVICE_HOST: host = '' }: Environment,
): Promise<boolean> {
  return host !== '' || (await isThereIn(paths, ACCOUNT));
}

async function isMarked(paths: Paths): Promise<boolean> {
  const found = await Promise.all(MARKS.map(async (mark) => await isThereIn(paths, mark)));
  return found.includes(true);
}

/** By the manifest, from `metadata.name`. */
function podNameIn({ POD_NAME: name = '' }: Environment): string | undefined {
  return /^[a-z0-9][a-z0-9.-]*$/.test(name) ? name : undefined;
}

/** With an init or with the threads of the kernel in our own root, every process is here; or the runner itself is. */
async function isLikeHost(paths: Paths, inPod = false): Promise<boolean> {
  const isOurs = inPod || !['other', 'closed'].includes(await rootOfFirst(paths));
  if (isOurs && (INIT.test(await nameOf(1, paths)) || (await seesKernel(paths)))) return true;
  return (await hasSystemd(paths)) || (await findProgram(paths)) !== undefined;
}

async function seesKernel(paths: Paths): Promise<boolean> {
  return (await nameOf(2, paths)) === 'kthreadd';
}

async function nameOf(pid: number, { procfs }: Paths): Promise<string> {
  const text = await readFile(join(procfs, `${pid}/comm`), 'utf8').catch(() => '');
  return text.trim();
}

/** By device and inode; `closed`: it may more than we do. */
async function rootOfFirst({
  procfs,
}: Pick<Paths, 'procfs'>): Promise<'ours' | 'other' | 'closed' | 'absent'> {
  try {
    const [its, ours] = await Promise.all(
      [join(procfs, '1/root'), '/'].map(async (rootfs) => await statIn({ rootfs }, '/')),
    );
    return its?.dev === ours?.dev && its?.ino === ours?.ino ? 'ours' : 'other';
  } catch (error) {
    return isErrno(error, 'EACCES', 'EPERM') ? 'closed' : 'absent';
  }
}

async function textOf(paths: Paths, path: string): Promise<string> {
  return await readTextIn(paths, path).catch(() => '');
}
